"""How the caller wants the model chosen, read from the options of a call."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from typing import Any

from orch_nb.errors import InputError, UnknownNameError
from orch_nb.invoke.values import names, number, text
from orch_nb.types import (
    TASK_ALIASES,
    TASKS,
    CachePolicy,
    Checked,
    Requirements,
    Wants,
    canonical_task,
)

Check = Callable[[str], bool] | Sequence[str] | str

_CACHE: tuple[CachePolicy, ...] = ("use", "bypass", "refresh")
_DOLLARS = Decimal(10) ** 9  # nothing that is asked here costs more
_LIMITS = frozenset({"max_cost", "max_latency", "min_quality", "local", "provider", "exclude"})
_ANY_MODEL = Requirements()


def read_wants(options: Mapping[str, Any]) -> Wants:
    """What `options`, as `orch_nb.Session.ask` takes them, say of the choice."""
    cache = options.get("cache", "use")
    if cache not in _CACHE:
        raise UnknownNameError("cache policy", str(cache), _CACHE)
    verifier = names("verifier", options.get("verifier"))
    checked = _checked(options.get("check"))
    models, strategy = names("model", options.get("model")), _strategy(options)
    if checked or verifier:
        strategy = strategy or "cascade"
        if strategy != "cascade":
            raise InputError(
                f"check and verifier belong to the strategy cascade, not to {strategy}; "
                "leave one of them out"
            )
    return Wants(
        models=models,
        strategy=strategy,
        task=_task(options.get("task")),
        cache=cache,
        deadline=number("deadline", options.get("deadline"), 0.001, math.inf),
        tools=tuple(dict.fromkeys(names("tool", options.get("tool")))),
        requires=_requirements(options),
        verifier=verifier[0] if verifier else None,
        checked=checked,
        thread=_thread(options.get("thread")),
        stream=_stream(options.get("stream")),
    )


def _thread(given: object) -> str | None:
    found = names("thread", given)
    if len(found) > 1:
        raise InputError("a prompt belongs to one thread; name one")
    return found[0] if found else None


def _stream(given: object) -> bool | None:
    if given is None or isinstance(given, bool):
        return given
    raise InputError(f"stream must be True or False, not {given!r}")


def _strategy(options: Mapping[str, Any]) -> str | None:
    strategy = options.get("strategy")
    return None if strategy is None else text("strategy", strategy)


def _task(task: object) -> str | None:
    if task is None:
        return None
    kind = canonical_task(text("task", task))
    if kind is None:
        # An alias may be what was meant, but nobody wants to read a hundred of them.
        near = get_close_matches(str(task), (*TASKS, *TASK_ALIASES))
        raise UnknownNameError("task", str(task), near or TASKS)
    return kind


def _checked(check: object) -> Checked:
    if check is None:
        return ""
    if callable(check):
        return "function"
    if isinstance(check, str | list | tuple) and check:
        for line in [check] if isinstance(check, str) else check:
            text("check", line)
        return "assertions"
    raise InputError(
        "check must be a function of the answer, or assertions such as 'assert f(2) == 4'"
    )


def _requirements(options: Mapping[str, Any]) -> Requirements:
    if _LIMITS.isdisjoint(options):
        return _ANY_MODEL
    local = options.get("local", False)
    if not isinstance(local, bool):
        raise InputError(f"local must be True or False, not {local!r}")
    return Requirements(
        max_cost=_dollars(options.get("max_cost")),
        max_latency=number("max_latency", options.get("max_latency"), 0.0, math.inf),
        min_quality=number("min_quality", options.get("min_quality"), 0.0, 1.0),
        local=local,
        providers=names("provider", options.get("provider")),
        exclude=names("exclude", options.get("exclude")),
    )


def _dollars(value: object) -> Decimal | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise InputError(f"max_cost must be dollars, not {type(value).__name__}")
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        amount = Decimal("NaN")
    if not (amount.is_finite() and 0 <= amount <= _DOLLARS):
        raise InputError(f"max_cost must be dollars of at least 0, not {value}")
    return amount
