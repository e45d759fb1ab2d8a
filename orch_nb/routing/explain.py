"""What would change a choice: the nearest models that are cheaper, quicker or better, or a weight.

"Nearest" is what gives up least: the cheaper or quicker model with the highest quality, the
cheapest of the better ones. So all of them are on the front of quality and cost, or time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from math import floor

from orch_nb.figures import dollars, seconds
from orch_nb.routing.weighing import flip
from orch_nb.types import Choice, Decision

# Choices are made when they are looked at, and there may be thousands.
_LOOKED_AT = 50
_SAID = 3
# What is worth a change. Chosen: a tenth of the cost or time; of quality what a mean with the
# weight of its prior is off by, see `orch_nb.routing.quality`.
_SHARE = 0.1
_STEP = 0.06
# Seconds, as they are shown.
_TENTH = 0.1
# A model that answers less often is no advice; the suggestions of a report draw the same line.
_RELIABLE = 0.9

_Figure = Callable[[Choice], float | None]


def explain(decision: Decision) -> tuple[str, ...]:
    """At most three sentences on what would have another model chosen, of the 50 that rank best.

    Of those with the quality that it says is enough, a model is the cheapest, or the quickest
    whose speed is known. Nothing is said where the caller, a pin or a cascade decided, nor of
    models that are no better in anything, or too little to matter.
    """
    if decision.source != "strategy" or decision.cascade is not None:
        return ()
    choices = list(islice(decision.ranking, _LOOKED_AT))
    picked = choices[0]
    cheapest, quickest = list(_front(choices, _cost)), list(_front(choices, _seconds))
    nearest = (
        next((c for c in cheapest if _is_less(_cost, c, picked)), None),
        next((c for c in quickest if _is_less(_seconds, c, picked)), None),
        next((c for c in reversed(cheapest) if _is_better(c, picked)), None),
    )
    others = dict.fromkeys(c.model for c in nearest if c is not None)
    by_model = {choice.model: choice for choice in choices}
    said = [_compare(by_model[model], picked) for model in others]
    complete = len(choices) == len(decision.ranking) + decision.omitted
    if change := flip(decision.strategy, decision.weights, choices, complete=complete):
        # Who set the weights wants to know this first.
        said.insert(0 if decision.strategy == "weighted" else len(said), change)
    return tuple(said[:_SAID])


def _front(choices: Sequence[Choice], figure: _Figure) -> Iterator[Choice]:
    """Those with the least `figure` of all that are as good, to two digits; the best first."""
    ranked = sorted(
        choices, key=lambda choice: (-choice.quality, choice.card.priority, choice.model)
    )
    for choice in ranked:
        enough = _rounded_down(choice.quality)
        rivals = [c for c in choices if c.quality >= enough and figure(c) is not None]
        least = min(rivals, key=lambda c: (figure(c), c.card.priority, c.model), default=None)
        if least is choice and _answers(choice):
            yield choice


def _compare(choice: Choice, picked: Choice) -> str:
    """What `choice` has over `picked`, and what is given up for it."""
    return f"{' and '.join(_gains(choice, picked))} with {choice.model}{_losses(choice, picked)}"


def _gains(choice: Choice, picked: Choice) -> Iterator[str]:
    if _is_less(_cost, choice, picked):
        share = 1 - (_cost(choice) or 0.0) / (_cost(picked) or 1.0)
        yield f"{floor(100 * share)} % cheaper" if _cost(choice) else "free"
    if _is_less(_seconds, choice, picked):
        yield f"{seconds((_seconds(picked) or 0.0) - (_seconds(choice) or 0.0))} faster"
    if _is_better(choice, picked):
        gained = choice.quality - picked.quality
        yield f"better by {gained:.2f} ({choice.quality:.2f} expected)"


def _losses(choice: Choice, picked: Choice) -> str:
    said = ""
    if not _is_known(choice):
        said = ", of whose quality nothing is known"
    elif not _is_known(picked) or choice.quality < picked.quality:
        said = f" if an expected quality ≥ {_rounded_down(choice.quality):.2f} is enough"
    cost, paid = choice.estimate.cost, picked.estimate.cost
    if paid is not None and cost is None:
        said += ", at an unknown price"
    elif paid is not None and cost is not None and dollars(cost) != dollars(paid) and cost > paid:
        said += f", for {dollars(cost - paid)} more a call"
    takes, took = choice.estimate.seconds, picked.estimate.seconds
    if took is not None and takes is None:
        said += ", at an unknown speed"
    elif took is not None and takes is not None and takes - took >= _TENTH:
        said += f", {seconds(takes - took)} slower"
    return said


def _is_less(figure: _Figure, choice: Choice, picked: Choice) -> bool:
    """Whether both figures are known and that of `choice` is noticeably less."""
    ours, theirs = figure(choice), figure(picked)
    if ours is None or theirs is None or theirs - ours < _SHARE * theirs or theirs <= ours:
        return False
    return figure is _cost or theirs - ours >= _TENTH


def _is_better(choice: Choice, picked: Choice) -> bool:
    known = _is_known(choice) and _is_known(picked)
    return known and _rounded_down(choice.quality) - picked.quality >= _STEP


def _is_known(choice: Choice) -> bool:
    return choice.sources.get("quality", "unknown") != "unknown"


def _answers(choice: Choice) -> bool:
    """Whether the model is expected to answer: its quality term counts failures as 0."""
    return choice.terms.get("quality", 0.0) >= _RELIABLE * choice.quality


def _cost(choice: Choice) -> float | None:
    return None if choice.estimate.cost is None else float(choice.estimate.cost)


def _seconds(choice: Choice) -> float | None:
    return choice.estimate.seconds


def _rounded_down(quality: float) -> float:
    """Two digits, as it is said; what is round but for the last bit of a float stays."""
    return floor(quality * 100 + 1e-9) / 100
