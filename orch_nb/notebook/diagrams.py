"""Mermaid diagrams of an answer: drawn by JupyterLab where that is safe, else left as code.

What JupyterLab 4.6 (mermaid 11.16) does with hostile diagrams was seen in a browser beside a second
origin, see ``tests/ui/test_display.py``: no script runs and nothing can be clicked, since it shows
a picture of the drawing; but an image in a label, an image as a shape, and the style of a directive
or of front matter are fetched while it draws. So only plain statements of known kinds of diagrams
come through here. Other places show another form of the same output: nbconvert, which would write
the text into its page as HTML and load mermaid from elsewhere, prefers the picture, which is empty.
"""

from __future__ import annotations

import re

from orch_nb.notebook.formats import fences
from orch_nb.notebook.tables import Bundle
from orch_nb.sanitize import visible

# Chosen: what a person takes in at a glance. Mermaid draws in the thread of the page.
_MAX_DIAGRAMS = 3
_MAX_CHARACTERS = 4_000
_MAX_LINES = 120
_KINDS = re.compile(
    r"\s*(?:flowchart|graph|sequenceDiagram|classDiagram|stateDiagram(?:-v2)?|erDiagram|pie|gantt"
    r"|mindmap|timeline|journey|gitGraph|quadrantChart)(?![\w-])"
)
# Comments; and colours of the model's choice, which hide words in the one or the other theme.
_LEFT_OUT = re.compile(r"^[ \t]*(?:%%(?!\{)|(?:style|classDef|linkStyle)\b).*$\n?", re.M)
_REFUSED = {
    "a directive": re.compile(r"%%"),
    "a tag": re.compile(r"<(?!br\s*/?>|[-=|.<])"),
    "an image or an icon": re.compile(r"@\s*\{|::icon|\bimg\b", re.I),
    "a link": re.compile(
        r"(?:^|[;\n])\s*(?:click|links?|callback|href|properties|details)\b|javascript:", re.I
    ),
    "a style that may load something": re.compile(
        r"(?:url|image|image-set|src|cross-fade|element|paint|attr|var)\s*\(|@import"
        r"|(?:^|[;\n])\s*(?:style|classDef|linkStyle|cssClass)\b",
        re.I,
    ),
    "an escape": re.compile(r"\\(?!n)|&#|&\w+;|#\w+;"),
    "a formula": re.compile(r"\$\$"),
}
_EMPTY_PICTURE = '<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>'


def diagrams(text: str) -> tuple[list[Bundle], list[str]]:
    """The diagrams in `text`, Markdown of a model, as outputs, and why others stay code."""
    drawn: list[Bundle] = []
    kept: list[str] = []
    sources = [block for language, block in fences(text) if language == "mermaid"]
    for number, source in enumerate(sources, start=1):
        plain = _LEFT_OUT.sub("", source).strip()
        why = "there are more than can be looked at" if len(drawn) == _MAX_DIAGRAMS else _why(plain)
        if why:
            kept.append(f"diagram {number} stays code: {why}")
            continue
        about = "the diagram that is code above"
        drawn.append(
            {
                "text/vnd.mermaid": plain,
                "image/svg+xml": _EMPTY_PICTURE,
                "text/plain": about if len(sources) == 1 else f"{about}, number {number}",
            }
        )
    return drawn, kept


def _why(source: str) -> str:
    """Why `source` is not drawn; "" where it may be."""
    if len(source) > _MAX_CHARACTERS or source.count("\n") >= _MAX_LINES:
        return "it is too large"
    if visible(source) != source:
        return "it holds hidden characters"
    for what, sign in _REFUSED.items():
        if sign.search(source):
            return f"it holds {what}"
    return "" if _KINDS.match(source) else "it is of no kind that is drawn here"
