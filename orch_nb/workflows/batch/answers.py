"""What comes of a batch: answers in the order of its rows, and failures in their places."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from orch_nb.errors import Interrupted, OrchError
from orch_nb.figures import whole
from orch_nb.types import Record, Response

if TYPE_CHECKING:
    import pandas  # type: ignore[import-untyped]

Outcome = Response | OrchError
COLUMNS = (
    *("answer", "model", "cost", "billed", "seconds", "cached"),
    *("input_tokens", "output_tokens", "finish", "error"),
)


@dataclass(frozen=True, slots=True)
class Ended:
    """What came of a row, and the record of its call; None where nothing was tried."""

    outcome: Outcome
    record: Record | None = None

    @property
    def paid(self) -> Decimal | None:
        """As `Record.paid`."""
        return Decimal(0) if self.record is None else self.record.paid

    @property
    def billed(self) -> Decimal | None:
        """As `Record.billed`."""
        return Decimal(0) if self.record is None else self.record.billed


class Answers(list[Outcome]):
    """One `Response` a row; the error in the place of one that failed.

    Parameters
    ----------
    outcomes
        The rows.
    lost
        What failed rows were billed all the same, by place: they may have been asked in vain.
    """

    def __init__(
        self,
        outcomes: Iterable[Outcome] = (),
        lost: Mapping[int, Decimal | None] = MappingProxyType({}),
    ) -> None:
        super().__init__(outcomes)
        self._lost = dict(lost)

    @property
    def failed(self) -> tuple[int, ...]:
        """The places, from 0, of the rows without an answer."""
        return tuple(n for n, outcome in enumerate(self) if isinstance(outcome, OrchError))

    @property
    def billed(self) -> Decimal | None:
        """Dollars that all rows added to the bill; None where a part is unknown."""
        bills = [outcome.billed for outcome in self if isinstance(outcome, Response)]
        bills += self._lost.values()
        known = [bill for bill in bills if bill is not None]
        return sum(known, Decimal(0)) if len(known) == len(bills) else None

    def to_pandas(self) -> pandas.DataFrame:
        """One row each, with `COLUMNS`, and ``parsed`` where a schema was asked for.

        Raises `OrchError` where pandas is not installed.
        """
        lost = self._lost
        rows = (flat(one, lost.get(place, Decimal(0))) for place, one in enumerate(self))
        return frame_of(rows, range(len(self)))


def flat(outcome: Outcome, lost: Decimal | None = Decimal(0)) -> dict[str, object]:
    """One row of a table: dollars and seconds as floats, None where they are not known.

    ``billed`` is what was billed, also where that was when it was recorded; of an error it is
    `lost`.
    """
    if isinstance(outcome, OrchError):
        said = f"{type(outcome).__name__}: {outcome}"
        return {"billed": None if lost is None else float(lost), "error": said}
    row: dict[str, object] = {
        "answer": outcome.text,
        "model": outcome.model,
        "cost": None if outcome.cost is None else float(outcome.cost),
        "billed": None if outcome.paid is None else float(outcome.paid),
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
        self.args = (
            f"stopped; {whole(done)} of {whole(rows)} rows are answered and kept: run it again",
        )


class BatchRefused(OrchError):
    """The person who was asked did not want to pay for it. Nothing was sent."""
