"""What a batch is expected to cost, and whether that is wanted."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from orch_nb.errors import InputError
from orch_nb.figures import count, dollars, seconds
from orch_nb.invoke.compose import Options
from orch_nb.workflows.batch.rows import Prompts
from orch_nb.workflows.limit import refuse_above
from orch_nb.workflows.planning import Asker

# Rows that are priced, evenly spread: all of them would take longer than a person wants to wait.
# Chosen.
_SAMPLE = 40


@dataclass(frozen=True, slots=True)
class BatchPlan:
    """What is expected of a batch, by the `sampled` of its rows that were ranked.

    ``cost`` is in dollars, None where a price is unknown; what is in the cache costs nothing, and
    is not taken off. ``seconds`` are until the end. ``models`` are those that would be asked, the
    most frequent first, ``unpriced`` those of them whose price is unknown.
    """

    rows: int
    sampled: int
    models: tuple[str, ...]
    unpriced: tuple[str, ...]
    cost: Decimal | None
    seconds: float | None

    def __str__(self) -> str:
        models = ", ".join(self.models[:3]) + (" …" if len(self.models) > 3 else "")
        said = [count(self.rows, "prompt"), models, f"about {dollars(self.cost)} in all"]
        if self.cost is None:
            said[-1] = "the cost is unknown"
        if self.seconds is not None:
            said.append(f"about {seconds(self.seconds)}")
        return " · ".join(said) + ", less what is cached"


def plan_batch(session: Asker, prompts: Prompts, n_jobs: int, options: Options) -> BatchPlan:
    """Rank the models for some of the rows; nothing is sent.

    Raises as `orch_nb.Session.select` does, for the first row that has a prompt.
    """
    total = prompts.rows.count
    places = range(0, total, max(1, total // _SAMPLE))
    models: Counter[str] = Counter()
    unpriced: dict[str, None] = {}
    costs: list[Decimal | None] = []
    times: list[float | None] = []
    for place in places:
        try:
            prompt = prompts[place]
        except InputError:
            continue
        if not prompt.strip():
            continue
        best = session.select(prompt, **options).best
        models[best.model] += 1
        if best.estimate.cost is None:
            unpriced[best.model] = None
        costs.append(best.estimate.cost)
        times.append(best.estimate.seconds)
    asked = len(costs)
    known = [cost for cost in costs if cost is not None]
    spans = [time for time in times if time is not None]
    return BatchPlan(
        total,
        asked,
        tuple(model for model, _ in models.most_common()),
        tuple(unpriced),
        sum(known, Decimal(0)) * total / asked if known and len(known) == asked else None,
        sum(spans) / asked * total / min(n_jobs, total) if spans and len(spans) == asked else None,
    )


def agree(
    plan: BatchPlan,
    max_cost: Decimal | None,
    ask_above: Decimal | None,
    confirm: Callable[[str], bool] | None,
) -> bool:
    """Whether the batch is to be asked, by the limits or by asking a person.

    Raises `InputError` where it is more than `max_cost`, or nobody is there to ask.
    """
    if not plan.sampled:
        return True
    refuse_above(
        max_cost, plan.cost, count(plan.rows, "prompt"), unpriced=plan.unpriced, fewer="fewer rows"
    )
    if max_cost is not None:
        return True
    if ask_above is None or (plan.cost is not None and plan.cost <= ask_above):
        return True
    return (confirm or _ask_person)(str(plan))


def _ask_person(said: str) -> bool:
    unattended = InputError(
        f"{said}: nobody is here to say yes; give max_cost, the dollars that it may be expected "
        "to cost, or ask_above=None"
    )
    if "ipykernel" not in sys.modules and not sys.stdin.isatty():
        raise unattended
    try:
        answer = input(f"{said}. Ask them? [y/N] ")
    except (EOFError, RuntimeError, OSError):  # a kernel that may not ask raises a RuntimeError
        raise unattended from None
    return answer.strip().lower() in ("y", "yes")
