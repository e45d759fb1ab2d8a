"""Whatever is written or sent: it is read, or refused with an error of ours, and soon."""

from __future__ import annotations

import json
import socketserver
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from documents import PAGES, blocks
from orch_nb import Session
from orch_nb.errors import OrchError
from orch_nb.notebook.magics import ORCH, SELECT
from orch_nb.providers import Endpoint, _chat, _ollama_chat, _responses, anthropic, known_types
from orch_nb.providers._failures import describe
from orch_nb.providers._whole import Whole
from orch_nb.settings import Settings, load
from orch_nb.templates.template import fill
from orch_nb.types import Delta
from soak.mutation import mutants
from soak.sizes import sized
from stub.client import Stub
from stub.raw import post

DATA = Path(__file__).parents[1] / "data"
COUNT = sized(1000, 10_000, 100_000)
#: Seconds of computing for one of them. Half a second is meant; more is for a slow machine.
LONGEST = 2.0
LINES = (
    "-s cost --model a:llama3.1:8b --max-cost 0.01 Why is {{ name }} blue?",
    "--system 'Be brief' --temperature=0 -o answer --schema Reply --dry-run -- -- x",
    "--check 'assert f(2) == 4' --verifier a:m --image plot.png --seed -1 --quiet",
    "--strategy weighted --weights cost=6,quality=3,speed=1 --pin sql=a:m --unpin code",
    "--task code --tool sql --tool vision --provider a --exclude b --local --min-quality 0.5",
    "history 3 --all",
)
TEMPLATES = (
    "A {{ name }} of {{ items | join(', ') }} in {{ table['a'][0] if n > 3 else 'none' }}",
    '{{ n * 10 }} {% raw %} {# x #} {{ \'{{\' }} {"a": {"b": 1}}',
    "{{ name.upper() ~ n }} {{ items[0] }} {{ range(n) | list }} {{ dict(a=1).items() }}",
    "{{ ''.__class__.__mro__ }} {{ 'a' * 10**9 }} {{ '%9999999d' | format(n) }}",
)
VALUES = {"name": "sky", "items": [1, 2], "table": {"a": [1]}, "n": 5}


@contextmanager
def bounded(case: object, longest: float = LONGEST) -> Iterator[None]:
    """The body ends as it should or with an error of ours, of one line, and soon."""
    began, said = time.process_time(), ""
    try:
        yield
    except OrchError as error:
        said = str(error)
    except Exception as error:
        raise AssertionError(f"{case!r} raised {type(error).__name__}") from error
    assert "\n" not in said, case
    assert time.process_time() - began < longest, case


def texts(corpus: Iterable[str], seed: str) -> Iterator[str]:
    encoded = [text.encode("utf-8", "surrogatepass") for text in corpus]
    for data in mutants(encoded, COUNT, seed):
        yield data.decode("utf-8", "surrogateescape")


def test_lines_of_magics() -> None:
    for line in texts(LINES, "lines"):
        for options in (ORCH, SELECT):
            with bounded(line):
                _, rest = options.parse(line)
                assert line.rstrip().endswith(rest)


def test_templates() -> None:
    hostile = json.loads((DATA / "hostile_templates.json").read_text(encoding="utf-8"))
    for text in texts([*TEMPLATES, *(case["text"] for case in hostile["cases"])], "templates"):
        with bounded(text):
            assert isinstance(fill(text, VALUES), str)


def test_settings(tmp_path: Path) -> None:
    hostile = json.loads((DATA / "hostile_yaml.json").read_text(encoding="utf-8"))
    written = [case["text"] for case in hostile if "text" in case]
    (example,) = blocks(PAGES["settings"], "yaml")
    corpus = [
        text.encode("utf-8", "surrogateescape") for text in (*[example] * len(written), *written)
    ]
    env, types = {"ORCH_HOME": str(tmp_path / "home")}, known_types()
    for content in mutants(corpus, COUNT, "settings"):
        (tmp_path / "orch.yaml").write_bytes(content)
        with bounded(content):
            assert isinstance(load(env=env, directory=tmp_path, known_types=types), Settings)


#: What Ollama answers before it is asked for text.
NOTHING_KNOWN = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}"


