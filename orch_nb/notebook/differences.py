"""What differs between two texts, word by word, as safe HTML and as text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

from orch_nb.notebook import render
from orch_nb.notebook.tables import PREFORMATTED, Bundle
from orch_nb.sanitize import visible

# A word, a run of marks, or one letter of a script that writes no spaces; and what follows it.
# Joiners are part of the word: by themselves they would be spelled out.
_WORD = re.compile(
    "(?:[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]|[^\\W\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]"
    "[\\w\u200c\u200d]*|[^\\w\\s]+)\\s*|\\s+"
)
# Words up to which each is looked at: twice as many take four times as long, 5,000 take 0.2 s.
# Beyond, words that are in every sentence find no others to stand beside.
_EXACT = 5_000
# A run that stayed is chance if both changes beside it have as many times its words. Chosen.
_CHANCE = 4
_CHARACTERS = 100_000  # as many as are shown of an answer
_COLOURS = {"del": "rgba(220,50,47,.22)", "ins": "rgba(60,160,60,.25)"}
_SIGN = {"del": "−", "ins": "+"}
# A box of its own is not struck through.
_SIGNS = {tag: f'<span style="display:inline-block">{s}</span>' for tag, s in _SIGN.items()}
_MARKS = {"del": ("[-", "-]"), "ins": ("{+", "+}")}


def differences(old: str, new: str) -> Bundle:
    """What became of `old` in `new`: deletions and insertions, told by colour, line and sign.

    As text, deletions stand as ``[-so-]`` and insertions as ``{+so+}``. Both texts may be hostile.
    """
    html, text = [], []
    for tag, piece in _pieces(_words(old), _words(new)):
        html.append(_html(tag, piece))
        first, last = _MARKS.get(tag, ("", ""))
        body = piece.rstrip() if tag else piece
        text.append(f"{first}{body}{last}{piece[len(body) :]}")
    return {"text/html": f"<pre {PREFORMATTED}>{''.join(html)}</pre>", "text/plain": "".join(text)}


def _words(text: str) -> list[str]:
    return _WORD.findall(visible(text[:_CHARACTERS]))


def _pieces(old: list[str], new: list[str]) -> Iterator[tuple[str, str]]:
    """Runs of words in their order, each with "del", "ins" or "" for what stayed.

    Where only the space behind a word differs, it stayed.
    """
    bare = [[word.strip() for word in words] for words in (old, new)]
    exact = max(len(old), len(new)) <= _EXACT
    matcher = SequenceMatcher(None, bare[0], bare[1], autojunk=not exact)
    for stayed, before, after in _runs(matcher.get_opcodes()):
        if stayed:
            yield "", "".join(new[after])
            continue
        for tag, piece in (("del", "".join(old[before])), ("ins", "".join(new[after]))):
            if piece:
                yield tag, piece


def _runs(opcodes: Sequence[tuple[str, int, int, int, int]]) -> list[tuple[bool, slice, slice]]:
    """Whether the words stayed, and which they are in the old text and in the new.

    A few words that stayed among many that did not are no more than chance: they count as changed.
    """
    runs: list[tuple[bool, slice, slice]] = []
    lengths = [max(end - start, last - first) for _, start, end, first, last in opcodes]
    for place, (tag, start, end, first, last) in enumerate(opcodes):
        around = lengths[max(0, place - 1) : place] + lengths[place + 1 : place + 2]
        lost = len(around) == 2 and _CHANCE * lengths[place] <= min(around)
        stayed = tag == "equal" and not lost
        before, after = slice(start, end), slice(first, last)
        if runs and not runs[-1][0] and not stayed:
            _, *changed = runs.pop()
            before, after = slice(changed[0].start, end), slice(changed[1].start, last)
        runs.append((stayed, before, after))
    return runs


def _html(tag: str, piece: str) -> str:
    if not tag:
        return render.escape(piece)
    line = "line-through" if tag == "del" else "underline"
    style = f"background:{_COLOURS[tag]};text-decoration:{line}"
    body = piece.rstrip()
    shown = f'<{tag} style="{style}">{_SIGNS[tag]}{render.escape(body)}</{tag}>'
    return shown + piece[len(body) :]
