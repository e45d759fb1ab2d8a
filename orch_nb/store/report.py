"""The session's models side by side, and what there is to do better."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from decimal import Decimal

from orch_nb.figures import columns, dollars, seconds
from orch_nb.sanitize import one_line
from orch_nb.store.account import Spend, payments
from orch_nb.store.call_figures import of_record
from orch_nb.store.overview import ModelStats, Overview
from orch_nb.store.reckoning import ModelSums, Reckoning
from orch_nb.store.suggestions import ANSWERS, CALLS, Suggestion, percent, suggest, suggest_reuse
from orch_nb.types import Record, Track


@dataclass(frozen=True, slots=True)
class Graded:
    """What is known of how good a model is, in 0..1, and what a call of it cost here on average.

    ``weight`` is how many ratings, votes and evaluations are behind it, of this session and
    others, the older ones for less. ``cost`` is in dollars, None where nothing was paid for.
    """

    model: str
    quality: float
    weight: float
    cost: Decimal | None


@dataclass(frozen=True, slots=True)
class Report:
    """What the models of a session did and cost, and suggestions.

    ``answers`` are those that the cache was asked for, ``hits`` those of them that it had.
    ``overview`` has the numbers of the charts, ``graded`` the models whose quality is known.
    ``spent`` is what was billed. Replayed calls count as they were recorded in all else;
    ``replayed`` is what they were billed then, and are not now.
    """

    models: tuple[ModelStats, ...]
    spent: Spend
    answers: int
    hits: int
    suggestions: tuple[Suggestion, ...]
    overview: Overview
    graded: tuple[Graded, ...] = ()
    replayed: Decimal = Decimal(0)

    @classmethod
    def of(cls, records: Iterable[Record], tracks: Mapping[str, Track] | None = None) -> Report:
        """The report on `records`, such as a part of a ledger; `tracks` say how good models are."""
        books = Books()
        for record in records:
            books.add(record)
        return books.report(tracks or {})

    def rows(self) -> list[dict[str, object]]:
        """One row a model: dollars as Decimal, times in seconds, fractions; None is unknown."""
        return [asdict(stats) for stats in self.models]

    def cells(self) -> list[list[str]]:
        """The same as people read it, under a head, and above a row of totals."""
        head = ["model", "calls", "success", "p50", "p95", "mean", "paid", "per call", "cached"]
        calls, cached = sum(m.calls for m in self.models), sum(m.cached for m in self.models)
        total = ["total", str(calls), "", "", "", "", dollars(self.overview.spent.total), ""]
        return [
            [*head, "hit rate"],
            *(_cells(stats) for stats in self.models),
            [*total, str(cached), percent(self.hits / self.answers if self.answers else None)],
        ]

    @property
    def notes(self) -> tuple[str, ...]:
        """Lines to stand below the table: what is not in the sums, and the suggestions."""
        notes = [suggestion.text for suggestion in self.suggestions]
        if not notes:
            notes = [f"no suggestions; they need {CALLS} calls of a model, or {ANSWERS} answers"]
        spent = self.overview.spent
        if spent.unknown_calls:
            most = f", up to {dollars(spent.unknown)}" if spent.unknown else ""
            notes.insert(0, f"calls of unknown cost, in no sum: {spent.unknown_calls}{most}")
        return (*([self.unbilled] if self.unbilled else []), *notes)

    @property
    def unbilled(self) -> str:
        """The line on what is replayed, "" if nothing is."""
        said = f"replayed, not billed: {dollars(self.replayed)} when it was recorded"
        return said if self.replayed else ""

    def __str__(self) -> str:
        lines = columns([[one_line(cell, 80) for cell in row] for row in self.cells()])
        return "\n".join((*lines, *(one_line(note, 600) for note in self.notes)))


class Books:
    """The sums of a report, record by record. To be used by one thread at a time."""

    def __init__(self) -> None:
        self._reckoning, self._billed = Reckoning(), ModelSums()
        self._kinds: defaultdict[str, ModelSums] = defaultdict(ModelSums)
        #: What all records were billed.
        self.spent = Spend()
        self._answers = self._hits = 0
        self._replayed = Decimal(0)

    def add(self, record: Record) -> None:
        """Count `record`."""
        told, response = of_record(record), record.response
        replayed = record.replayed or (response is not None and response.replayed)
        paid = payments(record) if replayed else told.payments
        self._reckoning.add(told)
        if told.kind is not None:
            self._kinds[told.kind].add(told)
        self._billed.add(replace(told, payments=paid) if replayed else told)
        self.spent = self.spent.after(paid)
        if response is not None and record.request.wants.cache == "use":
            self._answers += 1
            self._hits += response.cached
        if response is not None and response.replayed:
            self._replayed += response.paid or 0

    def by_model(self) -> dict[str, ModelStats]:
        """What each model did and was billed, in the order in which they first appeared."""
        return self._billed.stats()

    def report(self, tracks: Mapping[str, Track]) -> Report:
        """What all of it comes to so far, and what `tracks` say of the models."""
        overview = self._reckoning.sum_up()
        models = tuple(one.stats for one in overview.models)
        by_kind = {kind: sums.stats() for kind, sums in self._kinds.items()}
        suggestions = (*suggest(models, by_kind), *suggest_reuse(self._answers, self._hits))
        graded = tuple(_graded(models, tracks))
        hits, replayed = (self._answers, self._hits), self._replayed
        return Report(models, self.spent, *hits, suggestions, overview, graded, replayed)


def _graded(models: Iterable[ModelStats], tracks: Mapping[str, Track]) -> Iterator[Graded]:
    for stats in models:
        scores = tracks[stats.model].quality.values() if stats.model in tracks else ()
        weight = sum(score.weight for score in scores)
        if weight > 0:
            quality = sum(score.weight * score.mean for score in scores) / weight
            yield Graded(stats.model, min(quality, 1.0), weight, stats.cost_per_call)


def _cells(stats: ModelStats) -> list[str]:
    return [
        stats.model,
        str(stats.calls),
        percent(stats.success),
        seconds(stats.seconds),
        seconds(stats.p95),
        seconds(stats.mean),
        dollars(stats.cost),
        dollars(stats.cost_per_call),
        str(stats.cached),
        percent(stats.hit_rate),
    ]
