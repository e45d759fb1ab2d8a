"""A chain is a pipeline of roles that comes with the package; its result is one text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from importlib.resources import files
from typing import Literal, Protocol, Unpack, get_args

from orch_nb.errors import OrchError, UnknownNameError
from orch_nb.invoke.compose import Options
from orch_nb.invoke.values import count, text
from orch_nb.routing.strategies import canonical
from orch_nb.types import Decision, Response
from orch_nb.workflows.chains.synthesis import (
    ASKS,
    Format,
    Phase,
    Synthesis,
    Unfit,
    read_format,
    synthesize,
)
from orch_nb.workflows.pipeline.graph import Graph
from orch_nb.workflows.pipeline.outcome import PipelineFailed, Run
from orch_nb.workflows.pipeline.plan import PipelinePlan, Runner, plan
from orch_nb.workflows.pipeline.reading import read
from orch_nb.workflows.pipeline.run import Watch, run
from orch_nb.workflows.pipeline.scope import read_inputs
from orch_nb.workflows.pipeline.spec import Parameters, Selection

Priority = Literal["balanced", "cost", "quality", "speed"]
PRIORITIES: tuple[Priority, ...] = get_args(Priority)
_TOKENS = 10**7  # no model writes a tenth of that
CHAINS = ("default", "code", "planning", "analysis")
#: The roles by the step that each has.
ROLES: Mapping[str, str] = {
    "plan": "planner",
    "context": "context",
    "execute": "executor",
    "review": "reviewer",
}
# Which chain suits a kind of task, for ``auto``; all others are for the default one.
_FOR_KIND: Mapping[str, str] = {
    "code": "code",
    "planning": "planning",
    **dict.fromkeys(("analysis", "extraction", "math", "reasoning", "summary"), "analysis"),
}


class Chainer(Runner, Protocol):
    """What is needed of a session."""

    def select(self, prompt: str, **options: Unpack[Options]) -> Decision:
        """Rank the models without asking any."""


@dataclass(frozen=True, slots=True)
class ChainResult:
    """What a chain came to.

    ``roles`` are the answers by role, None of one that was skipped or failed. ``notices`` is what
    the user must be told: another chain, a substituted model, a role that failed.
    """

    chain: str
    synthesis: Synthesis
    roles: Mapping[str, Response | None]
    run: Run
    notices: tuple[str, ...] = ()
    format: Format = "text"

    @property
    def text(self) -> str:
        """The result."""
        return self.synthesis.text

    @property
    def data(self) -> object:
        """The result of the formats json and structured as data; None of the others."""
        return self.synthesis.data

    @property
    def used_fallback(self) -> bool:
        """Whether any role was answered by another model than the one that was chosen first."""
        return any(_fell_back(one) for one in self.roles.values() if one is not None)

    @property
    def billed(self) -> Decimal | None:
        """Dollars that it added to the bill; None where a part is unknown."""
        return self.run.billed

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True, eq=False)
class ChainPlan:
    """What a chain would do: a step a role, with its model, dollars and seconds.

    ``graph`` has the roles' prompts, ``inputs`` what fills them; ``notices`` as in `ChainResult`.
    """

    chain: str
    graph: Graph
    inputs: Mapping[str, object]
    steps: PipelinePlan
    notices: tuple[str, ...] = ()
    format: Format = "text"


class ChainFailed(OrchError):
    """A chain without a result.

    ``code`` is "role_failed" or "unfit"; ``phase`` the role, or the phase of the synthesis;
    ``model`` who was asked last there, "" if nobody; ``cause`` what it said. ``run`` has what was
    done.
    """

    def __init__(self, code: str, phase: str, model: str, cause: str, run: Run) -> None:
        self.code, self.phase, self.model, self.cause, self.run = code, phase, model, cause, run
        by = f" ({model})" if model else ""
        super().__init__(f"the chain failed in {phase}{by}: {cause} [{code}]")


def chain(
    session: Chainer,
    prompt: str,
    name: str = "default",
    *,
    clock: Callable[[], float],
    priority: str = "balanced",
    form: str = "text",
    strategy: str | None = None,
    max_tokens: int | None = None,
    watch: Watch | None = None,
    resume: Run | None = None,
) -> ChainResult:
    """Do what `prompt` says by a chain of roles; see `orch_nb.Session.chain`."""
    planned = plan_chain(
        session,
        prompt,
        name,
        priority=priority,
        form=form,
        strategy=strategy,
        max_tokens=max_tokens,
    )
    graph, wanted = planned.graph, planned.format
    try:
        made = run(session, graph, planned.inputs, clock=clock, resume=resume, watch=watch)
    except PipelineFailed as failed:
        raise _failure(failed) from None
    roles = _roles(made)
    try:
        synthesis = synthesize(_texts(roles, wanted), wanted)
    except Unfit as error:
        phase: Phase = "validate"
        last = next((one.model for one in reversed(list(roles.values())) if one), "")
        raise ChainFailed("unfit", phase, last, str(error), made) from None
    told = (*planned.notices, *_notices(made), *synthesis.dropped)
    return ChainResult(planned.chain, synthesis, roles, made, told, wanted)


def plan_chain(
    session: Chainer,
    prompt: str,
    name: str,
    *,
    priority: str = "balanced",
    form: str = "text",
    strategy: str | None = None,
    max_tokens: int | None = None,
) -> ChainPlan:
    """What `chain` would do with the same arguments, and raises before it; nothing is sent."""
    if priority not in PRIORITIES:
        raise UnknownNameError("priority", str(priority), PRIORITIES)
    wanted = read_format(form)
    chosen, notices = _choose(session, text("prompt", prompt), text("chain", name))
    graph = _with(read_chain(chosen), strategy, max_tokens)
    given = {"task": prompt, "form": ASKS[wanted], "priority": priority}
    inputs = read_inputs(graph.spec, given)
    steps = plan(session, graph, inputs)
    return ChainPlan(chosen, graph, inputs, steps, tuple(notices), wanted)


def _with(graph: Graph, strategy: str | None, max_tokens: int | None) -> Graph:
    """`graph` with what the caller says of all roles."""
    longest = count("max_tokens", max_tokens, least=1, most=_TOKENS)
    said = None if strategy is None else canonical(text("strategy", strategy))
    stated = {
        "parameters": Parameters(max_tokens=longest),
        "selection_schema": Selection(strategy=said),
    }
    return replace(graph, spec=graph.spec.model_copy(update=stated))


def read_chain(name: str) -> Graph:
    """The chain called `name`, one of `CHAINS`."""
    content = files("orch_nb.workflows.chains").joinpath(f"{name}.yaml").read_bytes()
    return read(content, f"chain {name}")


def _choose(session: Chainer, prompt: str, name: str) -> tuple[str, list[str]]:
    """The chain that `name` means, and what is to be said of that."""
    if name == "auto":
        kind = session.select(prompt).profile.kind
        chosen = _FOR_KIND.get(kind, "default")
        return chosen, [f"chain {chosen}, for a task of the kind {kind}"]
    if name in CHAINS:
        return name, []
    return "default", [f"{UnknownNameError('chain', name, CHAINS)}; default was taken"]


def _roles(made: Run) -> dict[str, Response | None]:
    found: dict[str, Response | None] = {}
    for step, role in ROLES.items():
        answer = made[step] if step in made.steps else None
        found[role] = answer if isinstance(answer, Response) else None
    return found


def _texts(roles: Mapping[str, Response | None], form: Format) -> list[tuple[str, str]]:
    """What may be the result, the one to take first at the end."""
    parts = tuple(roles) if form == "structured" else ("executor", "reviewer")
    return [(role, one.text) for role in parts if (one := roles[role]) is not None]


def _notices(made: Run) -> list[str]:
    notices = []
    for step, role in ROLES.items():
        result = made.steps.get(step)
        if result is None:
            continue
        if result.status == "failed":
            notices.append(f"the {role} failed and was left out: {result.why}")
        for response in result.responses:
            if response.decision.notice:
                notices.append(f"{role}: {response.decision.notice}")
    return notices


def _fell_back(response: Response) -> bool:
    substituted = response.decision.notice and response.decision.source == "strategy"
    return bool(substituted) or response.model != response.decision.best.model


def _failure(failed: PipelineFailed) -> ChainFailed:
    """The executor's failure, which is why there is no result, or else the first one."""
    failures = [one for one in failed.run.steps.values() if one.status == "failed"]
    result = next((one for one in failures if one.id == "execute"), failures[0])
    error = next((part.error for part in result.parts if part.error is not None), None)
    attempts = getattr(error, "attempts", ())
    model = attempts[-1].model if attempts else getattr(error, "model", "")
    return ChainFailed("role_failed", ROLES[result.id], str(model), result.why, failed.run)
