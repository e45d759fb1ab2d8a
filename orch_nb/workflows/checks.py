"""How good an answer is, in 0..1, by what was expected of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from orch_nb.agreement import agree
from orch_nb.errors import BrokenAnswer, InputError, UnknownNameError
from orch_nb.invoke.form import Form
from orch_nb.sanitize import mask, one_line
from orch_nb.workflows.items import Item

#: The checks that have a name; beside them there are functions and classes.
CHECKS = ("contains", "exact", "human", "judge", "regex")
_COMPARING = ("contains", "exact", "regex")


class CheckFailed(Exception):
    """A user's function raised, or returned no quality: the answer stays without one."""


@dataclass(frozen=True, slots=True)
class Check:
    """How answers are graded. ``grade`` is None where somebody else does: a judge, or a person."""

    name: str
    grade: Callable[[str, object], float] | None = None


def read_check(given: Any, judge: str | None, items: Sequence[Item]) -> Check:
    """The check that `given` means: a name of `CHECKS`, a class, or a function.

    None takes the judge if there is one, else "exact". Raises `InputError` for one that cannot
    work with `items`, such as one that compares where nothing is expected.
    """
    if given is None:
        given = "judge" if judge is not None else "exact"
    if judge is not None and given != "judge":
        raise InputError("check and judge exclude each other; leave one of them out")
    if isinstance(given, str):
        return _named(given, judge, items)
    if isinstance(given, type):
        return _validation(given)
    if callable(given):
        return _function(given)
    raise InputError(
        f"check must be one of {', '.join(CHECKS)}, a class, or a function of (text, expected)"
    )


def _named(name: str, judge: str | None, items: Sequence[Item]) -> Check:
    if name not in CHECKS:
        raise UnknownNameError("check", name, CHECKS)
    if name == "judge" and judge is None:
        raise InputError("name the model that judges: judge='provider:model'")
    if name not in _COMPARING:
        return Check(name)
    for place, item in enumerate(items):
        if item.expected is None:
            raise InputError(
                f"item {place} has no expected answer for the check {name}; give "
                "(prompt, expected), or another check"
            )
        if name == "regex":
            _compiled(place, item.expected)
    return Check(name, {"contains": _contains, "exact": _exact, "regex": _matches}[name])


def _compiled(place: int, pattern: object) -> None:
    try:
        re.compile(str(pattern))
    except re.error as error:
        raise InputError(f"what item {place} expects is no regular expression: {error}") from None


def _contains(answer: str, expected: object) -> float:
    return float(_plain(expected) in _plain(answer))


def _exact(answer: str, expected: object) -> float:
    """The same short answer, or the same words where what is expected is longer than that."""
    return float(agree(answer, str(expected)) or _plain(answer) == _plain(expected))


def _matches(answer: str, expected: object) -> float:
    return float(re.search(str(expected), answer) is not None)


def _plain(said: object) -> str:
    return " ".join(str(said).casefold().split())


def _validation(kind: type) -> Check:
    """Whether the answer is JSON of the class `kind`."""
    form = Form(kind)

    def grade(answer: str, _expected: object) -> float:
        try:
            form.read("", answer)
        except BrokenAnswer:
            return 0.0
        return 1.0

    return Check(form.schema.name, grade)


def _function(function: Callable[[str, object], object]) -> Check:
    name = one_line(getattr(function, "__name__", type(function).__name__), 60)

    def grade(answer: str, expected: object) -> float:
        try:
            quality = function(answer, expected)
        except Exception as error:  # noqa: BLE001 - theirs; the other answers are graded
            said = one_line(mask(f"{type(error).__name__}: {error}"), 200)
            raise CheckFailed(f"the check {name} raised {said}") from None
        try:
            number = float(quality)  # type: ignore[arg-type]
        except (TypeError, ValueError):
            number = -1.0
        if not 0.0 <= number <= 1.0:
            said = one_line(repr(quality), 60)
            raise CheckFailed(f"the check {name} returned {said}; return a bool, or 0 to 1")
        return number

    return Check(name, grade)
