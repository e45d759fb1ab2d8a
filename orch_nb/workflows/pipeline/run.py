"""Steps side by side as far as they need each other; what fails, skips or stops loses nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import Future, wait
from contextlib import suppress
from dataclasses import dataclass, field

from orch_nb.errors import AllFailed, OrchError, ProviderError, TemplateError
from orch_nb.invoke.call import Call
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
from orch_nb.workflows.pipeline.recorded_times import recorded_times
from orch_nb.workflows.pipeline.scope import scope_of
from orch_nb.workflows.pipeline.step_run import Prompt, StepRun

# How often a step with ``on_error: retry`` is asked in all, each with the retries of a call.
# Chosen.
_TIMES = 3
# Seconds that stopped calls have to close their connections and settle their money. Chosen.
_GRACE = 1.0


@dataclass(frozen=True, slots=True)
class Progress:
    """A step has begun, or has come to its end: then there is its ``result``."""

    step: str
    result: StepResult | None = None


Watch = Callable[[Progress], object]


class _Stopped(Exception):
    """Another thread stopped the calls of the session, or closed it."""


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
    except (KeyboardInterrupt, _Stopped):
        with suppress(KeyboardInterrupt):  # pressed again
            wait(tuple(work.under_way), timeout=_GRACE)
        raise PipelineStopped(work.made(), len(graph.nodes)) from None
    finally:
        loop.close()
    made = work.made()
    if work.failed:
        raise PipelineFailed(made, made.steps[work.failed])
    return made


@dataclass(slots=True, eq=False)
class _Work:
    """One run on its way. ``failed`` is the step that ends it, after which nothing is begun."""

    session: Runner
    graph: Graph
    inputs: Mapping[str, object]
    clock: Callable[[], float]
    resume: Run | None
    feed: Feed[Progress] | None
    results: dict[str, StepResult] = field(default_factory=dict)
    outputs: dict[str, object] = field(default_factory=dict)
    begun: dict[str, StepRun] = field(default_factory=dict)
    under_way: set[Future[Response]] = field(default_factory=set)
    failed: str = ""
    tally: Tally = field(default_factory=lambda: Tally("pipeline"))
    turns: asyncio.Semaphore = field(init=False)
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
            self.outputs[node.step.id] = result.output
            self._tell(Progress(node.step.id, result))
            if result.status == "failed":
                self._fail(node)
            over[node.step.id].set()

        try:
            async with asyncio.TaskGroup() as group:
                for node in self.graph.nodes.values():
                    group.create_task(follow(node))
        except BaseExceptionGroup as several:
            raise _first(several) from None

    def made(self) -> Run:
        """What there is, in the order of the steps, with the outputs that can be filled."""
        now = self.clock()
        found = {name: begun.result(now) for name, begun in self.begun.items()} | self.results
        steps = {name: found[name] for name in self.graph.nodes if name in found}
        if self.session.settings.mode != "live":
            steps = recorded_times(self.graph, steps)
        outputs: dict[str, str] = {}
        unfilled: dict[str, str] = {}
        scope = self._scope()
        for name, template in self.graph.outputs.items():
            try:
                outputs[name] = template.fill(scope, whole=True)
            except TemplateError as error:
                unfilled[name] = str(error)
        return Run(self.graph.spec.name, steps, outputs, unfilled)

    def _on_error(self, node: Node) -> str:
        return node.step.on_error or self.graph.spec.on_error

    def _fail(self, node: Node) -> None:
        if self._on_error(node) != "skip":
            self.failed = self.failed or node.step.id

    def _tell(self, progress: Progress) -> None:
        if self.feed is not None:
            self.feed.put(progress)

    def _scope(self) -> dict[str, object]:
        return scope_of(self.inputs, self.outputs)

    async def _step(self, node: Node) -> StepResult:
        name, started = node.step.id, self.clock()
        many = node.each is not None
        try:
            if why := self._skipped(node):
                return StepResult(name, "skipped", many=many, why=why)
            asking = asking_of(self.session, self.graph.spec, node)
            begun = StepRun(name, asking.named, many, started, started - self.started)
            self.begun[name] = begun
            self._tell(Progress(name))
            await self._ask(node, asking, begun)
        except OrchError as error:  # an expression, or what it gave
            return StepResult(name, "failed", many=many, why=str(error))
        return begun.result(self.clock(), self._ended)

    @property
    def _ended(self) -> str:
        return f"step {self.failed} failed"

    def _skipped(self, node: Node) -> str:
        """Why the step does not run, "" if it does."""
        if self.failed:
            return self._ended
        if node.when is not None:
            return "" if node.when.value(self._scope()) else "its condition does not hold"
        after = (name for name in self.graph.nodes if name in node.after)
        missing = [name for name in after if self.results[name].status != "done"]
        return f"{missing[0]} was {self.results[missing[0]].status}" if missing else ""

    async def _ask(self, node: Node, asking: Asking, begun: StepRun) -> None:
        """Write all prompts of the step before the first is asked, and ask them."""
        scope = self._scope()
        settings = self.session.changed(**asking.changes)
        scopes = [scope]
        if node.each is not None:
            found = node.each.value(scope) if isinstance(node.each, Expression) else node.each
            items = items_of(self.graph, node, found)
            scopes = [scope | {"item": item, "index": n} for n, item in enumerate(items)]
        prompts = begun.prompts = [self._prompt(node, asking, n, s) for n, s in enumerate(scopes)]
        if any(prompt.error is not None for prompt in prompts):
            self._fail(node)
        turns = asyncio.Semaphore(node.step.max_parallel)

        async def ask(prompt: Prompt) -> None:
            async with turns, self.turns:
                if not self.failed:
                    await self._answer(node, asking, settings, prompt)

        async with asyncio.TaskGroup() as group:
            for prompt in prompts:
                if prompt.response is None and prompt.error is None:
                    group.create_task(ask(prompt))

    def _prompt(self, node: Node, asking: Asking, index: int, scope: dict[str, object]) -> Prompt:
        """The prompt at `index`, with its answer where the run that is resumed has it."""
        try:
            system = None if node.system is None else node.system.fill(scope, whole=True)
            text = node.prompt.fill(scope, whole=True)
            request = asking.call(text, system).request
        except OrchError as error:
            return Prompt(error=error)
        kept = self._kept(node, index)
        if kept is not None and kept.request == request:
            return Prompt(text, system, request, kept.response, kept=True)
        return Prompt(text, system, request)

    async def _answer(self, node: Node, asking: Asking, settings: Settings, prompt: Prompt) -> None:
        """Ask `prompt` as often, and whom, as the step says for when it fails."""
        on_error = self._on_error(node)
        error: OrchError | None = None
        for _ in range(_TIMES if on_error == "retry" else 1):
            error = await self._try(asking, settings, prompt)
            if not _may_pass(error):
                break
        if error is not None and on_error == "fallback":
            others = asking.others()
            error = await self._try(others, self.session.changed(**others.changes), prompt)
        if error is not None:
            prompt.error = error
            self._fail(node)

    async def _try(self, asking: Asking, settings: Settings, prompt: Prompt) -> OrchError | None:
        """Ask `prompt` once; None says that its response is there."""
        try:
            call = asking.call(prompt.text, prompt.system)
            call.periods = (self.tally,)
            prompt.calls.append(call)
            prompt.response = await self._called(call, settings)
        except OrchError as error:
            return error
        return None

    async def _called(self, call: Call, settings: Settings) -> Response:
        future = self.session.start(call, settings)
        self.under_way.add(future)
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            raise _Stopped from None
        finally:
            if not future.cancelled():  # then it has still to settle
                self.under_way.discard(future)

    def _kept(self, node: Node, index: int) -> Part | None:
        """What the run that is resumed has for the prompt at `index`, if it was answered."""
        before = None if self.resume is None else self.resume.steps.get(node.step.id)
        if before is None or index >= len(before.parts):
            return None
        part = before.parts[index]
        return part if part.response is not None else None


def _may_pass(error: OrchError | None) -> bool:
    """Whether asking the same again may help."""
    return isinstance(error, AllFailed) or (isinstance(error, ProviderError) and error.retryable)


def _first(several: BaseException) -> BaseException:
    """The error that ended a group of tasks, and groups within it."""
    while isinstance(several, BaseExceptionGroup):
        several = several.exceptions[0]
    return several
