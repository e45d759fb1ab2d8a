"""Make the recordings that some notebooks answer from: ``record.py [NOTEBOOK …]``, or all of them.

No language model is asked. ``answers/NOTEBOOK.yaml`` holds what the made-up models of the provider
``demo`` say: a list of rows, each with ``asks``, a regular expression for the prompt, and the
``answer``, or one for ``small``, ``medium`` or ``large``. An answer is a text, a list of them (one
each time it is asked for), ``fails``, or a call of a function (``name``, ``arguments``). A server
on loopback says it, and each notebook is run once in the mode record, which leaves its answers in
``.orch/recording``. Then ``run.py`` saves the outputs, in the mode replay.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import nbformat
import yaml
from nbclient.exceptions import CellExecutionError
from run import RECORDING, describe, run

HERE = Path(__file__).parent
_REPLAY = re.compile(r"(ORCH_MODE=|OrchMagics\.mode = \")replay")
# Made up, as all facts of these models: words a second.
_PACE = {"small": 120.0, "medium": 80.0, "large": 40.0}
_MODEL = """\
  "demo:%s":
    price: {input: %s, output: %s}
    context: 32768
    capabilities: [%s]
    quality: {%s}
"""
_FACTS = {
    "small": (0.1, 0.4, "json", 0.4),
    "medium": (1, 4, "json, tools", 0.6),
    "large": (5, 20, "json, tools, vision", 0.85),
}
_KINDS = "analysis chat code creative extraction math planning reasoning summary translation vision"
_PORT = 8765  # always the same, since some outputs show it; chosen


class Script:
    """The answers of a notebook, in the order in which they are asked for."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self._rows = rows
        self._given: Counter[tuple[int, str]] = Counter()
        #: What was asked, and is not written.
        self.missing: list[str] = []

    def answer(self, prompt: str, model: str) -> Any:
        """What `model` says to `prompt`."""
        for index, row in enumerate(self._rows):
            if re.search(row["asks"], prompt) and (model in row or "answer" in row):
                said = row.get(model, row.get("answer"))
                turn = self._given[index, model]
                self._given[index, model] += 1
                return said[min(turn, len(said) - 1)] if isinstance(said, list) else said
        self.missing.append(f"{model}: {prompt}")
        return f"No answer was written for {model}."


class Handler(BaseHTTPRequestHandler):
    """Speaks Chat Completions, streamed, and says what is in `script`."""

    script: Script

    def do_GET(self) -> None:
        """The list of models."""
        self._send("application/json", json.dumps({"data": [{"id": name} for name in _PACE]}))

    def do_POST(self) -> None:
        """One answer."""
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        prompt = "\n".join(str(message["content"]) for message in asked["messages"])
        said = self.script.answer(prompt, asked["model"])
        if said == "fails":
            self.send_error(503)
            return
        called = said if isinstance(said, dict) else None
        text = "" if called else str(said).strip()
        words = len(text.split()) + 8
        time.sleep(0.2 + words / _PACE[asked["model"]])
        delta: dict[str, Any] = {"content": text}
        if called:
            function = {"name": called["name"], "arguments": json.dumps(called["arguments"])}
            delta = {"tool_calls": [{"index": 0, "id": "call-1", "function": function}]}
        finish = "tool_calls" if called else "stop"
        # A rough count, since nothing here has a tokenizer: four characters to a token.
        usage = {"prompt_tokens": len(prompt) // 4, "completion_tokens": max(len(text) // 4, 1)}
        events = [
            {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]},
            {"choices": [{"index": 0, "delta": {}, "finish_reason": finish}]},
            {"choices": [], "usage": usage},
        ]
        lines = [*map(json.dumps, events), "[DONE]"]
        self._send("text/event-stream", "".join(f"data: {line}\n\n" for line in lines))

    def _send(self, kind: str, text: str) -> None:
        data = text.encode()
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def serving(script: Script, port: int) -> Iterator[None]:
    """A server on loopback that says what is in `script`."""
    handler = type("Scripted", (Handler,), {"script": script})
    with ThreadingHTTPServer(("127.0.0.1", port), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield
        server.shutdown()


def settings(port: int) -> str:
    """The ``orch.yaml`` that has the made-up models."""
    address = f"http://127.0.0.1:{port}/v1"
    rows = ["providers:", f'  demo: {{type: compatible, base_url: "{address}", max_retries: 0}}']
    rows.append("models:")
    for name, (into, out, can, quality) in _FACTS.items():
        qualities = ", ".join(f"{kind}: {quality}" for kind in _KINDS.split())
        rows.append(_MODEL % (name, into, out, can, qualities))
    return "\n".join(rows)


def record(path: Path, port: int) -> None:
    """Run the notebook at `path` in the mode record, and keep what it recorded beside it."""
    rows = yaml.safe_load((HERE / "answers" / f"{path.stem}.yaml").read_text("utf-8"))
    script = Script(rows)
    notebook = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    for cell in notebook.cells:
        cell.source = _REPLAY.sub(r"\1record", cell.source)
    # Else the time of the first answer is that of the import.
    notebook.cells.insert(0, nbformat.v4.new_code_cell("import openai"))  # type: ignore[no-untyped-call]
    with serving(script, port), tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "orch.yaml").write_text(settings(port))
        try:
            for cell in run(notebook, folder):
                print(describe(cell), flush=True)
        finally:
            for missing in script.missing:
                print(f"no answer is written for {missing}", file=sys.stderr)
        shutil.copytree(folder / RECORDING, path.parent / RECORDING, dirs_exist_ok=True)


def main() -> int:
    """Exit status 0, or 1 if a cell failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("notebook", nargs="*", type=Path)
    parser.add_argument("--port", type=int, default=_PORT)
    arguments = parser.parse_args()
    paths = arguments.notebook
    if not paths:  # anew, so that nothing stays that no notebook asks for
        shutil.rmtree(HERE / RECORDING, ignore_errors=True)
        paths = [HERE / f"{answers.stem}.ipynb" for answers in sorted(HERE.glob("answers/*"))]
    for path in paths:
        try:
            record(path, arguments.port)
        except CellExecutionError:
            print(f"\n{path} failed in the cell above", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
