"""The part of a prompt that says what to do, cut into words once for all who read it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

# Characters read from the start and from the end of a long prompt, and words of these that count
# for its kind. What is wanted stands before or after the material; the limits (chosen) bound the
# time, and hostile input with it.
_HEAD, _TAIL = 1000, 400
_FIRST, _LAST = 64, 24
_WORD = re.compile(r"\w+")
# Kana, Han and Hangul.
_WIDE = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


@dataclass(frozen=True, slots=True)
class Wording:
    """``text`` is the start and the end of a prompt, ``words`` its words in lower case.

    ``nearest`` are the words nearest to the two ends and ``spoken`` these and their pairs of
    neighbours; ``distinct`` are all words once, ``characters`` the characters of the text once,
    ``numbers`` how many of the words begin with a digit.
    Chinese, Japanese and Korean are cut into pairs of characters.
    """

    text: str
    words: list[str]
    nearest: list[str]
    spoken: list[str]
    distinct: frozenset[str]
    characters: frozenset[str]
    numbers: int


def read(prompt: str) -> Wording:
    """What is looked at of `prompt`."""
    text = prompt if len(prompt) <= _HEAD + _TAIL else f"{prompt[:_HEAD]}\n{prompt[-_TAIL:]}"
    words = _WORD.findall(text.lower())
    if not text.isascii() and _WIDE.search(text):
        words = [part for word in words for part in _parts(word)]
    long = len(words) > _FIRST + _LAST
    nearest = words[:_FIRST] + words[-_LAST:] if long else words
    spoken = nearest + [f"{one} {next_}" for one, next_ in pairwise(nearest)]
    characters = frozenset(text)
    numbered = not characters.isdisjoint("0123456789")
    numbers = sum([word[0].isdecimal() for word in words]) if numbered else 0
    return Wording(text, words, nearest, spoken, frozenset(words), characters, numbers)


def _parts(word: str) -> list[str]:
    if len(word) < 3 or not _WIDE.search(word):
        return [word]
    return [word[start : start + 2] for start in range(len(word) - 1)]
