"""The steps of a pipeline with their expressions read, and the order that they need."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from heapq import heapify, heappop, heappush

from orch_nb.errors import TemplateError, UnknownNameError
from orch_nb.templates.template import Expression, Template
from orch_nb.workflows.pipeline.answer_class import answer_class
from orch_nb.workflows.pipeline.errors import PipelineError, Problem
from orch_nb.workflows.pipeline.scope import OF_MANY, OF_STEP, RESERVED
from orch_nb.workflows.pipeline.spec import Spec, Step

_BRACED = re.compile(r"\s*\{\{(.*)\}\}\s*", re.DOTALL)
Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """One step. ``after`` are the ids of the steps that it needs, said or by its expressions.

    ``each`` are the items that it runs for, or the expression that gives them; None runs it once.
    ``form`` is the class that its answers are validated into.
    """

    step: Step
    place: int
    prompt: Template
    system: Template | None
    when: Expression | None
    each: Expression | Sequence[object] | None
    form: type | None
    after: frozenset[str]


@dataclass(frozen=True, slots=True, eq=False)
class Graph:
    """A pipeline that can be planned and run; ``nodes`` stand in an order that works.

    ``source`` and ``lines`` say where each part is written.
    """

    spec: Spec
    nodes: Mapping[str, Node]
    outputs: Mapping[str, Template]
    source: str = "pipeline"
    lines: Mapping[Path, int] = field(default_factory=dict)

    def error(self, node: Node, key: str, message: str) -> PipelineError:
        """What is wrong with `key` of a step, which only the session could tell."""
        place: Path = ("steps", node.place)
        line = self.lines.get((*place, key), self.lines.get(place))
        return PipelineError(message, source=self.source, line=line)


def build(spec: Spec) -> Graph:
    """The graph of `spec`. Raises `Problem` for the first thing that is wrong."""
    ids = _ids(spec)
    nodes = {step.id: _node(spec, place, step, ids) for place, step in enumerate(spec.steps)}
    sorter = TopologicalSorter({name: node.after for name, node in nodes.items()})
    try:
        order = list(sorter.static_order())
    except CycleError as error:
        cycle = " → ".join(reversed(error.args[1]))
        place = nodes[error.args[1][0]].place
        raise Problem(("steps", place), f"steps need each other: {cycle}") from None
    outputs = {}
    for name, text in spec.outputs.items():
        path: Path = ("outputs", name)
        outputs[name] = template = _read(path, text)
        _needed(path, template, (), spec, ids)
    return Graph(spec, {name: nodes[name] for name in _steady(order, nodes)}, outputs)


def _ids(spec: Spec) -> tuple[str, ...]:
    for name in spec.inputs:
        if name in RESERVED:
            raise Problem(("inputs", name), f"an input cannot be called {name}; rename it")
    seen: dict[str, int] = {}
    for place, step in enumerate(spec.steps):
        path: Path = ("steps", place, "id")
        if step.id in seen:
            raise Problem(path, f"two steps have the id {step.id}; rename one")
        if step.id in RESERVED or step.id in spec.inputs:
            what = "a word of the grammar" if step.id in RESERVED else "the name of an input"
            raise Problem(path, f"{step.id} is {what}; rename the step")
        seen[step.id] = place
    return tuple(seen)


def _node(spec: Spec, place: int, step: Step, ids: Sequence[str]) -> Node:
    path: Path = ("steps", place)
    prompt = _read((*path, "prompt"), step.prompt)
    said = _system(spec, step)
    system = None if said is None else _read((*path, "system"), said)
    when = None if step.when is None else _expression((*path, "when"), step.when)
    each: Expression | Sequence[object] | None = None
    if isinstance(step.for_each, str):
        each = _expression((*path, "for_each"), step.for_each)
    elif step.for_each is not None:
        each = tuple(step.for_each)
    after = set[str]()
    for name in step.needs:
        if name not in ids:
            raise _unknown((*path, "needs"), "step", name, ids)
        after.add(name)
    local = ("item", "index") if each is not None else ()
    parts = {"prompt": prompt, "system": system, "when": when, "for_each": each}
    for key, part in parts.items():
        if isinstance(part, Template | Expression):
            known = local if key in ("prompt", "system") else ()
            after |= _needed((*path, key), part, known, spec, ids)
    if step.id in after:
        raise Problem(path, f"{step.id} needs itself")
    form = None
    if step.answer is not None:
        form = answer_class(step.id, step.answer, (*path, "schema"))
    return Node(step, place, prompt, system, when, each, form, frozenset(after))


def _system(spec: Spec, step: Step) -> str | None:
    """The instructions of the step, of its expert, or of the pipeline."""
    expert = spec.experts.get(step.expert or step.tool or "")
    theirs = None if expert is None else expert.system_prompt
    said = (step.system, theirs, spec.system)
    return next((text for text in said if text is not None), None)


def _needed(
    path: Path, part: Template | Expression, known: Sequence[str], spec: Spec, ids: Sequence[str]
) -> set[str]:
    """The steps that `part` speaks of, beside the names that are `known` there.

    Raises `Problem` for what nobody knows, or no step will have.
    """
    found, members = set[str](), part.members("steps")
    for name in part.names - set(known):
        if name in ("item", "index"):
            raise Problem(
                path, f"{name} is there only in a step with for_each, in prompt and system"
            )
        if name in ids:
            found.add(name)
            _check_taken(path, spec.steps[ids.index(name)], part.members(name))
        elif name not in spec.inputs and name not in RESERVED:
            raise _unknown(path, "name", name, [*ids, *spec.inputs])
    for name in members:
        if name not in ids:
            raise _unknown(path, "step", name, ids)
        found.add(name)
    for name in part.members("inputs") - spec.inputs.keys():
        raise _unknown(path, "input", name, spec.inputs)
    if "steps" in part.names and not members:
        raise Problem(path, "write which step is meant: steps.name")
    return found


def _check_taken(path: Path, step: Step, taken: Iterable[str]) -> None:
    """Raise `Problem` for what no answer of `step` will have."""
    fields = OF_STEP if step.for_each is None else OF_MANY
    for name in taken:
        if name not in fields:
            raise _unknown(path, f"part of {step.id},", name, fields)
        if name == "parsed" and step.answer is None:
            said = f"{step.id}.parsed is nothing without a schema; give the step one, or take .text"
            raise Problem(path, said)


def _unknown(path: Path, what: str, name: str, choices: Iterable[str]) -> Problem:
    return Problem(path, str(UnknownNameError(what, name, choices)))


def _read(path: Path, text: str) -> Template:
    try:
        return Template(text)
    except TemplateError as error:
        raise Problem(path, str(error)) from None


def _expression(path: Path, text: str) -> Expression:
    """`text` as an expression, with or without braces around it."""
    braced = _BRACED.fullmatch(text)
    try:
        return Expression(braced[1] if braced else text)
    except TemplateError as error:
        raise Problem(path, str(error)) from None


def _steady(order: Sequence[str], nodes: Mapping[str, Node]) -> list[str]:
    """An order that works, the same each time: a step comes as early as it was written."""
    followers: dict[str, list[str]] = {name: [] for name in order}
    for name in order:
        for before in nodes[name].after:
            followers[before].append(name)
    missing = {name: len(nodes[name].after) for name in order}
    ready = [(nodes[name].place, name) for name in order if not missing[name]]
    heapify(ready)
    done: list[str] = []
    while ready:
        _, name = heappop(ready)
        done.append(name)
        for after in followers[name]:
            missing[after] -= 1
            if not missing[after]:
                heappush(ready, (nodes[after].place, after))
    return done
