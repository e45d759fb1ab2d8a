"""``%orch help TOPIC``: the pages of ``orch_nb/help``, in a notebook and in a terminal."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from textwrap import wrap

from orch_nb.errors import UnknownNameError
from orch_nb.notebook.display import words
from orch_nb.notebook.tables import Bundle

_PAGES = Path(__file__).parents[1] / "help"
_WIDTH = 79  # a terminal's 80 columns, as pydoc and argparse count on
_LINK = re.compile(r"\[([^\]]+)\]\((?!https?:)(?:(\w+)\.md)?[^)\s]*\)")
_ADDRESS = re.compile(r"\[([^\]]+)\]\((https?:[^)\s]+)\)")
_CELL_END = re.compile(r"(?<!\\)\|")
_COMMENT = re.compile(r"^<!--.*?-->\n", re.M)
_BORDER = re.compile(r"[-:]*")


def topics() -> list[str]:
    """What there is a page on."""
    return sorted(page.stem for page in _PAGES.glob("*.md"))


def topics_line() -> str:
    """How to see a page, and which there are."""
    return f"Pages, each by %orch help TOPIC: {', '.join(topics())}"


def show_topic(topic: str) -> Bundle:
    """The page on `topic`. Raises `UnknownNameError` where there is none."""
    if topic not in topics():
        hint = " (a prompt that begins with this word comes after --)"
        raise UnknownNameError("topic", topic, topics(), hint)
    written = (_PAGES / f"{topic}.md").read_text(encoding="utf-8")
    text = _LINK.sub(_as_command, _COMMENT.sub("", written))
    return {
        "text/html": words(text)["text/html"],
        "text/plain": "\n".join(_laid_out(_ADDRESS.sub(r"\1 (\2)", text))),
    }


def _as_command(link: re.Match[str]) -> str:
    """A link to another page as what shows it here; of one to anything else its words."""
    return f"{link[1]} (`%orch help {link[2]}`)" if link[2] else link[1]


def _laid_out(text: str) -> Iterator[str]:
    """Markdown of ours as lines for a terminal; a row of a table as its cells below the first."""
    fenced, held = False, ""
    for line in [*text.splitlines(), ""]:
        opens = line.startswith(("```", "|", "#", "- ")) or not line
        if held and (opens or fenced):
            yield from _wrapped(held, "  " if held.startswith("- ") else "")
            held = ""
        if line.startswith("```"):
            fenced = not fenced
        elif fenced:
            yield f"    {line}".rstrip()
        elif line.startswith("|"):
            yield from _row([cell.strip() for cell in _CELL_END.split(line)[1:-1]])
        elif line.startswith("#") or not line:
            yield line
        else:
            held = f"{held} {line.strip()}".lstrip()


def _row(cells: list[str]) -> Iterator[str]:
    if all(map(_BORDER.fullmatch, cells)):  # as below a head, and in one without words
        return
    yield from _wrapped(cells[0], "")
    yield from _wrapped("    " + " · ".join(filter(None, cells[1:])), "    ")


def _wrapped(text: str, indent: str) -> list[str]:
    said = text.replace("**", "").replace("\\|", "|")
    return wrap(
        said, _WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
