"""``python -m orch_nb.registry.snapshot``: make ``facts.json`` anew, from two packages on PyPI.

The file of facts in litellm (MIT) is read from its wheel, which is downloaded by pip and never
installed or imported; windows of OpenAI and Anthropic come from the installed genai-prices (MIT).
For open models, which many hosts list, a fact is what at least two hosts state.
"""

from __future__ import annotations

import datetime
import json
import re
import subprocess
import sys
import tempfile
import zipfile
from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from orch_nb.registry.line_ups import line_up
from orch_nb.registry.names import canonical, is_chat, undated

Row = Mapping[str, Any]
_PACKAGE = "litellm"
_TABLE = "litellm/model_prices_and_context_window_backup.json"
_VENDORS = ("openai", "anthropic")
_LEAST_HOSTS = 2
# The generations that people run today; older ones are known by what their server says.
_OPEN = re.compile(
    r"^(llama-(3\.[1-9]|4)-|qwen-(2\.5|[3-9])[.-]|qwq-|gemma-[3-9]n?-|phi-[4-9]|deepseek-(v[3-9]|r1)"
    r"|(ministral|magistral|devstral|codestral)-\w+-|mistral-(nemo|\w+-\d)|gpt-oss-"
    r"|glm-(4\.[5-9]|[5-9])|kimi-k\d|minimax-m[2-9]|granite-[4-9]|nemotron-[3-9]|command-a|olmo-[3-9])"
)
_VARIANT = re.compile(
    r"-(turbo|fast|flashx|spot|us|ultra|lora|base|preview|exp|abliterated)\b|distill"
)
_FLAGS = {
    "json": "supports_response_schema",
    "tools": "supports_function_calling",
    "vision": "supports_vision",
}


def read_wheel(folder: Path) -> tuple[str, dict[str, Row], str]:
    """Version, table and licence notice of the newest litellm, downloaded into `folder`."""
    options = ["--no-deps", "--quiet", "--dest", str(folder)]
    command = [sys.executable, "-m", "pip", "download", _PACKAGE, *options]
    subprocess.run(command, check=True)  # noqa: S603 - our own command
    (wheel,) = folder.glob(f"{_PACKAGE}-*.whl")
    version = wheel.name.split("-")[1]
    with zipfile.ZipFile(wheel) as archive:
        table = json.loads(archive.read(_TABLE))
        licence = archive.read(f"{_PACKAGE}-{version}.dist-info/licenses/LICENSE").decode()
    notice = next(line for line in licence.splitlines() if line.startswith("Copyright"))
    return version, table, notice.strip()


def vendor_facts(table: Mapping[str, Row], vendor: str, today: str) -> dict[str, dict[str, Any]]:
    """The chat models of `vendor` that it has not withdrawn, each under its undated name."""
    rows = {
        name: row
        for name, row in table.items()
        if row.get("litellm_provider") == vendor
        and row.get("mode") in ("chat", "responses")
        and is_chat(name)
        and row.get("max_output_tokens")
        and not re.search("[:/]|search|preview", name)
        and name == undated(name)
        and row.get("deprecation_date", "9999") > today
    }
    windows = _listed_windows(vendor)
    facts = {}
    for name in sorted({*rows, *line_up(vendor)}):
        row = rows.get(name, {})
        known = {
            "context": windows.get(name),
            "max_output": row.get("max_output_tokens"),
            "capabilities": [flag for flag, key in _FLAGS.items() if row.get(key)] if row else None,
        }
        facts[name] = {fact: value for fact, value in known.items() if value is not None}
    return facts


def open_facts(table: Mapping[str, Row]) -> dict[str, dict[str, Any]]:
    """The common open models, by `canonical` name."""
    stated: dict[str, dict[str, Row]] = defaultdict(dict)
    for full, row in table.items():
        name = canonical(full)
        if _OPEN.search(name) and not _VARIANT.search(name) and is_chat(name):
            host = str(row.get("litellm_provider", "")).partition("_")[0]
            if row.get("mode") == "chat" and row.get("max_input_tokens"):
                stated[name].setdefault(host, row)
    return {
        name: _agreed(list(hosts.values()))
        for name, hosts in sorted(stated.items())
        if len(hosts) >= _LEAST_HOSTS
    }


def main() -> None:
    """Write ``facts.json`` beside this file."""
    from genai_prices import __version__ as prices_version  # noqa: PLC0415 - the script's own need

    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    with tempfile.TemporaryDirectory() as folder:
        version, table, notice = read_wheel(Path(folder))
    litellm, listed = f"litellm {version}", f"genai-prices {prices_version}"
    facts = {
        "date": today,
        "made_by": "python -m orch_nb.registry.snapshot",
        "attribution": {
            litellm: f"MIT licence, {notice}; https://github.com/BerriAI/litellm, {_TABLE}",
            listed: "MIT licence, Copyright (c) Pydantic Services Inc.; "
            "https://github.com/pydantic/genai-prices",
        },
        "vendors": {vendor: vendor_facts(table, vendor, today) for vendor in _VENDORS},
        "vendors_from": {"context": listed, "max_output": litellm, "capabilities": litellm},
        "open": open_facts(table),
        "open_from": {"context": litellm, "capabilities": litellm},
    }
    path = Path(__file__).with_name("facts.json")
    path.write_text(_one_model_a_line(facts), encoding="utf-8")
    print(f"{path.name}: {path.stat().st_size} bytes, from {litellm} and {listed}")


def _listed_windows(vendor: str) -> dict[str, int]:
    from genai_prices.data_snapshot import get_snapshot  # noqa: PLC0415

    provider = next(p for p in get_snapshot().providers if p.id == vendor)
    return {m.id: m.context_window for m in provider.models if m.context_window}


def _agreed(hosts: list[Row]) -> dict[str, Any]:
    """What the hosts of one open model state together.

    Hosts cut windows short, so the model's own is the largest that two of them state. A flag
    that a host leaves out is no proof: flags are kept where tools and JSON are stated, by two.
    """
    windows = Counter(int(row["max_input_tokens"]) for row in hosts)
    shared = [window for window, count in windows.items() if count >= _LEAST_HOSTS]
    counts = {flag: sum(row.get(key) is True for row in hosts) for flag, key in _FLAGS.items()}
    facts: dict[str, Any] = {"context": max(shared or [min(windows)])}
    if min(counts["json"], counts["tools"]) >= _LEAST_HOSTS:
        facts["capabilities"] = [flag for flag, count in counts.items() if count >= _LEAST_HOSTS]
    return facts


def _one_model_a_line(facts: Mapping[str, Any]) -> str:
    """JSON whose changes can be read."""
    text = json.dumps(facts, indent=1)
    text = re.sub(r"\[\s+([^\[\]{}]*?)\s+\]", lambda m: f"[{' '.join(m[1].split())}]", text)
    return (
        re.sub(r"\{\n {3,}([^{}]*?)\s+\}", lambda m: f"{{{' '.join(m[1].split())}}}", text) + "\n"
    )


if __name__ == "__main__":
    main()
