"""What comes of a batch: answers in the order of its rows, and failures in their places."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from orch_nb.errors import Interrupted, OrchError
from orch_nb.types import Response

if TYPE_CHECKING:
    import pandas  # type: ignore[import-untyped]

Outcome = Response | OrchError
COLUMNS = (
    *("answer", "model", "cost", "billed", "seconds", "cached"),
    *("input_tokens", "output_tokens", "finish", "error"),
)


class Answers(list[Outcome]):
    """One `Response` a row; the error in the place of one that failed."""

    @property
    def failed(self) -> tuple[int, ...]:
        """The places, from 0, of the rows without an answer."""
        return tuple(n for n, outcome in enumerate(self) if isinstance(outcome, OrchError))

    @property
    def billed(self) -> Decimal | None:
        """Dollars that the answers added to the bill; None where a part is unknown."""
        bills = [outcome.billed for outcome in self if isinstance(outcome, Response)]
        known = [bill for bill in bills if bill is not None]
        return sum(known, Decimal(0)) if len(known) == len(bills) else None

    def to_pandas(self) -> pandas.DataFrame:
        """One row each, with `COLUMNS`, and ``parsed`` where a schema was asked for.

        Raises `OrchError` where pandas is not installed.
        """
        return frame_of(map(flat, self), range(len(self)))


def flat(outcome: Outcome) -> dict[str, object]:
    """One row of a table: dollars and seconds as floats, None where they are not known."""
    if isinstance(outcome, OrchError):
        return {"error": f"{type(outcome).__name__}: {outcome}"}
    row: dict[str, object] = {
        "answer": outcome.text,
        "model": outcome.model,
        "cost": None if outcome.cost is None else float(outcome.cost),
        "billed": None if outcome.billed is None else float(outcome.billed),
        "seconds": outcome.seconds,
        "cached": outcome.cached,
        "input_tokens": outcome.usage.input_tokens,
        "output_tokens": outcome.usage.output_tokens,
        "finish": outcome.finish,
    }
    return row if outcome.parsed is None else row | {"parsed": outcome.parsed}


def frame_of(rows: Iterable[dict[str, object]], index: Any) -> pandas.DataFrame:
    """`rows` as a DataFrame. Raises `OrchError` where pandas is not installed."""
    try:
        import pandas  # noqa: PLC0415 - optional, and slow to import
    except ImportError:
        raise OrchError("a table needs pandas: pip install pandas") from None
    listed = list(rows)
    parsed = ("parsed",) if any("parsed" in row for row in listed) else ()
    frame = pandas.DataFrame.from_records(listed, index=index, columns=[*COLUMNS, *parsed])
    return frame.astype(dict.fromkeys(("cost", "billed", "seconds"), float))


class BatchStopped(Interrupted):
    """The user stopped a batch. ``answers`` is what it would have given, as far as it came.

    The answers are in the cache: the same batch again pays for the missing ones only.
    """

    def __init__(self, answers: Any, done: int, rows: int) -> None:
        super().__init__()
        self.answers = answers
        self.args = (f"stopped; {done:,} of {rows:,} rows are answered and kept: run it again",)


class BatchRefused(OrchError):
    """The person who was asked did not want to pay for it. Nothing was sent."""
