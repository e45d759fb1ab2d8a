"""How a step is asked: what it says itself, over what its expert and the pipeline say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Protocol, TypeVar, Unpack, cast

from orch_nb.invoke.call import Call
from orch_nb.invoke.compose import Options
from orch_nb.settings import Settings
from orch_nb.workflows.pipeline import words
from orch_nb.workflows.pipeline.graph import Node
from orch_nb.workflows.pipeline.spec import (
    Expert,
    Parameters,
    Period,
    Requirement,
    Selection,
    Spec,
    Step,
)

P = TypeVar("P", Selection, Parameters)

_BUDGETS: Mapping[Period, str] = {
    "per-task": "task",
    "per-pipeline": "pipeline",
    "per-hour": "hour",
}


class Composer(Protocol):
    """What is needed of a session."""

    settings: Settings

    def compose(self, prompt: str, **options: Unpack[Options]) -> Call:
        """The call for `prompt`, with what the tools that it names bring along."""


@dataclass(frozen=True, slots=True, eq=False)
class Asking:
    """How the prompts of one step are asked.

    ``compose`` makes calls, ``options`` are those of `orch_nb.Session.ask`, ``changes`` the
    settings that are others than the session's. ``named`` says where the model, or the way to
    choose it, was written.
    """

    compose: Callable[..., Call]
    options: Options
    requirement: Requirement
    changes: Mapping[str, Any]
    named: str

    def call(self, prompt: str, system: str | None) -> Call:
        """The call for `prompt`. Raises `InputError`."""
        options = self.options.copy()
        options["system"] = system
        return with_requirements(self.compose(prompt, **options), self.requirement)

    def others(self) -> Asking:
        """The same without the model or the expert that was named: a strategy chooses."""
        options = cast(Options, {k: v for k, v in self.options.items() if k != "model"})
        changes = {**self.changes, "fallback": "best"}
        changes.pop("experts", None)
        return replace(self, options=options, changes=changes, named="on_error: fallback")


def asking_of(session: Composer, spec: Spec, node: Node) -> Asking:
    """How the step of `node` is asked in `session`."""
    step, settings = node.step, session.settings
    selection = merged(spec.selection_schema, step.selection_schema)
    required = spec.requires_model if step.requires_model is None else step.requires_model
    name = step.expert or (step.tool if step.tool in spec.experts else None)
    expert = None if name is None else spec.experts[name]
    parameters = merged(merged(spec.parameters, _of_expert(expert)), step.parameters)
    _, kind = words.tagged(required.expertise)
    options: dict[str, Any] = {
        "model": step.model or None,
        "task": step.task or kind,
        "tool": [one for one in (step.expert, step.tool) if one] or None,
        "schema": node.form,
        "deadline": step.timeout or selection.timeout,
        "max_latency": _seconds(selection.max_latency_ms, required.max_latency_ms),
        "min_quality": _largest(
            selection.min_accuracy,
            required.min_accuracy_score,
            words.least_quality(required.expertise),
        ),
        "max_cost": _per_task(selection, required),
        "exclude": required.excluded or None,
        **parameters.model_dump(),
    }
    given = {key: value for key, value in options.items() if value is not None}
    changes = _changes(spec, selection, required, settings)
    return Asking(
        session.compose, cast(Options, given), required, changes, _named(spec, step, name)
    )


def with_requirements(call: Call, required: Requirement) -> Call:
    """`call` with what no option of a single prompt can say."""
    wants = call.request.wants
    needs = frozenset(required.capabilities) | words.tagged(required.expertise)[0]
    requires = replace(
        wants.requires,
        capabilities=needs.union(*(words.MODALITIES[word] for word in required.modalities)),
        min_size=required.min_size,
        max_size=required.max_size,
        min_speed=required.min_tokens_per_second,
        prefer=tuple(required.preferred),
    )
    request = replace(call.request, wants=replace(wants, requires=requires))
    return replace(call, request=request)


def merged(header: P, own: P | None) -> P:
    """What `own` says, and `header` where it says nothing."""
    if own is None:
        return header
    return header.model_copy(update={name: getattr(own, name) for name in own.model_fields_set})


def _of_expert(expert: Expert | None) -> Parameters | None:
    if expert is None:
        return None
    said = {"temperature": expert.temperature, "max_tokens": expert.max_tokens}
    given = {key: value for key, value in said.items() if value is not None}
    return Parameters.model_validate(given)


def _changes(
    spec: Spec, selection: Selection, required: Requirement, settings: Settings
) -> dict[str, Any]:
    weights = None if selection.weights is None else selection.weights.model_dump()
    said = {
        "strategy": selection.strategy,
        "weights": weights,
        "fallback": required.fallback_strategy or selection.fallback,
    }
    changes: dict[str, Any] = {key: value for key, value in said.items() if value is not None}
    if spec.experts:
        ours = {name: expert.id for name, expert in spec.experts.items()}
        changes["experts"] = {**settings.experts, **ours}
    limits = _limits(spec, selection, required, settings)
    if limits:
        kept = {"unpriced": settings.budget.unpriced}
        changes["budget"] = kept | {name: float(limit) for name, limit in limits.items()}
    return changes


def _limits(
    spec: Spec, selection: Selection, required: Requirement, settings: Settings
) -> dict[str, Decimal]:
    """The limits of the budget, the lowest that anybody set; {} where these are the session's."""
    ours: list[tuple[str, Decimal | None]] = [
        ("pipeline", spec.budget.pipeline),
        ("task", spec.budget.task),
        (_BUDGETS[selection.budget_period], selection.cost_limit),
        (_BUDGETS[required.budget_period], required.cost_limit),
    ]
    if all(limit is None for _, limit in ours):
        return {}
    theirs = [(p, getattr(settings.budget, p)) for p in ("task", "pipeline", "session", "hour")]
    limits: dict[str, Decimal] = {}
    for period, limit in (*ours, *theirs):
        if limit is not None:
            limits[period] = min(limit, limits.get(period, limit))
    return limits


def _per_task(selection: Selection, required: Requirement) -> Decimal | None:
    """Dollars that one call may be expected to cost."""
    limits = [
        part.cost_limit
        for part in (selection, required)
        if part.cost_limit is not None and part.budget_period == "per-task"
    ]
    return min(limits, default=None)


def _named(spec: Spec, step: Step, expert: str | None) -> str:
    if step.model:
        return "model of the step"
    if expert is not None:
        return f"expert {expert} of the pipeline"
    if step.selection_schema is not None and step.selection_schema.strategy is not None:
        return "strategy of the step"
    if spec.selection_schema.strategy is not None:
        return "strategy of the pipeline"
    return "the session"


def _seconds(*milliseconds: float | None) -> float | None:
    known = [one / 1000 for one in milliseconds if one is not None]
    return min(known, default=None)


def _largest(*numbers: float | None) -> float | None:
    return max((number for number in numbers if number is not None), default=None)
