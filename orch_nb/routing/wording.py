"""The part of a prompt that says what to do, cut into words once for all who read it."""

from __future__ import annotations

import re
import string
from typing import NamedTuple

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
_LETTERS = f"{string.ascii_letters} ".encode()
# What `_WORD` finds in lower-case ASCII, as a table: a tenth of its time.
_IN_WORDS = f"{string.ascii_letters}{string.digits}_".encode()
_WORD_OF_BYTE = bytes(byte if byte in _IN_WORDS else ord(" ") for byte in range(256)).lower()
# Kana, Han and Hangul.
_WIDE = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


class Wording(NamedTuple):
    """What the readers of a prompt look at, in lower case but for ``text``, its start and end.

    ``words`` are all of the text, ``nearest`` those nearest to the two ends, ``opening`` those
    with which the first and the last line begin, ``distinct`` all once; ``signs`` are the
    characters of the text but ASCII letters and spaces, once; ``numbers`` is how many words begin
    with a digit. Chinese, Japanese and Korean are cut into pairs of characters.
    """

    text: str
    words: list[str]
    nearest: list[str]
    opening: list[str]
    distinct: frozenset[str]
    signs: frozenset[str]
    numbers: int


def read(prompt: str) -> Wording:
    """What is looked at of `prompt`."""
    text = prompt if len(prompt) <= _HEAD + _TAIL else f"{prompt[:_HEAD]}\n{prompt[-_TAIL:]}"
    encoded = text.encode("utf-8", "surrogatepass")
    if text.isascii():
        words = encoded.translate(_WORD_OF_BYTE).decode().split()
    else:
        words = _WORD.findall(text.lower())
        if _WIDE.search(text):
            words = [part for word in words for part in _parts(word)]
    nearest = words
    if len(words) > _FIRST + _LAST:
        nearest = _instruction(text) or words[:_FIRST] + words[-_LAST:]
    signs = frozenset(encoded.translate(None, _LETTERS).decode("utf-8", "surrogatepass"))
    opening = words[:_OPENING]
    if "\n" in signs:
        last = text.rstrip().rpartition("\n")[2]
        if _CODE.isdisjoint(last):
            opening = opening + _WORD.findall(last.lower())[:_OPENING]
    numbered = not signs.isdisjoint(string.digits)
    numbers = sum([word[0].isdecimal() for word in words]) if numbered else 0
    return Wording(text, words, nearest, opening, frozenset(words), signs, numbers)


def _instruction(text: str) -> list[str]:
    """The words of the first and the last line if these are short: long ones are material."""
    lines = text.strip().split("\n")
    ends = [lines[0], lines[-1]] if lines[1:] else []
    return [word for line in ends if len(line) <= _SHORT for word in _WORD.findall(line.lower())]


def _parts(word: str) -> list[str]:
    if len(word) < 3 or not _WIDE.search(word):
        return [word]
    return [word[start : start + 2] for start in range(len(word) - 1)]
