"""Whether a draft is good enough: what the user checks it by, and what can be recomputed."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Sequence

from orch_nb.agreement import agree, short_answer
from orch_nb.arithmetic import wrong_statements
from orch_nb.errors import InputError
from orch_nb.invoke.assertions import Assertions
from orch_nb.invoke.verdict import TextCheck, Verdict
from orch_nb.sanitize import mask, one_line


def own_check(given: Callable[[str], object] | str | Sequence[str]) -> TextCheck:
    """The check that a user gave: a function, or assertions that the answer's code must pass.

    Raises `InputError` for assertions that say nothing.
    """
    return FunctionCheck(given) if callable(given) else Assertions(given)


class FunctionCheck:
    """A user's function ``(text) -> bool``, plain or ``async``, that says whether a text will do.

    It runs in a thread, an async one on a loop of its own there, so that a slow one holds up
    nobody. A thread cannot be stopped: after an interrupt it runs to its end, unheard.
    """

    def __init__(self, function: Callable[[str], object]) -> None:
        self._function = function
        self._name = one_line(getattr(function, "__name__", type(function).__name__), 60)

    async def __call__(self, text: str) -> Verdict:
        """Raises `InputError` when the function raises, or returns what is neither true nor false.

        A check that is broken must not pass a draft, and must not have every draft thrown away and
        a strong model paid instead: the call ends, and its drafts are in the cache and on record.
        """
        result = await asyncio.to_thread(self._call, text)
        # numpy's bool is what comparing numbers there gives; its class is called bool or bool_.
        if type(result).__name__ not in ("bool", "bool_"):
            raise InputError(
                f"the check {self._name} returned {type(result).__name__}; return True or False"
            )
        verdict = "true" if result else "false"
        return Verdict(bool(result), f"{self._name} says {verdict}")

    def _call(self, text: str) -> object:
        try:
            result = self._function(text)
            return asyncio.run(_awaited(result)) if inspect.isawaitable(result) else result
        except BaseException as error:  # noqa: BLE001 - theirs; an exit here would end our loop
            said = one_line(mask(str(error)), 200)
            said = f"{type(error).__name__}: {said}" if said else type(error).__name__
            raise InputError(f"the check {self._name} raised {said}; correct it") from None


async def _awaited(result: Awaitable[object]) -> object:
    return await result


async def arithmetic(text: str) -> Verdict:
    """Whether every calculation that `text` writes out is right; true where there is none."""
    wrong = await asyncio.to_thread(wrong_statements, text)
    if not wrong:
        return Verdict(True, "arithmetic is right")
    return Verdict(False, f"wrong arithmetic: {one_line(str(wrong[0]), 80)}")


def agreement(first: str, second: str) -> Verdict:
    """Whether two drafts give the same short answer."""
    if agree(first, second):
        return Verdict(True, "agreed")
    missing = short_answer(first) is None or short_answer(second) is None
    return Verdict(False, "no short answer to compare" if missing else "drafts disagree")
