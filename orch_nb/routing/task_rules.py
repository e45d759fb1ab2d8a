"""Marks of a kind of task that can be named: a verb that opens a prompt, a fence, a sum.

The rules alone are sure where they speak and silent elsewhere; each mark is therefore one of the
features whose weight `orch_nb.routing.task_classifier` learned.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from orch_nb.routing.task_words import ASKING, KINDS, TOPICS
from orch_nb.routing.wording import Wording

_SURE = ("<code: a fence>", "<code: a definition>", "<code: an error message>")
_ON_TEXT = frozenset({"<opens: translation>", "<opens: summary>", "<opens: extraction>"})
_CODE_SIGNS = frozenset("()[]{}_=<>;`\\")
# Begins with a sign, and looks back from it: so the search goes from sign to sign.
_CODE = re.compile(
    r"[-.=!<(\[_](?:(?<=[.])\w{1,60}\(|(?<=\w\()\)|(?<=\w\[)['\"\d]|(?<=[=!])=|(?<=[-=])>"
    r"|(?<=\w_)\w|(?<=<)/\w|(?:(?<=\w=)|(?<=\w\s=))\s?[\[{(])"
)
_QUERY = re.compile(r"\bselect\b.{1,200}\bfrom\b", re.IGNORECASE)
_DEFINITION = re.compile(
    r"^\s{0,20}(?:(?:async )?def|class) \w{1,60} ?[(:{]"
    r"|^(?:import|from) [\w.]{1,60}(?: as \w+| import .*)?$",
    re.MULTILINE,
)
_DEFINING = frozenset(("def", "class", "import", "from"))
_FAULT = re.compile(r"[(:](?:(?<=Traceback \()|(?<=[a-z]Error:)|(?<=[a-z]Exception:))")
_MATH_SIGNS = frozenset("0123456789^\\∫√∑")
_SUM = re.compile(r"\d(?:\s?[*/^+×÷=]\s?[\dx(]| - \d|[xyn]\b)")
_FORMULA_SIGNS = frozenset("^=+\\$(∫√∑")
_FORMULA = re.compile(
    r"\b[a-z]\s?[\^=+]\s?\d|\\[a-z]{2,12}[{(_\\ ]|\$[^$]{1,80}\$|\b[fg]\(x\)|[∫√∑]"
)
_COUNTED = ("", "a number", "two numbers", "numbers")
_MANY = "many much far fast old long tall viel viele lange combien cuánto cuántos quanto quanti"
_AMOUNTS = frozenset(_MANY.split())
_OPTION = re.compile(r"\n\(?[ABC][).:]\s")
_NAMING = KINDS.keys() | TOPICS.keys()
_NAMING_WORDS = frozenset(name for name in _NAMING if " " not in name)
_NAMING_PAIRS = frozenset(tuple(name.split(" ")) for name in _NAMING - _NAMING_WORDS)


def marks(wording: Wording) -> list[str]:
    """The marks in a prompt: ``<kind>``, ``<opens: kind>``, ``<kind: sign>`` or ``<topic>``."""
    spoken = _spoken(wording)
    said = dict.fromkeys([KINDS[word] for word in spoken if word in KINDS])
    opening = dict.fromkeys([KINDS[word] for word in wording.opening if word in KINDS])
    topics = dict.fromkeys([topic for word in spoken if word in TOPICS for topic in TOPICS[word]])
    return [
        *([f"<{kind}>" for kind in said] or ["<no kind named>"]),
        *[f"<opens: {kind}>" for kind in opening],
        *[f"<{topic}>" for topic in topics],
        *_signs(wording),
    ]


def said_for(kind: str, wording: Wording) -> list[str]:
    """The words of a prompt that name `kind` in their order, then the pairs of words."""
    return [word for word in _spoken(wording) if word in KINDS and KINDS[word] == kind]


def _spoken(wording: Wording) -> list[str]:
    """The words, and then the pairs of neighbours, that name a kind or a topic."""
    words = filter(_NAMING_WORDS.__contains__, wording.nearest)
    pairs = filter(_NAMING_PAIRS.__contains__, pairwise(wording.nearest))
    return [*words, *map(" ".join, pairs)]


def sure_kind(found: Sequence[str]) -> tuple[str, str] | None:
    """Code in the prompt makes it a task of code, unless it opens with what to do with a text.

    With the mark that says so. Of all rules only this one was surer than what was learned.
    """
    if _ON_TEXT.isdisjoint(found):
        for mark in _SURE:
            if mark in found:
                return "code", mark
    return None


def _signs(wording: Wording) -> list[str]:
    """What punctuation gives away: code, faults, sums, options to choose from."""
    text, signs, distinct = wording.text, wording.signs, wording.distinct
    found = []
    if "```" in text:
        found.append("<code: a fence>")
    if not signs.isdisjoint(_CODE_SIGNS) and (_CODE.search(text) or _is_query(wording)):
        found.append("<code: its punctuation>")
    if ":" in signs and _FAULT.search(text):
        found.append("<code: an error message>")
    if not signs.isdisjoint(_MATH_SIGNS) and _is_math(wording):
        found.append("<math: a formula>")
    if "\n" in signs:
        found.append("<several lines>")
        if not distinct.isdisjoint(_DEFINING) and _DEFINITION.search(text):
            found.append("<code: a definition>")
        if "Choices:" in text or _OPTION.search(f"\n{text}"):
            found.append("<reasoning: options>")
    if "?" in signs:
        found.append("<a question mark>")
    if wording.words and wording.words[0] in ASKING:
        found.append("<a question word>")
    if wording.numbers:
        found.append(f"<{_COUNTED[min(wording.numbers, 3)]}>")
        if wording.numbers > 1 and not _AMOUNTS.isdisjoint(distinct):
            found.append("<math: numbers and a how many>")
    if len(wording.words) <= 3:
        found.append("<few words>")
    return found


def _is_query(wording: Wording) -> bool:
    named = "select" in wording.distinct and "from" in wording.distinct
    return named and _QUERY.search(wording.text) is not None


def _is_math(wording: Wording) -> bool:
    if _SUM.search(wording.text):
        return True
    return not wording.signs.isdisjoint(_FORMULA_SIGNS) and bool(_FORMULA.search(wording.text))
