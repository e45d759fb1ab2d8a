"""The documents, and how to read tables, code and sections in them."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "orch_nb"
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(PACKAGE / "help").glob("*.md")])
README, CONTRIBUTING = (
    (ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "CONTRIBUTING.md")
)
#: What ``%orch help`` shows, by topic.
PAGES = {path.stem: path.read_text(encoding="utf-8") for path in DOCUMENTS if path.parent != ROOT}
#: All that users read.
FOR_USERS = "\n".join((README, *PAGES.values()))


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
