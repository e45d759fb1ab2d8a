"""How much cost, quality and speed count, and what that means for the last prompts."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from typing import Any, ClassVar

from orch_nb import settings
from orch_nb.listeners import Change
from orch_nb.notebook import render, tables
from orch_nb.notebook.tables import QUIET, Bundle
from orch_nb.panels.controls import Controls, offer, show_if
from orch_nb.panels.panel import Panel, panel
from orch_nb.panels.presets import BUILT_IN, Preset, Presets
from orch_nb.panels.what_if import Said, WhatIf, cells, compare, last_requests, saving
from orch_nb.sanitize import one_line
from orch_nb.session import Session
from orch_nb.settings import user_home
from orch_nb.types import Request

TERMS = {
    "cost": "how much a low price counts",
    "quality": "how much the expected quality counts",
    "speed": "how much a quick answer counts",
}
# Digits of a weight that a slider gives: a percent has two.
_DIGITS = 4
_EVEN = settings.Weights()
# Prompts in the still form, which every saved panel has. Chosen: half of those of the live one.
_STILL = 10
_NO_PRESET = "—"
_HOW = "`%orch_select --strategy weighted --weights cost=6,quality=3,speed=1` changes them"


@panel("weights")
class Weights(Panel):
    """Strategy, weights and presets; below them the last prompts, ranked anew at once."""

    listens: ClassVar[frozenset[Change]] = frozenset({"settings", "calls", "models", "experience"})

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._presets = Presets(user_home(os.environ))
        self._before: Preset = _current(session)
        self._ranked: tuple[object, list[Request], list[Said]] | None = None

    def still(self) -> Bundle:
        """The weights, and who would be asked now."""
        requests = last_requests(self.session.ledger)[:_STILL]
        said = self.session.preview(requests)
        changes = compare(requests, said, said)
        shares = percents(asdict(self.session.weights))
        weights = ", ".join(f"{term} {share} %" for term, share in shares.items())
        line = f"strategy {self.session.strategy} · weights {weights}"
        if not weighs(self.session.strategy):
            line += f" ({self.session.strategy} does not use them)"
        head, *rows = [[row[0], row[2], *row[3:]] for row in cells(changes)]
        head[1] = "would be asked"
        return tables.table(head, rows, f"{line}; {_HOW}")

    def build(self, controls: Controls) -> Sequence[Any]:
        """Sliders, presets and the ranking."""
        self._strategy = controls.dropdown("strategy", "how a model is chosen", self._choose)
        self._sliders = {
            term: controls.slider(term, tip, partial(self._weigh, term))
            for term, tip in TERMS.items()
        }
        self._note = controls.html(layout="fit")
        self._offer = controls.button(
            "Use weighted", "choose by these weights from now on", self._use_weighted
        )
        self._preset = controls.dropdown("preset", "a strategy with its weights", self._load)
        self._name = controls.text("save as", "a name for a preset", _nothing, hint="my preset")
        save = controls.button("Save", "keep strategy and weights under this name", self._save)
        self._remove = controls.button("Remove", "forget the preset of this name", self._forget)
        reset = controls.button("Reset", "back to what the column before is ranked by", self._reset)
        mark = controls.button(
            "Compare from here", "take what is set now for the column before", self._compare
        )
        self._table = controls.html()
        return (
            controls.row(self._strategy, self._preset),
            *self._sliders.values(),
            controls.row(self._note, self._offer),
            controls.row(self._name, save, self._remove, reset, mark),
            self._table,
        )

    def refresh(self) -> None:
        """Take over strategy and weights, and rank the last prompts."""
        session, now = self.session, _current(self.session)
        offer(self._strategy, _strategies(session.strategy), session.strategy)
        for term, share in percents(now.weights).items():
            self._sliders[term].value = share / 100
        presets = dict(self._presets)
        set_to = next((name for name, preset in presets.items() if _same(preset, now)), _NO_PRESET)
        offer(self._preset, [_NO_PRESET, *presets], set_to)
        idle = not weighs(session.strategy)
        said = f"{session.strategy} does not use the weights; weighted and adaptive do"
        self._note.value = _quiet(said) if idle else ""
        show_if(self._offer, idle)
        show_if(self._remove, any(name not in BUILT_IN for name in presets))
        changes = self._changes()
        rows = [[one_line(cell) for cell in row] for row in cells(changes)]
        flips = [i for i, change in enumerate(changes) if change.flipped]
        self._table.value = _quiet(saving(changes)) + (
            tables.light(tables.html(rows, flips)) if changes else ""
        )

    def _changes(self) -> list[WhatIf]:
        """The last prompts as they would go before, and now."""
        session, before = self.session, self._before
        # A slider moves often, and leaves what was before as it is.
        settled = replace(session.settings, strategy=before.strategy, weights=_EVEN)
        seen = (len(session.ledger), session.catalog.cards(), session.experience.tracks())
        if self._ranked is None or self._ranked[0] != (before, settled, *seen):
            requests = last_requests(session.ledger)
            said = session.preview(requests, strategy=before.strategy, weights=before.weights)
            self._ranked = ((before, settled, *seen), requests, said)
        _, requests, said = self._ranked
        return compare(requests, said, session.preview(requests))

    def _choose(self, strategy: str) -> None:
        self.session.change(strategy=strategy)

    def _use_weighted(self) -> None:
        self.session.change(strategy="weighted")

    def _weigh(self, term: str, share: float) -> None:
        now = asdict(self.session.weights)
        if round(100 * share) != percents(now)[term]:  # a front end may say what it was told
            self.session.change(weights=moved(now, term, share))

    def _load(self, name: str) -> None:
        if name != _NO_PRESET:
            self._set(self._presets[name])

    def _save(self) -> None:
        self._presets.save(self._name.value, _current(self.session))
        self._name.value = ""

    def _forget(self) -> None:
        self._presets.remove(self._name.value or str(self._preset.value))

    def _reset(self) -> None:
        self._set(self._before)

    def _compare(self) -> None:
        self._before = _current(self.session)

    def _set(self, preset: Preset) -> None:
        self.session.change(strategy=preset.strategy, weights=dict(preset.weights))


def weighs(strategy: str) -> bool:
    """Whether the weights count for `strategy`, or a part of it."""
    from orch_nb.routing.strategies import canonical, chain, weights_in  # noqa: PLC0415 - numpy

    parts = chain(canonical(strategy))
    return any(weights_in(part, {"cost": 1.0}) for part in parts if part != "balanced")


def normalised(weights: Mapping[str, float]) -> dict[str, float]:
    """`weights`, of which one at least is greater than 0, as shares of 1."""
    most = max(weights.values())  # by the largest first: a sum of huge numbers is infinite
    total = sum(weight / most for weight in weights.values())
    return {term: round(weight / most / total, _DIGITS) for term, weight in weights.items()}


def percents(weights: Mapping[str, float]) -> dict[str, int]:
    """`weights` in whole percent of their sum, which together are 100."""
    exact = {term: 100 * share for term, share in normalised(weights).items()}
    whole = {term: int(share) for term, share in exact.items()}
    by_rest = sorted(exact, key=lambda term: whole[term] - exact[term])
    for term in by_rest[: 100 - sum(whole.values())]:
        whole[term] += 1
    return whole


def moved(weights: Mapping[str, float], term: str, share: float) -> dict[str, float]:
    """`weights` as shares of 1, of which `term` has `share`; the others keep their proportion."""
    before = normalised(weights)
    rest = {name: weight for name, weight in before.items() if name != term}
    total = sum(rest.values())
    for name, weight in rest.items():
        part = weight / total if total else 1 / len(rest)
        before[name] = round((1 - share) * part, _DIGITS)
    return before | {term: round(share, _DIGITS)}


def _current(session: Session) -> Preset:
    return Preset(session.strategy, asdict(session.weights))


def _same(preset: Preset, now: Preset) -> bool:
    if preset.strategy != now.strategy:
        return False
    return not weighs(now.strategy) or normalised(preset.weights) == normalised(now.weights)


def _strategies(current: str) -> list[str]:
    """All names of strategies, and `current`, which may be an alias or a chain."""
    from orch_nb.routing.strategies import strategy_names  # noqa: PLC0415 - imports numpy

    return list(dict.fromkeys((*strategy_names(), current)))


def _quiet(said: str) -> str:
    return f"<div {QUIET}>{render.escape(said)}</div>"


def _nothing(_: str) -> None:
    """What is written is read when a button is pressed."""
