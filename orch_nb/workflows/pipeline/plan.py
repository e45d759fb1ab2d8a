"""What a pipeline would do: the model, the cost and the time of each step. Nothing is sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol, Unpack

from orch_nb.errors import InputError, OrchError, TemplateError
from orch_nb.figures import columns, dollars, seconds
from orch_nb.invoke.call import Call
from orch_nb.invoke.compose import Options
from orch_nb.sanitize import one_line
from orch_nb.settings import Settings
from orch_nb.templates.template import Expression, Template
from orch_nb.types import Decision, Request, Response
from orch_nb.workflows.pipeline.asking import Asking, asking_of
from orch_nb.workflows.pipeline.diagram import mermaid
from orch_nb.workflows.pipeline.graph import Graph, Node
from orch_nb.workflows.pipeline.scope import Pending, scope_of

_HEAD = ("step", "model", "chosen by", "needs", "prompts", "cost", "time")


class Runner(Protocol):
    """What is needed of a session."""

    settings: Settings

    def changed(self, **settings: Any) -> Settings:
        """The settings as they would be with `settings` changed."""

    def preview(
        self, requests: Sequence[Request], *, recorded: bool = False, **settings: Any
    ) -> list[Decision | OrchError]:
        """What would be chosen for `requests` under changed `settings`."""

    def compose(self, prompt: str, **options: Unpack[Options]) -> Call:
        """The call for `prompt`, with what the tools that it names bring along."""

    def start(self, call: Call, settings: Settings | None = None) -> Future[Response]:
        """Begin to answer `call`."""


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """One step of a plan. ``prompts`` is None where the items are not known before it runs.

    ``cost`` is dollars of all its prompts, or of one where their number is not known; None is
    unknown. ``sometimes`` says that a condition may skip it; where it does not hold, there are 0
    prompts.
    """

    id: str
    needs: tuple[str, ...]
    decision: Decision
    named: str
    prompts: int | None
    cost: Decimal | None
    seconds: float | None
    sometimes: bool

    @property
    def model(self) -> str:
        """Who would be asked."""
        return self.decision.best.model


@dataclass(frozen=True, slots=True)
class PipelinePlan:
    """What a pipeline would do, step by step in an order that works."""

    name: str
    steps: tuple[PlannedStep, ...]

    @property
    def cost(self) -> Decimal | None:
        """Expected dollars of all steps; None where a part is unknown."""
        known = [step.cost for step in self.steps]
        found = [cost for cost in known if cost is not None]
        return sum(found, Decimal(0)) if len(found) == len(known) else None

    @property
    def seconds(self) -> float | None:
        """Expected seconds along the longest way through the steps; None where unknown."""
        ends: dict[str, float] = {}
        for step in self.steps:
            if step.seconds is None:
                return None
            ends[step.id] = max((ends[name] for name in step.needs), default=0.0) + step.seconds
        return max(ends.values(), default=0.0)

    @property
    def mermaid(self) -> str:
        """The steps and their models as a Mermaid diagram."""
        said = {step.id: step.model for step in self.steps}
        return mermaid({step.id: step.needs for step in self.steps}, said)

    def cells(self) -> list[list[str]]:
        """A row a step, as people read it, under a head and above the totals."""
        total = ["total", "", "", "", "", self._total(), seconds(self.seconds)]
        return [[*_HEAD], *map(_cells, self.steps), total]

    def _total(self) -> str:
        open_ended = any(step.prompts is None for step in self.steps)
        return ("at least " if open_ended and self.cost is not None else "") + dollars(self.cost)

    def __str__(self) -> str:
        rows = [[one_line(cell, 60) for cell in row] for row in self.cells()]
        return "\n".join(columns(rows))


def plan(session: Runner, graph: Graph, inputs: Mapping[str, object]) -> PipelinePlan:
    """What `graph` would do with `inputs`.

    Raises `PipelineError` for a step that cannot work: an unknown model or tool, an expression
    that fails, or no model that may answer.
    """
    outputs: dict[str, object] = {}
    steps = []
    for node in graph.nodes.values():
        asking = asking_of(session, graph.spec, node)
        step = _plan(session, graph, node, asking, scope_of(inputs, outputs))
        steps.append(step)
        outputs[node.step.id] = Pending(node.step.id, step.decision.profile.output_tokens)
    return PipelinePlan(graph.spec.name, tuple(steps))


def _plan(
    session: Runner, graph: Graph, node: Node, asking: Asking, scope: dict[str, object]
) -> PlannedStep:
    unsure = bool(node.after)
    items = _items(graph, node, scope)
    first = {"item": items[0] if items else "", "index": 0} if node.each is not None else {}
    prompt = _filled(graph, node, "prompt", node.prompt, scope | first, unsure=unsure)
    system = None
    if node.system is not None:
        system = _filled(graph, node, "system", node.system, scope | first, unsure=unsure)
    try:
        call = asking.call(prompt if prompt.strip() else "…", system)
        (decision,) = session.preview([call.request], recorded=True, **asking.changes)
    except InputError as error:
        decision = error
    if isinstance(decision, OrchError):
        raise graph.error(node, _to_blame(node, str(decision)), f"step {node.step.id}: {decision}")
    expected = decision.best.estimate
    runs = _runs(graph, node, scope)
    known = items is None or not isinstance(node.each, Expression) or not node.after
    prompts = 1 if items is None else len(items) if known else None
    if runs is False:
        prompts = 0
    times = 1 if prompts is None else prompts
    rounds = -(-times // min(node.step.max_parallel, graph.spec.max_parallel))
    return PlannedStep(
        node.step.id,
        tuple(name for name in graph.nodes if name in node.after),
        decision,
        asking.named,
        prompts,
        None if expected.cost is None else expected.cost * times,
        None if expected.seconds is None else expected.seconds * rounds,
        sometimes=runs is None,
    )


def _runs(graph: Graph, node: Node, scope: Mapping[str, object]) -> bool | None:
    """Whether the condition of the step holds; None where only the run will tell."""
    if node.when is None:
        return True
    if node.when.names - graph.spec.inputs.keys() - {"inputs"}:
        return None
    try:
        return bool(node.when.value(scope))
    except TemplateError as error:
        raise graph.error(node, "when", f"step {node.step.id}: {error}") from None


def _items(graph: Graph, node: Node, scope: Mapping[str, object]) -> list[object] | None:
    if not isinstance(node.each, Expression):
        return None if node.each is None else list(node.each)
    try:
        found = node.each.value(scope)
    except TemplateError as error:
        if node.after:  # what it needs is only pending
            return [""]
        raise graph.error(node, "for_each", f"step {node.step.id}: {error}") from None
    return list(found) if isinstance(found, Pending) else items_of(graph, node, found)


def items_of(graph: Graph, node: Node, found: object) -> list[object]:
    """The items that ``for_each`` gave. Raises `PipelineError` where it is no list."""
    if isinstance(found, list | tuple | range):
        return list(found)
    said = f"step {node.step.id}: for_each needs a list, not {type(found).__name__}"
    hint = "; of a text take .lines, or give its step a schema" if isinstance(found, str) else ""
    raise graph.error(node, "for_each", said + hint)


def _filled(
    graph: Graph,
    node: Node,
    key: str,
    template: Template,
    scope: Mapping[str, object],
    *,
    unsure: bool,
) -> str:
    try:
        return template.fill(scope, whole=True)
    except TemplateError as error:
        if unsure:  # an expression that needs what is only pending
            return " ".join(sorted(template.names))
        raise graph.error(node, key, f"step {node.step.id}: {error}") from None


def _to_blame(node: Node, said: str) -> str:
    """The key that an error of the session is most likely about."""
    for key, word in (("tool", "tool"), ("model", "model"), ("task", "task")):
        if f"unknown {word}" in said and getattr(node.step, key):
            return key
    return "requires_model" if node.step.requires_model is not None else "id"


def _cells(step: PlannedStep) -> list[str]:
    return [
        step.id + (" (if)" if step.sometimes else ""),
        step.model,
        step.named,
        ", ".join(step.needs) or "—",
        "?" if step.prompts is None else str(step.prompts),
        dollars(step.cost) + (" each" if step.prompts is None else ""),
        seconds(step.seconds),
    ]
