"""Tables as safe HTML, and as aligned text that says the same."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Any

from orch_nb.figures import columns
from orch_nb.notebook import render
from orch_nb.sanitize import one_line

Bundle = dict[str, str]
#: An output, and its metadata.
Shown = tuple[Bundle, dict[str, Any]]
Row = Sequence[str]
#: The style of text whose own lines and spaces are kept.
PREFORMATTED = 'style="margin:.2em 0 .6em;padding:0;white-space:pre-wrap;overflow-wrap:anywhere"'
QUIET = 'style="color:var(--jp-ui-font-color2,#757575);font-size:85%;margin-top:.4em"'
# Names and reasons are a server's words, of any length.
_WIDTH = 200
_FIGURE = re.compile(r"—|[~<]?\$?\d[\d.,\s]*[s%]?|")
# Letters that a column of words keeps, however narrow the page.
_LEAST = 10
# Up to this length no word is broken, and a narrow page scrolls: a name is one. Chosen.
_WORD = 24
_ENDS_WORD = re.compile(r"[\s/-]")
_FIGURES = "text-align:right;white-space:nowrap"
_WORDS = re.compile(r' style="text-align:left;overflow-wrap:\w+;min-width:\d+ch"')
#: What the classes of `light` mean. Said twice they outweigh JupyterLab's, which set words right.
LIGHT = (
    ".orch-light.orch-light table :is(td,th){text-align:left;overflow-wrap:break-word}"
    ".orch-light.orch-light .orch-n.orch-n{text-align:right;white-space:nowrap}"
)
# Light enough for dark text, and transparent enough for light text on black.
_MARKED = ' style="background:rgba(255,165,0,.22);font-weight:600"'


def table(head: Row, rows: Sequence[Row], note: str = "", folded: Sequence[str] = ()) -> Bundle:
    """`rows` under `head`, then the lines `folded`, closed until they are clicked, and `note`.

    Cells are text of any kind; they are made visible and cut here.
    """
    lines = [[one_line(cell, _WIDTH) for cell in row] for row in (head, *rows)]
    rest = [one_line(line, 600) for line in folded]
    quiet = one_line(note, 600)
    said = html(lines)
    if rest:
        items = "".join(f"<li>{render.escape(line)}</li>" for line in rest)
        said += f"<details {QUIET}><summary>{len(rest)} more</summary><ul>{items}</ul></details>"
    if quiet:
        said += f"<div {QUIET}>{render.escape(quiet)}</div>"
    text = [*columns(lines), *rest, *([quiet] if quiet else [])]
    return {"text/html": said, "text/plain": "\n".join(text)}


def html(rows: Sequence[Row], marked: Collection[int] = ()) -> str:
    """A head and rows as HTML; words stand left, figures right, `marked` rows stand out."""
    head, *body = rows
    styles = [_style(word, [row[i] for row in body]) for i, word in enumerate(head)]
    lines = [_line(head, styles, "th")]
    lines += [
        _line(row, styles, "td", _MARKED if i in marked else "") for i, row in enumerate(body)
    ]
    made = f"<table><thead>{lines[0]}</thead><tbody>{''.join(lines[1:])}</tbody></table>"
    return f'<div style="overflow-x:auto">{made}</div>'


def light(shown: str) -> str:
    """Tables of `shown` with classes in the place of styles, for where `LIGHT` stands once."""
    return _WORDS.sub("", shown.replace(f' style="{_FIGURES}"', ' class="orch-n"'))


def _line(row: Row, styles: Sequence[str], tag: str, mark: str = "") -> str:
    said = [render.escape(cell) for cell in row]
    if tag == "th":
        # Figures are narrow: above them a name of two words takes two lines, and no room.
        pairs = zip(said, styles, strict=True)
        said = [text.replace(" ", "<br/>") if s == _FIGURES else text for text, s in pairs]
    cells = (
        f'<{tag} style="{style}">{text}</{tag}>' for text, style in zip(said, styles, strict=True)
    )
    return f"<tr{mark}>{''.join(cells)}</tr>"


def _style(head: str, cells: Sequence[str]) -> str:
    if all(map(_FIGURE.fullmatch, cells)):
        return _FIGURES
    least = min(_LEAST, max(map(len, (head, *cells))))
    words = (word for cell in (head, *cells) for word in _ENDS_WORD.split(cell))
    wrap = "normal" if max(map(len, words)) <= _WORD else "anywhere"
    return f"text-align:left;overflow-wrap:{wrap};min-width:{least}ch"
