"""The part of a prompt that says what to do, cut into words once for all who read it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

# Characters read from the start and from the end of a long prompt. What is wanted stands before or
# after the material; the limits (chosen) bound the time, and hostile input with it.
_HEAD, _TAIL = 1000, 400
# Words that count for the kind: the first 64 and the last 24, or of a longer prompt those of its
# first and last line, where these have at most 250 characters (chosen).
_FIRST, _LAST = 64, 24
_SHORT = 250
# "Please", "can you" and the like may come before the verb that opens a line.
_OPENING = 4
_CODE = frozenset("()[]{}=;`")  # a line with one of these is no sentence that opens with a verb
_WORD = re.compile(r"\w+")
# Kana, Han and Hangul.
_WIDE = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


@dataclass(frozen=True, slots=True)
class Wording:
    """What the readers of a prompt look at, in lower case but for ``text``, its start and end.

    ``words`` are all of the text, ``nearest`` those nearest to the two ends, ``spoken`` these and
    their pairs of neighbours, ``opening`` those with which the first and the last line begin,
    ``distinct`` all once; ``characters`` are those of the text once; ``numbers`` is how many words
    begin with a digit. Chinese, Japanese and Korean are cut into pairs of characters.
    """

    text: str
    words: list[str]
    nearest: list[str]
    spoken: list[str]
    opening: list[str]
    distinct: frozenset[str]
    characters: frozenset[str]
    numbers: int


def read(prompt: str) -> Wording:
    """What is looked at of `prompt`."""
    text = prompt if len(prompt) <= _HEAD + _TAIL else f"{prompt[:_HEAD]}\n{prompt[-_TAIL:]}"
    words = _WORD.findall(text.lower())
    if not text.isascii() and _WIDE.search(text):
        words = [part for word in words for part in _parts(word)]
    nearest = words
    if len(words) > _FIRST + _LAST:
        nearest = _instruction(text) or words[:_FIRST] + words[-_LAST:]
    spoken = nearest + [f"{one} {next_}" for one, next_ in pairwise(nearest)]
    characters = frozenset(text)
    opening = words[:_OPENING]
    if "\n" in characters:
        last = text.rstrip().rpartition("\n")[2]
        if _CODE.isdisjoint(last):
            opening = opening + _WORD.findall(last.lower())[:_OPENING]
    numbered = not characters.isdisjoint("0123456789")
    numbers = sum([word[0].isdecimal() for word in words]) if numbered else 0
    return Wording(text, words, nearest, spoken, opening, frozenset(words), characters, numbers)


def _instruction(text: str) -> list[str]:
    """The words of the first and the last line if these are short: long ones are material."""
    lines = text.strip().split("\n")
    ends = [lines[0], lines[-1]] if lines[1:] else []
    return [word for line in ends if len(line) <= _SHORT for word in _WORD.findall(line.lower())]


def _parts(word: str) -> list[str]:
    if len(word) < 3 or not _WIDE.search(word):
        return [word]
    return [word[start : start + 2] for start in range(len(word) - 1)]
