"""Steps side by side as far as they need each other; what fails, skips or stops loses nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Literal

from orch_nb.errors import OrchError, TemplateError
from orch_nb.invoke.loop import BackgroundLoop, Feed
from orch_nb.settings import Settings
from orch_nb.store.tally import Tally
from orch_nb.templates.template import Expression
from orch_nb.types import Response
from orch_nb.workflows.pipeline.asking import Asking, asking_of
from orch_nb.workflows.pipeline.graph import Graph, Node
from orch_nb.workflows.pipeline.outcome import (
    Part,
    PipelineFailed,
    PipelineStopped,
    Run,
    StepResult,
)
from orch_nb.workflows.pipeline.plan import Runner, items_of
from orch_nb.workflows.pipeline.scope import scope_of

# How often a step with ``on_error: retry`` is asked in all, each with the retries of a call.
# Chosen.
_TIMES = 3


@dataclass(frozen=True, slots=True)
class Progress:
    """A step has begun, or has come to its end: then there is its ``result``."""

    step: str
    result: StepResult | None = None


Watch = Callable[[Progress], object]


def run(
    session: Runner,
    graph: Graph,
    inputs: Mapping[str, object],
    *,
    clock: Callable[[], float],
    resume: Run | None = None,
    watch: Watch | None = None,
) -> Run:
    """Run `graph`; `watch` is called in this thread. Raises `PipelineFailed`, `PipelineStopped`."""
    feed: Feed[Progress] | None = None if watch is None else Feed(watch)
    work = _Work(session, graph, inputs, clock, resume, feed)
    loop = BackgroundLoop("orch_nb pipeline")
    try:
        loop.run(work.run, feed)
    except KeyboardInterrupt:
        raise PipelineStopped(work.made(), len(graph.nodes)) from None
    finally:
        loop.close()
    made = work.made()
    if work.failed is not None:
        raise PipelineFailed(made, work.failed)
    return made


@dataclass(slots=True, eq=False)
class _Work:
    """One run on its way."""

    session: Runner
    graph: Graph
    inputs: Mapping[str, object]
    clock: Callable[[], float]
    resume: Run | None
    feed: Feed[Progress] | None
    results: dict[str, StepResult] = field(default_factory=dict)
    failed: StepResult | None = None
    tally: Tally = field(default_factory=lambda: Tally("pipeline"))
    turns: asyncio.Semaphore | None = None
    started: float = 0.0

    async def run(self) -> None:
        """Run every step when those that it needs are over."""
        self.turns = asyncio.Semaphore(self.graph.spec.max_parallel)
        self.started = self.clock()
        over = {name: asyncio.Event() for name in self.graph.nodes}

        async def follow(node: Node) -> None:
            for name in node.after:
                await over[name].wait()
            result = await self._step(node)
            self.results[node.step.id] = result
            self._tell(Progress(node.step.id, result))
            if result.status == "failed" and self._on_error(node) in ("fail", "retry", "fallback"):
                self.failed = self.failed or result
            over[node.step.id].set()

        async with asyncio.TaskGroup() as group:
            for node in self.graph.nodes.values():
                group.create_task(follow(node))

    def made(self) -> Run:
        """What there is, in the order of the steps, with the outputs that can be filled."""
        steps = {name: self.results[name] for name in self.graph.nodes if name in self.results}
        outputs: dict[str, str] = {}
        scope = self._scope()
        for name, template in self.graph.outputs.items():
            try:
                outputs[name] = template.fill(scope)
            except TemplateError:
                continue  # a step that it names was not done
        return Run(self.graph.spec.name, steps, outputs)

    def _on_error(self, node: Node) -> str:
        return node.step.on_error or self.graph.spec.on_error

    def _tell(self, progress: Progress) -> None:
        if self.feed is not None:
            self.feed.put(progress)

    def _scope(self) -> dict[str, object]:
        return scope_of(self.inputs, {name: done.output for name, done in self.results.items()})

    async def _step(self, node: Node) -> StepResult:
        name, started = node.step.id, self.clock()
        many = node.each is not None
        if self.failed is not None:
            return StepResult(name, "skipped", many=many, why=f"step {self.failed.id} failed")
        try:
            if why := self._skipped(node):
                return StepResult(name, "skipped", many=many, why=why)
            asking = asking_of(self.session, self.graph.spec, node)
            self._tell(Progress(name))
            parts = await self._parts(node, asking)
        except OrchError as error:  # an expression, or what it gave
            return StepResult(name, "failed", many=many, why=str(error))
        errors = [part.error for part in parts if part.error is not None]
        why = str(errors[0]) if errors else ""
        status: Literal["done", "failed"] = "failed" if errors else "done"
        ended, began = self.clock(), started - self.started
        return StepResult(name, status, parts, many, asking.named, why, ended - started, began)

    def _skipped(self, node: Node) -> str:
        """Why the step does not run, "" if it does."""
        if node.when is not None:
            return "" if node.when.value(self._scope()) else "its condition does not hold"
        missing = [name for name in node.after if self.results[name].status != "done"]
        return f"{missing[0]} was {self.results[missing[0]].status}" if missing else ""

    async def _parts(self, node: Node, asking: Asking) -> tuple[Part, ...]:
        scope = self._scope()
        settings = self.session.changed(**asking.changes)
        if node.each is None:
            return (await self._part(node, asking, settings, scope, 0),)
        found = node.each.value(scope) if isinstance(node.each, Expression) else node.each
        items = items_of(self.graph, node, found)
        turns = asyncio.Semaphore(node.step.max_parallel)

        async def one(index: int, item: object) -> Part:
            async with turns:
                item_scope = scope | {"item": item, "index": index}
                return await self._part(node, asking, settings, item_scope, index)

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(index, item)) for index, item in enumerate(items)]
        return tuple(task.result() for task in tasks)

    async def _part(
        self, node: Node, asking: Asking, settings: Settings, scope: dict[str, object], index: int
    ) -> Part:
        try:
            system = None if node.system is None else node.system.fill(scope)
            prompt = node.prompt.fill(scope)
            request = asking.call(prompt, system).request
        except OrchError as error:
            return Part(None, error=error)
        kept = self._kept(node, index)
        if kept is not None and kept.request == request:
            return kept
        times = _TIMES if self._on_error(node) == "retry" else 1
        async with AsyncExitStack() as stack:
            if self.turns is not None:
                await stack.enter_async_context(self.turns)
            for left in reversed(range(times)):
                try:
                    return Part(request, await self._answer(asking, settings, prompt, system))
                except OrchError as error:
                    failure = error
                    if left:
                        continue
            if self._on_error(node) == "fallback":
                others = asking.others()
                try:
                    changed = self.session.changed(**others.changes)
                    return Part(request, await self._answer(others, changed, prompt, system))
                except OrchError as error:
                    failure = error
        return Part(request, error=failure)

    async def _answer(
        self, asking: Asking, settings: Settings, prompt: str, system: str | None
    ) -> Response:
        call = asking.call(prompt, system)
        call.periods = (self.tally,)
        return await asyncio.wrap_future(self.session.start(call, settings))

    def _kept(self, node: Node, index: int) -> Part | None:
        """What the run that is resumed has for the prompt at `index`, if it was answered."""
        before = None if self.resume is None else self.resume.steps.get(node.step.id)
        if before is None or index >= len(before.parts):
            return None
        part = before.parts[index]
        return part if part.response is not None else None
