"""A call that failed while it was recorded: the same one line when it is replayed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from orch_nb import errors
from orch_nb.types import Attempt, Decision


@dataclass(frozen=True)
class RecordedError:
    """An error of ours, ``kind`` its class, and what led to it.

    ``after`` is how many answers had been given to the same request before. ``text`` is what had
    been shown of an answer, by its lines.
    """

    kind: str
    message: str
    after: int = 0
    attempts: tuple[Attempt, ...] = ()
    decision: Decision | None = None
    text: tuple[str, ...] = ()
    model: str = ""
    status: int | None = None
    retry_after: float | None = None

    @classmethod
    def of(
        cls,
        error: errors.OrchError,
        after: int,
        *,
        attempts: tuple[Attempt, ...] = (),
        decision: Decision | None = None,
        text: str = "",
    ) -> RecordedError:
        """`error`, with what is kept of the decision that led to it."""
        if decision is not None:
            decision = decision.kept({attempt.model for attempt in attempts})
        return cls(
            type(error).__name__,
            str(error),
            after,
            attempts,
            decision,
            tuple(text.splitlines(keepends=True)),
            getattr(error, "model", ""),
            getattr(error, "status", None),
            getattr(error, "retry_after", None),
        )

    def restored(self) -> errors.OrchError:
        """The error: its class, line, attempts, model and status; what else it knew is unknown."""
        kind = _KINDS.get(self.kind, errors.OrchError)
        error = kind.__new__(kind, self.message)
        for ancestor in kind.__mro__:
            vars(error).update(_UNKNOWN.get(ancestor, {}))
            for name in _RECORDED.get(ancestor, ()):
                setattr(error, name, getattr(self, name))
        return error


def _kinds(kind: type[errors.OrchError]) -> Iterator[tuple[str, type[errors.OrchError]]]:
    yield kind.__name__, kind
    for more in kind.__subclasses__():
        if more.__module__ == errors.__name__:
            yield from _kinds(more)


#: The errors that a recording may name. It names a class, and never one of anybody else's.
_KINDS = dict(_kinds(errors.OrchError))
_RECORDED: dict[type, tuple[str, ...]] = {
    errors.ProviderError: ("model", "status", "retry_after"),
    errors.AllFailed: ("attempts",),
}
# What a class knows besides, and no recording.
_UNKNOWN: dict[type, dict[str, Any]] = {
    errors.UnknownNameError: {"what": "", "name": "", "choices": []},
    errors.SettingsError: {"source": "", "line": None},
    errors.SelectionError: {"rejected": ()},
    errors.Benched: {"reason": "", "wait": 0.0},
    errors.BudgetExceeded: {
        "period": "",
        "limit": None,
        "worst": None,
        "spent": Decimal(0),
        "reserved": Decimal(0),
    },
}