PIPELINE = """\
inputs: {topic: rivers}
selection_schema: {strategy: weighted, weights: {cost: 2, quality: 1}}
experts: {editor: "sim:small"}
budget: 0.50
steps:
  - {id: outline, prompt: "Outline {{ topic }} in five lines"}
  - {id: part, prompt: "Write about {{ item }}", for_each: "{{ outline.lines }}", max_parallel: 4}
  - {id: edit, prompt: "Edit: {{ part.text }}", tool: editor, when: "part | length > 2"}
outputs: {article: "{{ edit.text or part.text }}"}
"""


def test_pipelines() -> None:
    with Session() as s:
        s.pipeline(PIPELINE).plan({})
        # Most of what is damaged more is refused for its first wrong letter.
        for content in mutants([PIPELINE.encode()], COUNT // 2, "pipelines"):
            with bounded(content):
                s.pipeline(content.decode("utf-8", "surrogateescape")).plan({"topic": "lakes"})


class Broken(socketserver.StreamRequestHandler):
    """Answers one request with the bytes that its server has for it, and hangs up."""

    server: Server

    def handle(self) -> None:
        line = self.rfile.readline()
        size = 0
        while header := self.rfile.readline().strip():
            name, _, value = header.partition(b":")
            if name.lower() == b"content-length":
                size = int(value)
        self.rfile.read(size)
        if line.startswith(b"POST"):
            looked_up = b"/api/show " in line
            self.wfile.write(NOTHING_KNOWN if looked_up else self.server.said)


class Server(socketserver.ThreadingTCPServer):
    """A server that says ``said`` to whoever posts."""

    daemon_threads = True
    allow_reuse_address = True
    said = b""

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Who hangs up on us is right."""


@contextmanager
def serving() -> Iterator[Server]:
    with Server(("127.0.0.1", 0), Broken) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


SPECS = ("ok", "ok?words=60", "tool", "refuse", "length", "surrogate", "error200")


def recorded(stub: Stub, wire: str, *, stream: bool) -> list[bytes]:
    """Whole answers of the loopback server, heads and all."""
    found = []
    for spec in (*SPECS, "split_utf8", "err_mid") if stream else SPECS:
        stub.rule("alpha", spec)
        status, headers, body = post(stub, wire, stream=stream)
        kind = headers["content-type"]
        found.append(
            f"HTTP/1.1 {status} OK\r\nContent-Type: {kind}\r\nConnection: close\r\n\r\n".encode()
            + body
        )
    return found


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize(
    ("wire", "kind", "path"),
    [("chat", "compatible", "/v1"), ("messages", "anthropic", ""), ("ollama", "ollama", "")],
)
def test_bytes_of_providers(stub: Stub, wire: str, kind: str, path: str, stream: bool) -> None:
    corpus, count = recorded(stub, wire, stream=stream), COUNT // 3
    limits = {"first_token": 3, "idle": 3, "call": 8}
    with serving() as server:
        url = f"http://127.0.0.1:{server.server_address[1]}{path}"
        row = {"type": kind, "base_url": url, "max_retries": 0}
        rows = {"a": row if kind == "ollama" else {**row, "api_key": "sk-test"}}
        config = {"providers": rows, "cache": "off", "breaker": "off", "limits": limits}
        answers = 0
        with Session(config) as s:
            server.said = corpus[0]
            with suppress(OrchError):  # what is imported is imported
                s.ask("x", model="a:m", stream=stream)
            for said in mutants(corpus, count, wire):
                server.said = said
                with bounded(said):
                    answer = s.ask("x", model="a:m", stream=stream)
                    assert answer.text.strip() or answer.calls
                    answers += 1
        assert count // 40 < answers < count


READERS: dict[str, Callable[[dict[str, Any], str], Delta]] = {
    "chat": _chat.read_whole,
    "responses": _responses.read_whole,
    "messages": anthropic.Provider(Endpoint("a")).read_whole,
    "ollama": _ollama_chat.read_whole,
}


@pytest.mark.parametrize("wire", READERS)
def test_documents_of_providers(stub: Stub, wire: str) -> None:
    corpus = [answer.partition(b"\r\n\r\n")[2] for answer in recorded(stub, wire, stream=False)]
    reading = Whole(READERS[wire], "a:m", describe, 10**6)
    answers = 0
    for said in mutants(corpus, COUNT, wire):
        with bounded(said):
            assert reading.read(said).finish in ("stop", "length", "tool")
            answers += 1
    assert COUNT // 40 < answers < COUNT
