"""Prompts × models: every answer is asked for like any other, and graded by a check."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from random import Random
from typing import Any, Unpack

from orch_nb.errors import InputError, OrchError
from orch_nb.invoke.call import Call
from orch_nb.invoke.compose import Options
from orch_nb.invoke.loop import BackgroundLoop, Feed
from orch_nb.invoke.values import count, names
from orch_nb.types import Observation, Record, Response
from orch_nb.workflows.checks import Check, CheckFailed, read_check
from orch_nb.workflows.evaluation import Evaluation, EvaluationStopped, Plan
from orch_nb.workflows.items import Items, read_items
from orch_nb.workflows.judging import judge_prompt, read_grade
from orch_nb.workflows.limit import read_limit, refuse_above
from orch_nb.workflows.planning import (
    Asker,
    Asking,
    Cell,
    choose_models,
    judge_options,
    plan_cells,
)
from orch_nb.workflows.summary import Row
from orch_nb.workflows.voting import BlindEvaluation

_MOST = 1000  # at once, and repeats: more is a slip of the keyboard


def evaluate(
    session: Asker,
    items: Items,
    models: str | Sequence[str] | None = None,
    *,
    clock: Callable[[], float],
    random: Random,
    check: Any = None,
    judge: str | None = None,
    task: str | None = None,
    n_jobs: int = 4,
    repeats: int = 1,
    max_cost: float | None = None,
    dry_run: bool = False,
    on_plan: Callable[[Plan], object] | None = None,
    **asking: Unpack[Asking],
) -> Evaluation:
    """Ask `models` all `items`, and grade the answers; see `orch_nb.Session.evaluate`.

    `session` answers; `clock` gives seconds since the epoch, `random` shuffles what is voted on.
    """
    read = read_items(items, task)
    judge = judge and names("judge", judge)[0]
    checking = read_check(check, judge, read)
    n_jobs = count("n_jobs", n_jobs, least=1, most=_MOST) or 1
    repeats = count("repeats", repeats, least=1, most=_MOST) or 1
    if checking.name == "human" and repeats > 1:
        raise InputError("people vote on one answer of each model; leave repeats out")
    named = names("model", models) or choose_models(session, read, judge)
    plan, cells = plan_cells(session, read, named, judge=judge, repeats=repeats, asking=asking)
    limit, asked = read_limit("max_cost", max_cost), f"{plan.answers} answers"
    refuse_above(limit, plan.cost, asked, unpriced=plan.unpriced, fewer="fewer items")
    if on_plan is not None:
        on_plan(plan)
    rows: list[Row] = []
    if not dry_run:
        ended = _collect(
            session,
            cells,
            lambda done: rows.append(_grade(session, done, checking, clock)),
            judge=plan.judge,
            n_jobs=n_jobs,
        )
        if not ended or len(rows) < len(cells):
            raise EvaluationStopped(Evaluation(plan, checking.name, rows))
    if checking.name == "human":
        return BlindEvaluation(plan, rows, remember=session.remember, clock=clock, random=random)
    return Evaluation(plan, checking.name, rows)


@dataclass(frozen=True, slots=True)
class _Done:
    """One answer, and a judge's on it; ``error`` is that of whichever failed.

    ``asked`` and ``judged`` are what the ledger has of the two, None where nothing was tried.
    """

    cell: Cell
    response: Response | None
    verdict: Response | None
    error: str | None
    asked: Record | None
    judged: Record | None


def _collect(
    session: Asker,
    cells: Sequence[Cell],
    take: Callable[[_Done], None],
    *,
    judge: str | None,
    n_jobs: int,
) -> bool:
    """Have `take` called in this thread with what comes of each cell, `n_jobs` of them at a time.

    False says that the user stopped it; what had arrived by then was taken. Where the session was
    closed meanwhile, less is taken.
    """
    feed = Feed(take)
    waiting = iter(cells)

    async def work() -> None:
        for cell in waiting:
            feed.put(await _ask(session, cell, judge))

    async def work_all() -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(n_jobs):
                group.create_task(work())

    loop = BackgroundLoop("orch_nb evaluation")
    try:
        loop.run(work_all, feed)
    except KeyboardInterrupt:
        return False
    finally:
        loop.close()
    return True


async def _ask(session: Asker, cell: Cell, judge: str | None) -> _Done:
    calls: list[Call] = []
    response, verdict, error = None, None, None

    async def ask(prompt: str, options: Options) -> Response:
        calls.append(session.compose(prompt, **options))
        return await asyncio.wrap_future(session.start(calls[-1]))

    try:
        response = await ask(cell.item.prompt, cell.options)
        if judge is not None:
            prompt = judge_prompt(cell.item.prompt, response.text, cell.item.expected)
            verdict = await ask(prompt, judge_options(judge, cell.options.get("stream")))
    except OrchError as failure:
        error = str(failure)
    asked, judged, *_ = [*(call.recorded for call in calls), None, None]
    return _Done(cell, response, verdict, error, asked, judged)


def _grade(session: Asker, done: _Done, check: Check, clock: Callable[[], float]) -> Row:
    """The row of an answer; its quality counts in later choices."""
    cell, response, verdict = done.cell, done.response, done.verdict
    quality, error = None, done.error
    if response is not None and check.grade is not None:
        try:
            quality = check.grade(response.text, cell.item.expected)
        except CheckFailed as failure:
            error = str(failure)
    elif verdict is not None:
        quality = read_grade(verdict.text)
        error = error if quality is not None else f"{verdict.model} gave no grade"
    row = Row(
        cell.place,
        cell.repeat,
        cell.item.prompt,
        cell.item.expected,
        cell.model,
        cell.kind,
        quality=quality,
        error=error,
        billed=Decimal(0) if done.asked is None else done.asked.paid,
        judge_cost=Decimal(0) if done.judged is None else done.judged.paid,
        replayed=done.asked is not None and done.asked.replayed,
    )
    if response is None:
        return row
    # The same answer graded again, as every "Run All" does, is no second observation.
    counts = not (response.simulated or response.cached or response.replayed)
    if quality is not None and counts:
        session.remember(Observation(clock(), cell.model, cell.kind, "evaluation", quality=quality))
    return replace(
        row,
        text=response.text,
        cost=response.cost,
        seconds=response.seconds,
        cached=response.cached,
    )
