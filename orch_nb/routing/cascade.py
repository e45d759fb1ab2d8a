"""Which models a cascade asks: cheap drafts, and the strong one where they do not hold.

On published outcomes of 27 models, drafts that must agree keep the quality of the best single
model at about half its cost; ``tests/benchmarks/routing.py`` measures it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from orch_nb.routing.fitted_cascade import FittedCascade
from orch_nb.types import Request, TaskProfile
from orch_nb.types.decision import Cascade, Check

Column = NDArray[np.float64]

#: Drafts cost at most this much of the strong model: two of them then leave half of its cost.
CHEAP = 0.25
#: How often the strong model is asked after all, where nothing was measured: the best cheap model
#: and another one disagree on 18 to 57 %, median 27 %, of 1,032 questions of GSM8K and CRUXEval.
ESCALATION = 0.3
# What these kinds end with can be compared; of others, what is told to be this short.
_COMPARABLE = frozenset({"math", "reasoning"})
_SHORT = 24
# One draft is enough for a check that says whether an answer is right, and not only usual.
_ALONE: frozenset[Check] = frozenset({"function", "assertions", "schema", "arithmetic"})


def check_for(request: Request, profile: TaskProfile) -> Check:
    """How drafts for `request` are checked.

    The caller's own check, else the schema, else that two short answers agree, where the kind of
    task or the expected length (at most 24 tokens) promises such, else a second model's verdict.
    """
    if request.wants.checked:
        return request.wants.checked
    if request.schema is not None:
        return "schema"
    short = profile.output_tokens <= _SHORT and profile.kind != "code"
    return "agreement" if short or profile.kind in _COMPARABLE else "verifier"


def plan(
    models: Sequence[str],
    cost: Column,
    quality: Column,
    check: Check,
    *,
    verifier: str | None = None,
    fitted: FittedCascade | None = None,
    prompt: str = "",
) -> Cascade | None:
    """The cascade over `models`, with `cost` in dollars and `quality` in 0..1 in the same order.

    What was fitted decides where its models are there and answers are compared; it may say that
    agreement on `prompt` is not to be trusted. Else the strong model is the best, the first draft
    the best of those that cost at most a quarter of it, and the second the best of those from
    another vendor, whose errors are less alike, or failing that from the same. `verifier` takes
    the place of the second draft where ``check`` is "verifier".

    None where a cascade makes no sense: no draft is that much cheaper and less good than the
    strong model, prices are not known, or the strong model is better asked at once.
    """
    place = {model: row for row, model in enumerate(models)}
    if check == "agreement" and fitted is not None and place.keys() >= set(fitted.models):
        if not fitted.trusts(prompt):
            return None
        return _worthwhile(
            Cascade((fitted.first, fitted.second), fitted.strong, check, fitted.source),
            dict(zip(models, cost.tolist(), strict=True)),
            fitted.escalation,
        )
    known = ~np.isnan(cost) & ~np.isnan(quality)
    if not known.any():
        return None
    # Of equals the cheaper is taken, as `lexsort` puts it first.
    order = np.lexsort((cost, -quality))
    order = order[known[order]]
    strong = order[0]
    drafts = order[(cost[order] <= CHEAP * cost[strong]) & (quality[order] < quality[strong])]
    if not len(drafts):
        return None
    cascade = _from_tiers(models, drafts, int(strong), check, verifier)
    costs = dict(zip(models, cost.tolist(), strict=True))
    return None if cascade is None else _worthwhile(cascade, costs, ESCALATION)


def _from_tiers(
    models: Sequence[str],
    drafts: NDArray[np.intp],
    strong: int,
    check: Check,
    verifier: str | None,
) -> Cascade | None:
    first, others = models[drafts[0]], [models[row] for row in drafts[1:]]
    source = "cost and expected quality"
    if check in _ALONE:
        return Cascade((first,), models[strong], check, source)
    if check == "verifier" and verifier is not None:
        return Cascade((first, verifier), models[strong], check, source)
    foreign = next((model for model in others if vendor(model) != vendor(first)), None)
    second = foreign or next(iter(others), None)
    if second is None:
        return None
    return Cascade((first, second), models[strong], check, source)


def _worthwhile(cascade: Cascade, cost: Mapping[str, float], escalation: float) -> Cascade | None:
    """`cascade`, unless it is not expected to be cheaper than the strong model at once."""
    known = {model: dollars for model, dollars in cost.items() if not np.isnan(dollars)}
    if not known.keys() >= {*cascade.drafts, cascade.strong}:
        return None
    cheaper = expected_cost(cascade, known, escalation) < known[cascade.strong]
    return cascade if cheaper else None


def expected_cost(
    cascade: Cascade, cost: Mapping[str, float], escalation: float = ESCALATION
) -> float:
    """Dollars: all drafts, and the strong model in the share `escalation` of the calls.

    Raises `KeyError` for a model that has no `cost`.
    """
    return sum(cost[model] for model in cascade.drafts) + escalation * cost[cascade.strong]


def worst_cost(cascade: Cascade, cost: Mapping[str, float]) -> float:
    """Dollars if the drafts do not hold, which is what a limit on the cost is for."""
    return expected_cost(cascade, cost, 1.0)


def vendor(model: str) -> str:
    """What the name of a model begins with, which its vendor's others share: "gpt", "llama"."""
    name = model.partition(":")[2] or model
    leading = re.match(r"[a-z]+", name.rpartition("/")[2].lower())
    return leading[0] if leading else name
