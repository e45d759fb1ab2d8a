"""From a request to a decision: learn which models there are, then take who was named or rank."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import lru_cache

import numpy as np

from orch_nb.errors import InputError, SelectionError, TimedOut, UnknownNameError
from orch_nb.providers._memory import memory_for_models
from orch_nb.registry.catalog import Catalog
from orch_nb.routing.analyse import Given, profile_of
from orch_nb.routing.estimates import Seen, seen_of
from orch_nb.routing.experts import Pin, check_pin, expert_for
from orch_nb.routing.filters import Purse
from orch_nb.routing.fitted import FittedRouter
from orch_nb.routing.fitted_cascade import FittedCascade
from orch_nb.routing.named import name_models
from orch_nb.routing.pool import pool_of
from orch_nb.routing.route import Situation, route
from orch_nb.routing.staging import named as in_stages
from orch_nb.routing.strategies import OVER_INSTANCES, canonical
from orch_nb.settings import BudgetSettings, Settings, Weights
from orch_nb.store.budget import Budget
from orch_nb.store.experience import Experience
from orch_nb.store.traffic import Traffic
from orch_nb.types import (
    Choice,
    Decision,
    LazySequence,
    ModelCard,
    Rejection,
    Request,
    Requirements,
    TaskProfile,
)

_WEIGHTS = tuple(field.name for field in fields(Weights))
# Groups of models that were named together and whose columns are kept, and prompts whose analysis
# is: a cell that is run again, and those of which a panel shows who would answer. Chosen.
_KEPT = 64


@dataclass(frozen=True, slots=True)
class _Asked:
    request: Request
    profile: TaskProfile
    strategy: str
    deadline: float | None


class Router:
    """Decides by the catalog, the settings, and what was seen.

    Parameters
    ----------
    catalog
        Which models there are.
    budget
        What may still be spent.
    experience
        What earlier calls, evaluations and ratings have shown.
    traffic
        What is being asked now.
    tools
        The capabilities that each of the session's tools needs, by name.
    random
        Where strategies that explore draw from.
    fitted, cascade
        What was fitted to the user's evaluations, None if nothing was.
    """

    def __init__(
        self,
        catalog: Catalog,
        *,
        experience: Experience,
        traffic: Traffic,
        tools: Mapping[str, frozenset[str]],
        budget: Budget,
        random: np.random.Generator,
        fitted: FittedRouter | None = None,
        cascade: FittedCascade | None = None,
    ) -> None:
        self._catalog, self._experience, self._traffic = catalog, experience, traffic
        self._budget, self._tools, self._random = budget, tools, random
        self._fitted, self._cascade = fitted, cascade
        self._seen: dict[tuple[str, ...], Seen] = {}  # by the ids; () is the whole catalog
        self._profile = lru_cache(_KEPT)(profile_of)

    async def decide(
        self, request: Request, settings: Settings, deadline: float | None = None
    ) -> Decision:
        """Which models may answer `request`, best first: explicit > expert > strategy > default.

        `deadline` is on the loop's clock. Raises `SelectionError`, `UnknownNameError` or
        `InputError`, and `TimedOut` at the deadline.
        """
        wants = request.wants
        strategy = canonical(settings.strategy if wants.strategy is None else wants.strategy)
        if not self._catalog.is_prepared(wants.models):
            await _in_time(self._catalog.prepare(wants.models), deadline)
        self._check_names(wants.requires)
        if wants.verifier is not None:
            judge = self._catalog.resolve(wants.verifier).id
            if judge in settings.off:
                raise SelectionError(f"the verifier {judge} is switched off")
            request = replace(request, wants=replace(wants, verifier=judge))
        asked = _Asked(request, self._profile(Given.of(request)), strategy, deadline)
        pin = None if wants.models else expert_for(wants.tools, settings.experts)
        if pin is not None:
            _check_alone(request, pin)
            return await self._expert(pin, asked, settings)
        return await self._choose(asked, settings)

    async def _choose(self, asked: _Asked, settings: Settings, first: str = "") -> Decision:
        named = asked.request.wants.models
        if named and not (asked.strategy in OVER_INSTANCES and len(named) == 1):
            taken = self._named(asked, map(self._catalog.resolve, named), settings)
            # A model that is named outweighs the session's strategy, not the call's.
            if asked.strategy == "cascade" and asked.request.wants.strategy is not None:
                return in_stages(asked.request, taken)
            return taken
        try:
            return self._rank(asked, settings, first)
        except SelectionError:
            if named:
                raise
            # What was known at once does not suffice; somebody else may have what is needed.
            await _in_time(self._catalog.discover(), asked.deadline)
            return self._rank(asked, settings, first)

    def _named(self, asked: _Asked, cards: Iterable[ModelCard], settings: Settings) -> Decision:
        seen = self._experience.known()
        return name_models(asked.request, asked.profile, cards, seen, settings.off)

    def _rank(self, asked: _Asked, settings: Settings, first: str) -> Decision:
        named = asked.request.wants.models
        cards = self._catalog.instances(named[0]) if named else self._catalog.cards()
        seen, fitted = self._columns(cards), self._fitted
        known = fitted is not None and any(model in seen.pool.index for model in fitted.models)
        situation = Situation(
            seen=seen,
            weights={name: getattr(settings.weights, name) for name in _WEIGHTS},
            fallback=settings.fallback,
            unreachable=self._catalog.unreachable(),
            purse=self._purse(settings.budget),
            memory=memory_for_models() if np.isfinite(seen.pool.size).any() else None,
            busy=self._traffic.busy,
            turns=self._traffic.turns,
            random=self._random,
            fitted=fitted.predict(asked.request.prompt) if fitted is not None and known else {},
            cascade=self._cascade,
            first=first,
            off=settings.off,
        )
        return route(asked.request, asked.profile, asked.strategy, situation)

    async def _expert(self, pin: Pin, asked: _Asked, settings: Settings) -> Decision:
        """The pinned model first, then whom the strategy would take; or its substitute, announced.

        Raises `SelectionError` if it cannot answer and ``fallback`` is fail.
        """
        source = f"expert of {pin.tool}"
        try:
            discovering = self._catalog.discover([pin.model.partition(":")[0]])
            await _in_time(discovering, asked.deadline)
            card = self._catalog.resolve(pin.model)
            reason = self._catalog.absence(card.id)
        except UnknownNameError as error:  # nobody wrote this name into the call
            what = f"{error.what} of the {source}"
            raise UnknownNameError(what, error.name, error.choices) from None
        check_pin(pin.tool, card, self._tools)
        first: Decision | None = None
        if not reason:
            try:
                first = self._named(asked, [card], settings)
            except SelectionError as error:
                reason = error.rejected[0].reason
        if first is None and settings.fallback == "fail":
            rejected = [Rejection(card.id, reason)]
            raise SelectionError(
                f"the {source} cannot answer, and fallback is fail; pin another model", rejected
            )
        try:
            others = await self._choose(asked, settings, "" if first is None else card.id)
        except SelectionError:
            if first is None:
                raise
            return replace(first, strategy=asked.strategy, source=source, notice=pin.notice)
        if first is None:
            said = f"the {source}, {card.id}, cannot answer ({reason})"
            notice = f"{said}; {asked.strategy} chose instead"
            return replace(others, notice=_joined(pin.notice, notice, others.notice))
        pinned = replace(first.best, reason=f"pinned as the {source}")
        ranking = _with_first(pinned, others.ranking)
        return replace(others, source=source, ranking=ranking, notice=pin.notice, cascade=None)

    def _columns(self, cards: Sequence[ModelCard]) -> Seen:
        """The columns of `cards`; what has not changed since the last look is kept."""
        known = self._experience.known()
        whole = cards is self._catalog.cards()
        names = () if whole else tuple(card.id for card in cards)
        seen = self._seen.get(names)
        kept = seen is not None and (
            seen.pool.made_of is cards or (not whole and seen.pool.made_of == cards)
        )
        if seen is None or not kept:
            if len(self._seen) >= _KEPT:
                self._seen.clear()
            seen = seen_of(pool_of(cards), known.tracks, known.token_factor)
        seen = self._seen[names] = seen.renewed(known.tracks, known.token_factor)
        return seen

    def _purse(self, limits: BudgetSettings) -> Purse | None:
        left = self._budget.left(limits=limits)
        return None if left is None else Purse(left, limits.unpriced == "allow")

    def _check_names(self, requires: Requirements) -> None:
        """Raise `UnknownNameError` for a provider or model in the limits that nobody has."""
        for name in requires.providers:
            if name not in self._catalog.providers:
                raise UnknownNameError("provider", name, self._catalog.providers)
        if not requires.exclude:
            return
        known = self._catalog.providers
        if bare := [name for name in requires.exclude if name.partition(":")[0] not in known]:
            names = (*known, *self._catalog.names())
            for name in bare:
                if name not in names:
                    raise UnknownNameError("provider or model", name, names)


async def _in_time(learning: Awaitable[None], deadline: float | None) -> None:
    """Wait for what providers list. Raises `TimedOut` at the `deadline`."""
    try:
        async with asyncio.timeout_at(deadline):
            await learning
    except TimeoutError:
        raise TimedOut("the providers", "did not list their models before the deadline") from None


def _check_alone(request: Request, pin: Pin) -> None:
    """Raise `InputError` where a check would be left out, as one expert's answer has none."""
    if request.wants.checked or request.wants.verifier:
        raise InputError(
            f"check and verifier judge a cascade's draft, and the expert of {pin.tool} is to "
            "answer; leave out the tool or the check"
        )


def _joined(*notices: str) -> str:
    return "; ".join(notice for notice in notices if notice)


def _with_first(first: Choice, ranking: Sequence[Choice]) -> Sequence[Choice]:
    """`ranking` with `first` before all others; where it is part of it, it is so already."""
    more = 0 if ranking[0].model == first.model else 1
    return LazySequence(len(ranking) + more, lambda i: ranking[i - more] if i else first)
