"""A step on its way: the calls made for each of its prompts, and what they have come to so far."""

from __future__ import annotations

from dataclasses import dataclass, field

from orch_nb.errors import OrchError
from orch_nb.invoke.call import Call
from orch_nb.types import Request, Response
from orch_nb.workflows.pipeline.outcome import Part, Status, StepResult

_STOPPED = "stopped before it was answered"


@dataclass(slots=True, eq=False)
class Prompt:
    """One prompt of a step; ``calls`` were made for it, the last one perhaps under way.

    ``kept`` says that its response is that of the run which is resumed.
    """

    text: str = ""
    system: str | None = None
    request: Request | None = None
    response: Response | None = None
    error: OrchError | None = None
    kept: bool = False
    calls: list[Call] = field(default_factory=list)

    def part(self, why: str) -> Part:
        """What it has come to; `why` it has neither an answer nor an error."""
        error = self.error
        if self.response is None and error is None:
            error = OrchError(why)
        lost = self.calls if self.response is None else self.calls[:-1]
        tried = tuple(attempt for call in lost for attempt in call.trail.attempts)
        replayed = any(call.replayed for call in self.calls)
        return Part(self.request, self.response, error, tried, self.kept, replayed)


@dataclass(slots=True, eq=False)
class StepRun:
    """One step on its way: ``started`` on the run's clock; the rest as `StepResult` has it."""

    id: str
    named: str
    many: bool
    started: float
    began: float
    prompts: list[Prompt] = field(default_factory=list)

    def result(self, now: float, why: str = _STOPPED) -> StepResult:
        """What it has come to; `why` there are prompts that were neither answered nor failed."""
        parts = tuple(prompt.part(why) for prompt in self.prompts)
        failures = [str(prompt.error) for prompt in self.prompts if prompt.error is not None]
        open_ = [prompt for prompt in self.prompts if prompt.response is None]
        status: Status = "failed" if failures else "stopped" if open_ else "done"
        said = failures[0] if failures else why if open_ else ""
        took = now - self.started
        return StepResult(self.id, status, parts, self.many, self.named, said, took, self.began)
