"""The documents, and how to read tables, code and sections in them.

``python tests/documents.py --write`` writes the table of providers into the README, from the code.
"""

from __future__ import annotations

import re
import sys
import tomllib
from importlib import import_module
from pathlib import Path

from orch_nb.providers import built_in_types
from orch_nb.providers._sdk import SDKProvider
from orch_nb.settings.endpoint import OFFICIAL, SERVERS

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "orch_nb"
PICTURES = ROOT / "notebooks" / "pictures"
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(PACKAGE / "help").glob("*.md")])
README, CONTRIBUTING = (
    (ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "CONTRIBUTING.md")
)
#: What ``%orch help`` shows, by topic.
PAGES = {path.stem: path.read_text(encoding="utf-8") for path in DOCUMENTS if path.parent != ROOT}
#: All that users read.
FOR_USERS = "\n".join((README, *PAGES.values()))
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

_PROVIDERS = re.compile(r"(?<=<!-- providers -->\n).*?(?=<!-- /providers -->)", re.S)


def rows(text: str) -> list[list[str]]:
    """The cells of the body of each Markdown table in `text`."""
    lines = [[c.strip() for c in line.split("|")[1:-1]] for line in text.splitlines()]
    return [
        cells
        for cells, above in zip(lines[1:], lines, strict=False)
        if above and cells and not set(cells[0]) <= set("-")
    ]


def codes(text: str) -> list[str]:
    """What stands between single backticks in `text`."""
    return re.findall(r"`([^`\n]+)`", text)


def blocks(document: str, language: str) -> list[str]:
    """The fenced blocks of `document` that are marked as `language`."""
    return re.findall(rf"^```{language}\n(.*?)^```$", document, re.S | re.M)


def with_providers(text: str) -> str:
    """`text` with the table of providers as the code has it."""
    table = ["| provider | what it reaches | where | needs |", "|---|---|---|---|"]
    table += [_row(name) for name in built_in_types()]
    return _PROVIDERS.sub(lambda _: "\n".join([*table, ""]), text)


def _row(name: str) -> str:
    """One type of provider, as its module says."""
    module = import_module(f"orch_nb.providers.{name}")
    kind, reaches = module.Provider, (module.__doc__ or "").partition("\n")[0].rstrip(".")
    where, needs = kind.home or "this machine", "nothing"
    if issubclass(kind, SDKProvider) and not kind.home:
        where, needs = "`base_url`", "`api_key_env`, if the server wants a key"
    if name in OFFICIAL:
        where, needs = f"{where}, or `{OFFICIAL[name].url_variable}`", f"`{kind.key_env}`"
    elif name in SERVERS:
        where += f", or `{SERVERS[name].variable}`"
    elif name in PYPROJECT["project"]["optional-dependencies"]:
        needs = f'`pip install ".[{name}]"`'
    return f"| `{name}` | {reaches} | {where} | {needs} |"


if __name__ == "__main__" and sys.argv[1:] == ["--write"]:
    (ROOT / "README.md").write_text(with_providers(README), encoding="utf-8")
