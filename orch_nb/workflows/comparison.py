"""A comparison: one prompt, several models, and what each of them made of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, overload

from orch_nb.errors import Interrupted, OrchError
from orch_nb.figures import dollars, seconds
from orch_nb.sanitize import one_line
from orch_nb.types import Estimate, Record, Response

if TYPE_CHECKING:
    import pandas  # type: ignore[import-untyped]

#: The error of who was stopped.
INTERRUPTED = "interrupted"
_COLUMNS = (
    *("model", "kind", "text", "cost", "billed", "seconds", "input_tokens", "output_tokens"),
    *("cached", "error"),
)


@dataclass(frozen=True, slots=True)
class Compared:
    """One model in a comparison: its answer, or why there is none.

    Before it is asked it has neither. ``kind`` is the task's, ``expected`` what was estimated,
    ``partial`` what had arrived of an answer that was stopped or broke off: hostile text, too.
    ``record`` is what the ledger has of the call, None where it had not come to its end.
    """

    model: str
    kind: str
    expected: Estimate
    response: Response | None = None
    error: str | None = None
    partial: str = ""
    record: Record | None = None

    @property
    def text(self) -> str | None:
        """What the model wrote, untouched: treat it as hostile."""
        return None if self.response is None else self.response.text

    @property
    def cost(self) -> Decimal | None:
        """Dollars of the call that paid for the answer; None is unknown, or no answer."""
        return None if self.response is None else self.response.cost

    @property
    def seconds(self) -> float | None:
        """Seconds of the call that paid for the answer."""
        return None if self.response is None else self.response.seconds

    @property
    def paid(self) -> Decimal | None:
        """As `orch_nb.types.Record.paid`; 0 where nothing was asked."""
        return Decimal(0) if self.record is None else self.record.paid

    @property
    def billed(self) -> Decimal | None:
        """As `orch_nb.types.Record.billed`; 0 where nothing was asked."""
        return Decimal(0) if self.record is None else self.record.billed

    @property
    def said(self) -> str:
        """The answer, or the error, as what it is: hostile text."""
        return self.response.text if self.response is not None else self.error or ""

    def to_record(self) -> dict[str, object]:
        """The row as a flat mapping; dollars are Decimal, None is unknown or does not apply.

        ``billed`` is what was billed, also where that was when it was recorded.
        """
        made = self.response
        values = (
            *(self.model, self.kind, self.text, self.cost, self.paid, self.seconds),
            None if made is None else made.usage.input_tokens,
            None if made is None else made.usage.output_tokens,
            None if made is None else made.cached,
            self.error,
        )
        return dict(zip(_COLUMNS, values, strict=True))


class Comparison(Sequence[Compared]):
    """What models answered to one prompt, in the order in which they were named.

    Parameters
    ----------
    prompt
        What all of them were asked.
    rows
        One a model.
    """

    def __init__(self, prompt: str, rows: Sequence[Compared]) -> None:
        self.prompt, self.rows = prompt, tuple(rows)

    @property
    def revealed(self) -> bool:
        """Whether it may be shown whose answers they are."""
        return True

    @property
    def expected_cost(self) -> Decimal | None:
        """Dollars that all answers were expected to cost; None where a price is unknown."""
        return _sum([row.expected.cost for row in self.rows])

    @property
    def billed(self) -> Decimal | None:
        """Dollars that it added to the bill, failures included; None where a part is unknown."""
        return _sum([row.billed for row in self.rows])

    @property
    def paid(self) -> Decimal | None:
        """The same as it was when it was recorded."""
        return _sum([row.paid for row in self.rows])

    def to_records(self) -> list[dict[str, object]]:
        """One flat row a model, see `Compared.to_record`."""
        return [row.to_record() for row in self.rows]

    def to_pandas(self) -> pandas.DataFrame:
        """`to_records` as a DataFrame, dollars as floats.

        Raises `OrchError` where pandas is not installed.
        """
        try:
            import pandas  # noqa: PLC0415 - optional, and slow to import
        except ImportError:
            raise OrchError("to_pandas needs pandas: pip install pandas") from None
        frame = pandas.DataFrame.from_records(self.to_records(), columns=list(_COLUMNS))
        return frame.astype({"cost": float, "billed": float, "seconds": float})

    def cells(self) -> list[list[str]]:
        """The figures as people read them, under a head."""
        return [["model", "cost", "time", "tokens"], *map(_cells, self.rows)]

    @overload
    def __getitem__(self, index: int) -> Compared: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Compared, ...]: ...
    def __getitem__(self, index: int | slice) -> Compared | tuple[Compared, ...]:
        return self.rows[index]

    def __len__(self) -> int:
        return len(self.rows)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({one_line(self.prompt, 60)!r}, {len(self)} models)"


class ComparisonStopped(Interrupted):
    """The user stopped a comparison. ``comparison`` has the answers that there were.

    They are in the cache: what is compared again pays for the missing ones only.
    """

    def __init__(self, comparison: Comparison) -> None:
        super().__init__()
        self.comparison = comparison
        done = sum(row.response is not None for row in comparison)
        self.args = (f"stopped; {done} of {len(comparison)} answers are kept",)


def _sum(costs: Sequence[Decimal | None]) -> Decimal | None:
    known = [cost for cost in costs if cost is not None]
    return sum(known, Decimal(0)) if len(known) == len(costs) else None


def _cells(row: Compared) -> list[str]:
    made = row.response
    tokens = "—" if made is None else f"{made.usage.input_tokens}→{made.usage.output_tokens}"
    return [row.model, dollars(row.cost), seconds(row.seconds), tokens]
