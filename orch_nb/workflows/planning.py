"""What an evaluation will ask, read and priced before anything is sent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Protocol, TypedDict, Unpack, cast

from orch_nb.errors import InputError, SelectionError
from orch_nb.invoke.call import Call
from orch_nb.invoke.compose import Options
from orch_nb.settings import Settings
from orch_nb.types import Decision, Effort, Observation, Response
from orch_nb.workflows.evaluation import Plan
from orch_nb.workflows.items import Item
from orch_nb.workflows.judging import judge_prompt

# Models that are compared where none are named.
_MODELS = 3
# A model that is named is asked for itself, whatever the session's strategy: one that spreads calls
# over instances would ask its namesakes at other providers.
_STRATEGY = "cost"


class Asker(Protocol):
    """What is needed of a session."""

    def compose(self, prompt: str, **options: Unpack[Options]) -> Call:
        """The call for `prompt`, with what the tools that it names bring along."""

    def start(self, call: Call, settings: Settings | None = None) -> Future[Response]:
        """Begin to answer `call`."""

    def select(self, prompt: str, **options: Unpack[Options]) -> Decision:
        """Rank the models without asking any."""

    def remember(self, observation: Observation) -> None:
        """Let `observation` count in later choices."""


class Asking(TypedDict, total=False):
    """What may be said about all prompts of an evaluation; see `orch_nb.Session.ask`."""

    system: str | None
    temperature: float | None
    max_tokens: int | None
    seed: int | None
    effort: Effort | None
    stream: bool | None


class Probing(TypedDict, total=False):
    """How much may be asked, and at once; see `orch_nb.Session.probe`."""

    n_jobs: int
    max_cost: float | None
    dry_run: bool
    on_plan: Callable[[Plan], object] | None


class Evaluating(Asking, Probing, total=False):
    """What may be said about an evaluation; see `orch_nb.Session.evaluate`."""

    check: Any
    judge: str | None
    task: str | None
    repeats: int


@dataclass(frozen=True, slots=True)
class Cell:
    """One answer to ask for; ``options`` are those of `orch_nb.Session.ask`."""

    place: int
    item: Item
    repeat: int
    model: str
    kind: str
    options: Options


def choose_models(session: Asker, items: Sequence[Item], judge: str | None) -> tuple[str, ...]:
    """The models that the session ranks first for the first prompt, without the judge."""
    ranking = session.select(items[0].prompt, task=items[0].task).ranking
    judging = None if judge is None else session.select("judge", model=judge).best.model
    found = (choice.model for choice in ranking[: _MODELS + 1])
    return tuple(model for model in found if model != judging)[:_MODELS]


def plan_cells(
    session: Asker,
    items: Sequence[Item],
    models: Sequence[str],
    *,
    judge: str | None,
    repeats: int,
    asking: Asking,
) -> tuple[Plan, list[Cell]]:
    """The plan and its cells, prompt by prompt; nothing is sent.

    Raises as `orch_nb.Session.select` does, `SelectionError` for a model that can answer none of
    the prompts; one that can answer only some has errors in the other rows. Raises `InputError`
    where the judge is among the models.
    """
    ids = tuple(dict.fromkeys(_identify(session, model, items, asking) for model in models))
    judging = None if judge is None else session.select("judge", model=judge).best.model
    if judging in ids:
        raise InputError(f"{judging} cannot judge its own answers; name another judge")
    cells: list[Cell] = []
    costs = _Costs()
    for place, item in enumerate(items):
        for model in ids:
            options = _options(model, item, asking)
            try:
                decision = session.select(item.prompt, **options)
            except SelectionError:
                cells += _repeat(Cell(place, item, 0, model, item.task or "", options), repeats)
                continue
            cells += _repeat(Cell(place, item, 0, model, decision.profile.kind, options), repeats)
            costs.add(model, decision.best.estimate.cost, repeats)
            if judging is not None:
                tokens = decision.profile.output_tokens
                costs.add_grading(judging, _grading(session, judging, item, tokens), repeats)
    plan = Plan(
        ids, len(items), repeats, judging, costs.total, costs.grading, tuple(costs.unpriced)
    )
    return plan, cells


@dataclass(slots=True)
class _Costs:
    """Dollars summed up; None as soon as a part is unknown."""

    total: Decimal | None = Decimal(0)
    grading: Decimal | None = Decimal(0)
    unpriced: dict[str, None] = field(default_factory=dict)

    def add(self, model: str, cost: Decimal | None, times: int) -> None:
        self.total = None if cost is None or self.total is None else self.total + times * cost
        if cost is None:
            self.unpriced[model] = None

    def add_grading(self, judge: str, cost: Decimal | None, times: int) -> None:
        self.add(judge, cost, times)
        if cost is None or self.grading is None:
            self.grading = None
        else:
            self.grading += times * cost


def _repeat(cell: Cell, times: int) -> list[Cell]:
    """The first answer may come from the cache; the others would be the same one."""
    others = cell.options.copy()
    others["cache"] = "bypass"
    return [cell, *(replace(cell, repeat=n, options=others) for n in range(1, times))]


def judge_options(judge: str, stream: bool | None = None) -> Options:
    """How a judge is asked."""
    return {"model": judge, "strategy": _STRATEGY, "task": "reasoning", "stream": stream}


def _options(model: str, item: Item, asking: Asking) -> Options:
    chosen: Options = {"model": model, "strategy": _STRATEGY, "task": item.task}
    if item.images:
        chosen["images"] = item.images
    return cast(Options, {**asking, **chosen})


def _identify(session: Asker, model: str, items: Sequence[Item], asking: Asking) -> str:
    """The id of `model`, by the first prompt that it may answer."""
    refusal: SelectionError | None = None
    for item in items:
        try:
            return session.select(item.prompt, **_options(model, item, asking)).best.model
        except SelectionError as error:
            refusal = refusal or error
    raise refusal or InputError("there are no items")


def _grading(session: Asker, judge: str, item: Item, tokens: int) -> Decimal | None:
    """What grading one answer of so many tokens is expected to cost."""
    prompt = judge_prompt(item.prompt, "word " * tokens, item.expected)
    return session.select(prompt, **judge_options(judge)).best.estimate.cost
