"""Models × capabilities: every probe is an evaluation's item, and counts in later choices."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from orch_nb.errors import UnknownNameError
from orch_nb.figures import columns, dollars
from orch_nb.invoke.values import names
from orch_nb.sanitize import one_line
from orch_nb.workflows.evaluation import Evaluation
from orch_nb.workflows.probes.probes import KINDS, Probe, probes

if TYPE_CHECKING:
    from orch_nb.routing.gain import Interval

Evaluate = Callable[..., Evaluation]


@dataclass(frozen=True, slots=True)
class Ability:
    """How one model did in one capability.

    ``score`` is the share of its ``count`` probes that it passed, with the 95 % interval; None
    where it answered none. ``why`` is the first error.
    """

    capability: str
    model: str
    score: Interval | None
    count: int
    why: str = ""


@dataclass(frozen=True, slots=True)
class Detection:
    """What was tried, and what came of it. ``at`` is seconds since the epoch."""

    abilities: tuple[Ability, ...]
    evaluation: Evaluation
    at: float

    @property
    def billed(self) -> Decimal | None:
        """Dollars that it added to the bill; None where a part is unknown."""
        return self.evaluation.billed

    def to_records(self) -> list[dict[str, object]]:
        """One row a capability and model, with the interval as ``low`` and ``high``."""
        return [
            {
                "capability": one.capability,
                "kind": KINDS[one.capability],
                "model": one.model,
                "score": None if one.score is None else one.score.mean,
                "low": None if one.score is None else one.score.low,
                "high": None if one.score is None else one.score.high,
                "count": one.count,
                "at": self.at,
                "error": one.why or None,
            }
            for one in self.abilities
        ]

    def cells(self) -> list[list[str]]:
        """One row a capability, one column a model, as people read it, under a head."""
        models = list(dict.fromkeys(one.model for one in self.abilities))
        by_place = {(one.capability, one.model): one for one in self.abilities}
        capabilities = list(dict.fromkeys(one.capability for one in self.abilities))
        rows = [[name, *(_cell(by_place[name, m]) for m in models)] for name in capabilities]
        return [["capability", *models], *rows]

    @property
    def notes(self) -> tuple[str, ...]:
        """Lines to stand below the table."""
        said = [f"share passed, with 95 % interval · billed {dollars(self.evaluation.paid)}"]
        said += [f"{one.model}, {one.capability}: {one.why}" for one in self.abilities if one.why]
        return tuple(said[:6])

    def __str__(self) -> str:
        lines = columns([[one_line(cell, 60) for cell in row] for row in self.cells()])
        return "\n".join((*lines, *(one_line(note, 300) for note in self.notes)))


def detect(
    evaluate: Evaluate,
    models: str | Sequence[str] | None,
    capabilities: str | Sequence[str] | None,
    *,
    clock: Callable[[], float],
    **options: Any,
) -> Detection:
    """Probe `models` by `evaluate`; see `orch_nb.Session.probe`."""
    wanted = names("capability", capabilities) or tuple(KINDS)
    for name in wanted:
        if name not in KINDS:
            raise UnknownNameError("capability", name, KINDS)
    tried = [(name, probe) for name in dict.fromkeys(wanted) for probe in probes()[name]]
    items = [_item(name, probe) for name, probe in tried]
    made = evaluate(items, models, check=_passes, **options)
    return Detection(_abilities(made, [name for name, _ in tried]), made, clock())


def _item(capability: str, probe: Probe) -> Mapping[str, object]:
    return {
        "prompt": probe.prompt,
        "expected": probe,
        "task": KINDS[capability],
        "images": probe.images,
    }


def _passes(text: str, expected: object) -> bool:
    assert isinstance(expected, Probe)
    return expected.passes(text)


def _abilities(made: Evaluation, capability_of: Sequence[str]) -> tuple[Ability, ...]:
    import numpy as np  # noqa: PLC0415 - slow to import

    from orch_nb.routing.gain import share_interval  # noqa: PLC0415

    found = []
    for name in dict.fromkeys(capability_of):
        for model in made.plan.models:
            rows = [r for r in made.rows if r.model == model and capability_of[r.item] == name]
            grades = [row.quality for row in rows if row.quality is not None]
            score = share_interval(np.array(grades)) if grades else None
            why = next((row.error for row in rows if row.error), "")
            found.append(Ability(name, model, score, len(grades), why))
    return tuple(found)


def _cell(one: Ability) -> str:
    if one.score is None:
        return "—"
    return f"{one.score.mean:.0%} ({one.score.low:.0%} to {one.score.high:.0%})"
