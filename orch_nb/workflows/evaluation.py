"""An evaluation: its plan, its rows, and what they come to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from orch_nb.errors import Interrupted, OrchError
from orch_nb.figures import columns, dollars, seconds
from orch_nb.sanitize import one_line
from orch_nb.workflows.summary import Row, Summary, leaders, summarise

if TYPE_CHECKING:
    import pandas  # type: ignore[import-untyped]


@dataclass(frozen=True, slots=True)
class Plan:
    """What an evaluation will ask, and is expected to cost: in dollars, None is unknown.

    ``judge_cost`` is the part of ``cost`` that grading has. What is in the cache costs nothing,
    and is not taken off. ``unpriced`` are the models whose prices are unknown.
    """

    models: tuple[str, ...]
    prompts: int
    repeats: int
    judge: str | None
    cost: Decimal | None
    judge_cost: Decimal | None
    unpriced: tuple[str, ...] = ()

    @property
    def answers(self) -> int:
        """How many answers there will be."""
        return self.prompts * len(self.models) * self.repeats

    def __str__(self) -> str:
        times = f" × {self.repeats} repeats" if self.repeats > 1 else ""
        said = f"{self.prompts} prompts × {len(self.models)} models{times} = {self.answers} answers"
        if self.judge is not None:
            said += f", graded by {self.judge} for about {dollars(self.judge_cost)}"
        if self.cost is None:
            return f"{said}; the cost is unknown: no price of {', '.join(self.unpriced)}"
        return f"{said}; about {dollars(self.cost)} in all, less what is cached"


class Evaluation:
    """What models answered to the same prompts, and how good that was.

    Parameters
    ----------
    plan
        What was to be asked, and to be expected.
    check
        The name of the check.
    rows
        One for each answer, or for each that there was when it was stopped.
    """

    def __init__(self, plan: Plan, check: str, rows: Sequence[Row]) -> None:
        self.plan, self.check = plan, check
        self.rows: tuple[Row, ...] = tuple(
            sorted(rows, key=lambda row: (row.item, plan.models.index(row.model), row.repeat))
        )

    @property
    def summary(self) -> tuple[Summary, ...]:
        """One model each, in the order in which they were named."""
        return summarise(self.rows, self.plan.models)

    @property
    def leaders(self) -> tuple[str, ...]:
        """The model with the best mean, then those that may be as good: their intervals overlap."""
        return leaders(self.summary)

    @property
    def best(self) -> str:
        """The model that is better than all others; "tie" where intervals overlap, "" if none."""
        found = self.leaders
        return found[0] if len(found) == 1 else "tie" if found else ""

    @property
    def billed(self) -> Decimal | None:
        """Dollars that it added to the bill, with grading; None where a part is unknown."""
        return _paid(row for row in self.rows if not row.replayed)

    @property
    def paid(self) -> Decimal | None:
        """The same with what is replayed, as it was billed when it was recorded."""
        return _paid(self.rows)

    @property
    def judge_cost(self) -> Decimal | None:
        """Dollars of that which grading cost."""
        paid = [row.judge_cost for row in self.rows]
        known = [cost for cost in paid if cost is not None]
        return sum(known, Decimal(0)) if len(known) == len(paid) else None

    def to_records(self) -> list[dict[str, object]]:
        """One flat row an answer, as `Row` describes it."""
        return [asdict(row) for row in self.rows]

    def to_pandas(self) -> pandas.DataFrame:
        """`to_records` as a DataFrame, dollars as floats.

        Raises `OrchError` where pandas is not installed.
        """
        try:
            import pandas  # noqa: PLC0415 - optional, and slow to import
        except ImportError:
            raise OrchError("to_pandas needs pandas: pip install pandas") from None
        frame = pandas.DataFrame.from_records(self.to_records(), columns=list(Row.__slots__))
        return frame.astype({"cost": float, "billed": float, "judge_cost": float, "quality": float})

    def cells(self) -> list[list[str]]:
        """The summary as people read it, under a head."""
        head = ["model", "quality", "95 % interval", "prompts", "cost", "p50", "errors"]
        return [head, *map(_cells, self.summary)]

    @property
    def notes(self) -> tuple[str, ...]:
        """Lines to stand below the table: who is best, what it cost, the first error."""
        graded = f"graded by {self.plan.judge}" if self.plan.judge else f"check {self.check}"
        said = [f"{self._verdict()} · {graded} · {len(self.rows)} answers · {self._bill()}"]
        failed = next((row for row in self.rows if row.error), None)
        if failed is not None:
            said.append(f"first error: {failed.model}, item {failed.item}: {failed.error}")
        return tuple(said)

    def _verdict(self) -> str:
        first = self.leaders
        if not first:
            return "nothing is graded"
        if len(first) == 1:
            return f"best: {first[0]}"
        return f"a tie, as far as these prompts tell: {', '.join(first)}"

    def _bill(self) -> str:
        said = f"billed {dollars(self.paid)}"
        if self.plan.judge is not None:
            said += f", {dollars(self.judge_cost)} of it for grading"
        return said

    def __str__(self) -> str:
        lines = columns([[one_line(cell, 80) for cell in row] for row in self.cells()])
        return "\n".join((*lines, *(one_line(note, 600) for note in self.notes)))


class EvaluationStopped(Interrupted):
    """The user stopped an evaluation. ``evaluation`` has the rows that there were.

    Its answers are in the cache: what is evaluated again pays for the missing ones only.
    """

    def __init__(self, evaluation: Evaluation) -> None:
        super().__init__()
        self.evaluation = evaluation
        done = f"{len(evaluation.rows)} of {evaluation.plan.answers} answers"
        self.args = (f"stopped; {done} are kept",)


def _paid(rows: Iterable[Row]) -> Decimal | None:
    paid = [cost for row in rows for cost in (row.billed, row.judge_cost)]
    known = [cost for cost in paid if cost is not None]
    return sum(known, Decimal(0)) if len(known) == len(paid) else None


def _cells(one: Summary) -> list[str]:
    quality = one.quality
    return [
        one.model,
        "—" if quality is None else f"{quality.mean:.2f}",
        "—" if quality is None else f"{quality.low:.2f} to {quality.high:.2f}",
        "0" if quality is None else str(quality.count),
        dollars(one.cost),
        seconds(one.p50),
        str(one.errors),
    ]
