"""A still picture as SVG: text, lines, bars and dots, without scripts, fonts or links."""

from __future__ import annotations

import unicodedata
from html import escape
from typing import Literal

from orch_nb.sanitize import one_line

# As a picture cannot know the theme that it is shown in, its colours are as far from white as they
# are from dark pages (#111, #212121): the contrast of text is 3.9 to 4.6, of marks at least 3.3.
INK, GRID = "#7d7d7d", "rgba(128,128,128,0.25)"
#: The width of all pictures and the height of their title, in pixels: `note` takes the second line.
WIDTH, TOP = 640, 52
#: How tall a bar is.
BAR = 16
# Pixels of a letter and of a wide one (CJK, emoji) of the size 12: means over sans-serif fonts.
_NARROW, _WIDE = 6.5, 12.5

Anchor = Literal["start", "middle", "end"]


class Picture:
    """What is drawn, in the order in which it was. Places are pixels from the top left corner."""

    def __init__(self, height: int, width: int = WIDTH) -> None:
        self.width, self.height = width, height
        self._parts: list[str] = []

    def text(
        self, x: float, y: float, said: str, anchor: Anchor = "start", *, turned: bool = False
    ) -> None:
        """Write `said`, whose baseline is at `y`; `turned` reads from below."""
        turn = f' transform="rotate(-90 {x:.0f} {y:.0f})"' if turned else ""
        place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{turn}'
        self._parts.append(f"<text {place}>{escape(one_line(said))}</text>")

    def line(
        self, way: str, colour: str = INK, *, width: float = 1, dash: str = "", opacity: float = 1
    ) -> None:
        """Draw along `way`, a path of SVG."""
        dashed = f' stroke-dasharray="{dash}"' if dash else ""
        faint = f' stroke-opacity="{opacity:g}"' if opacity < 1 else ""
        self._parts.append(
            f'<path d="{way}" stroke="{colour}" stroke-width="{width:g}" fill="none"'
            f"{dashed}{faint}/>"
        )

    def area(self, way: str, colour: str, opacity: float = 1) -> None:
        """Fill what `way` goes around."""
        self._parts.append(f'<path d="{way}Z" fill="{colour}" fill-opacity="{opacity:g}"/>')

    def bar(
        self, x: float, y: float, width: float, colour: str, *, tall: int = BAR, opacity: float = 1
    ) -> None:
        """Fill a rectangle from the corner `x`, `y` on; nothing where it has no width."""
        if width > 0:
            place = f'x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{tall}"'
            self._parts.append(f'<rect {place} fill="{colour}" fill-opacity="{opacity:g}"/>')

    def dot(self, x: float, y: float, colour: str) -> None:
        """One mark that stands for itself."""
        self._parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.5" fill="{colour}"/>')

    def dots(self, places: list[tuple[float, float]], colour: str, opacity: float) -> None:
        """Many small marks; in one path, where each takes ten bytes."""
        if places:
            way = "".join(f"M{x:.1f} {y:.1f}h0" for x, y in places)
            self._parts.append(
                f'<path d="{way}" stroke="{colour}" stroke-width="5" stroke-linecap="round" '
                f'stroke-opacity="{opacity:g}"/>'
            )

    def svg(self, title: str, note: str) -> str:
        """All of it, under `title` and the quieter `note`."""
        return "".join(
            [
                f'<svg xmlns="http://www.w3.org/2000/svg" width="{self.width}" '
                f'height="{self.height}" viewBox="0 0 {self.width} {self.height}" '
                f'font-family="sans-serif" font-size="12" fill="{INK}" stroke="none">',
                f'<text x="12" y="20" font-size="15">{escape(fit(title, 480))}</text>',
                f'<text x="12" y="38">{escape(fit(note, self.width - 24))}</text>',
                *self._parts,
                "</svg>",
            ]
        )


def extent(text: str) -> float:
    """About how many pixels `text` takes, in the size 12."""
    wide = sum(unicodedata.east_asian_width(letter) in "WF" for letter in text)
    return _NARROW * (len(text) - wide) + _WIDE * wide


def fit(text: str, width: float) -> str:
    """`text` on one line, its middle left out where it takes more than `width` pixels.

    The ends are what tells names of models apart: who provides it, and which version it is.
    """
    text = one_line(text)
    kept = len(text)
    while kept > 1 and extent(shown := _shortened(text, kept)) > width:
        kept -= 1
    return shown if kept > 1 else text[:1]


def _shortened(text: str, kept: int) -> str:
    if kept >= len(text):
        return text
    first = kept // 2
    return f"{text[:first]}…{text[len(text) - (kept - 1 - first) :]}"
