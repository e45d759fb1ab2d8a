"""What came of a pipeline: of each step, and in all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

from orch_nb.errors import Interrupted, OrchError, UnknownNameError
from orch_nb.figures import columns, count, dollars, seconds
from orch_nb.sanitize import one_line
from orch_nb.types import Attempt, Request, Response, total_cost
from orch_nb.workflows.pipeline.scope import Output, Outputs

if TYPE_CHECKING:
    import pandas  # type: ignore[import-untyped]

Status = Literal["done", "skipped", "failed", "stopped"]
_HEAD = ("step", "status", "model", "chosen by", "cost", "billed", "time", "tokens")


@dataclass(frozen=True, slots=True)
class Part:
    """One prompt of a step, with its answer or its error.

    ``request`` is what was asked, None where it could not even be written. ``failures`` are the
    attempts of calls that gave no answer. ``kept`` says that the answer is that of a run which was
    resumed: it was billed there. What is ``replayed`` was billed when it was recorded.
    """

    request: Request | None
    response: Response | None = None
    error: OrchError | None = None
    failures: tuple[Attempt, ...] = ()
    kept: bool = False
    replayed: bool = False

    @property
    def paid(self) -> Decimal | None:
        """Dollars that were billed, now or when it was recorded, failures included."""
        answer = Decimal(0) if self.response is None or self.kept else self.response.paid
        return _sum((answer, total_cost(self.failures)))

    @property
    def billed(self) -> Decimal | None:
        """Dollars that it added to the bill, failures included; None where a part is unknown."""
        return Decimal(0) if self.replayed else self.paid


@dataclass(frozen=True, slots=True)
class StepResult:
    """What came of one step.

    "stopped" is one that was under way when the user stopped the run, or another step failed.
    ``named`` says where its model, or the way to choose it, was written; ``why`` it is not done.
    ``many`` says that it ran for each of several items, one part each. ``seconds`` are from its
    start, ``began`` seconds after that of the run, to its end, waits included.
    """

    id: str
    status: Status
    parts: tuple[Part, ...] = ()
    many: bool = False
    named: str = ""
    why: str = ""
    seconds: float = 0.0
    began: float = 0.0

    @property
    def responses(self) -> tuple[Response, ...]:
        """The answers that there are."""
        return tuple(part.response for part in self.parts if part.response is not None)

    @property
    def output(self) -> Output | Outputs:
        """What the expressions of other steps see."""
        each = (
            Output() if part.response is None else Output.of(part.response) for part in self.parts
        )
        if self.many:
            return Outputs(each)
        return next(each, Output())

    @property
    def cost(self) -> Decimal | None:
        """Dollars that the answers cost, or cost once; None where a part is unknown."""
        return _sum(response.cost for response in self.responses)

    @property
    def paid(self) -> Decimal | None:
        """Dollars that were billed, now or when it was recorded; None where a part is unknown."""
        return _sum(part.paid for part in self.parts)

    @property
    def billed(self) -> Decimal | None:
        """Dollars that its prompts added to the bill; None where a part is unknown."""
        return _sum(part.billed for part in self.parts)


@dataclass(frozen=True, slots=True)
class Run:
    """A pipeline that ran, to its end or as far as it came.

    ``run["step"]`` is its `Response`, a list of them for a step with ``for_each``, None if it was
    skipped. ``unfilled`` says of each output that could not be filled why not.
    """

    name: str
    steps: Mapping[str, StepResult]
    outputs: Mapping[str, str] = field(default_factory=dict)
    unfilled: Mapping[str, str] = field(default_factory=dict)

    def __getitem__(self, step: str) -> Response | list[Response] | None:
        if step not in self.steps:
            raise UnknownNameError("step", step, self.steps)
        result = self.steps[step]
        if result.many:
            return list(result.responses)
        return result.responses[0] if result.responses else None

    @property
    def cost(self) -> Decimal | None:
        """Dollars of all answers, those of the cache as they cost once; None where unknown."""
        return _sum(result.cost for result in self.steps.values())

    @property
    def billed(self) -> Decimal | None:
        """Dollars that this run added to the bill, calls that failed and what was stopped included.

        What a resumed run had already is in that one's. None where a part is unknown.
        """
        return _sum(result.billed for result in self.steps.values())

    @property
    def paid(self) -> Decimal | None:
        """Dollars that were billed, now or when it was recorded; None where a part is unknown."""
        return _sum(result.paid for result in self.steps.values())

    def to_records(self) -> list[dict[str, object]]:
        """One row a prompt: dollars as Decimal, seconds; None is unknown or not there.

        ``billed`` is what was billed, also where that was when it was recorded.
        """
        return [
            _row(result, part, item)
            for result in self.steps.values()
            for item, part in enumerate(result.parts or (None,))
        ]

    def to_pandas(self) -> pandas.DataFrame:
        """`to_records` as a DataFrame. Raises `OrchError` where pandas is not installed."""
        try:
            import pandas  # noqa: PLC0415 - optional, and slow to import
        except ImportError:
            raise OrchError("to_pandas needs pandas: pip install pandas") from None
        frame = pandas.DataFrame.from_records(self.to_records())
        return frame.astype({"cost": float, "billed": float})

    def cells(self) -> list[list[str]]:
        """A row a step, as people read it, under a head and above the totals."""
        total = ["total", "", "", "", dollars(self.cost), dollars(self.paid), "", ""]
        return [[*_HEAD], *(_cells(result) for result in self.steps.values()), total]

    def __str__(self) -> str:
        lines = columns([[one_line(cell, 60) for cell in row] for row in self.cells()])
        return "\n".join((*lines, *self.whys))

    @property
    def whys(self) -> tuple[str, ...]:
        """Why steps are not done, and outputs not there, a line each."""
        said = [f"{result.id}: {result.why}" for result in self.steps.values() if result.why]
        if all(result.status == "done" for result in self.steps.values()):
            said += [f"output {name}: {why}" for name, why in self.unfilled.items()]
        return tuple(one_line(why, 600) for why in said)


class PipelineFailed(OrchError):
    """A step failed, and what needs it did not run. ``run`` has what was done.

    ``pipeline.run(inputs, resume=error.run)`` asks for what is missing only.
    """

    def __init__(self, run: Run, step: StepResult) -> None:
        self.run = run
        done = sum(result.status == "done" for result in run.steps.values())
        super().__init__(f"step {step.id} failed: {step.why} ({count(done, 'step')} done and kept)")


class PipelineStopped(Interrupted):
    """The user stopped a pipeline. ``run`` has what was done, as in `PipelineFailed`."""

    def __init__(self, run: Run, steps: int) -> None:
        super().__init__()
        self.run = run
        done = sum(result.status == "done" for result in run.steps.values())
        self.args = (f"stopped; {done} of {count(steps, 'step')} done and kept: run it again",)


def _row(result: StepResult, part: Part | None, item: int) -> dict[str, object]:
    response = None if part is None else part.response
    error = result.why if part is None or part.error is None else str(part.error)
    return {
        "step": result.id,
        "item": item if result.many else None,
        "status": result.status,
        "named": result.named,
        "model": None if response is None else response.model,
        "source": None if response is None else response.decision.source,
        "reason": None if response is None else response.decision.reason,
        "cost": None if response is None else response.cost,
        "billed": None if part is None else part.paid,
        "seconds": None if response is None else response.seconds,
        "cached": None if response is None else response.cached,
        "input_tokens": None if response is None else response.usage.input_tokens,
        "output_tokens": None if response is None else response.usage.output_tokens,
        "trail": None if response is None else response.trail,
        "text": None if response is None else response.text,
        "error": error or None,
    }


def _cells(result: StepResult) -> list[str]:
    answers = result.responses
    models = ", ".join(dict.fromkeys(response.model for response in answers))
    counted = len(result.parts) if result.many else 0
    tokens = (
        f"{sum(r.usage.input_tokens for r in answers)}→"
        f"{sum(r.usage.output_tokens for r in answers)}"
    )
    return [
        result.id + (f" × {counted}" if result.many else ""),
        result.status,
        models or "—",
        result.named or "—",
        dollars(result.cost) if answers else "—",
        dollars(result.paid) if answers or result.paid else "—",
        seconds(result.seconds) if answers else "—",
        tokens if answers else "—",
    ]


def _sum(costs: Iterable[Decimal | None]) -> Decimal | None:
    total = Decimal(0)
    for cost in costs:
        if cost is None:
            return None
        total += cost
    return total
