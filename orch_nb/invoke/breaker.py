"""Circuit breakers: a provider or model that fails again and again is left alone for a while.

There is one for each provider and one for each model. It opens after some failures in a row, or
at once for a key that is refused and an account without money. When its cool-down is over, one
call is the probe: it closes the breaker, or opens it for twice as long. A server that asks for
more time, by a Retry-After, has it as long as no breaker stays open for longer. What says nothing
about the model never counts: an interrupt, a budget, a prompt that is too long or refused.

Written here because pybreaker serialises the calls and opens on KeyboardInterrupt.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from orch_nb.errors import Benched, ProviderError, TimedOut
from orch_nb.settings import BreakerSettings

_SETTINGS = BreakerSettings()
# How often a cool-down may be as long as the first. Chosen: of 30 seconds, that is 5 minutes.
_LONGEST = 10
# How a server says that a key may not use this model, where 401 is about the key itself.
_FORBIDDEN = 403


class Breakers:
    """The breakers of one session. Used by the event loop's thread only.

    Parameters
    ----------
    clock
        Seconds that only grow.
    settings
        When they open, and for how long; may be replaced at any time.
    """

    def __init__(self, clock: Callable[[], float], settings: BreakerSettings = _SETTINGS) -> None:
        self.settings, self._clock = settings, clock
        self._breakers: dict[str, _Breaker] = {}
        self._places: dict[str, object] = {}
        self._waiting: list[asyncio.Future[None]] = []

    def keep(self, places: Mapping[str, object]) -> None:
        """Forget the providers that are elsewhere, or have another key, than they had.

        `places` are compared, by the provider's name.
        """
        for name in self._places.keys() | places.keys():
            if name not in self._places or self._places[name] != places.get(name):
                for known in [n for n in self._breakers if n.partition(":")[0] == name]:
                    del self._breakers[known]
        self._places = dict(places)

    def clear(self) -> None:
        """Forget all that happened."""
        self._breakers.clear()
        self.wake()

    @property
    def any_open(self) -> bool:
        """Whether anybody may not be asked now."""
        return self.settings.enabled and any(b.until is not None for b in self._breakers.values())

    def benched(self, model: str) -> Benched | None:
        """Why `model` may not be asked now; None if it may."""
        if not self.settings.enabled or not self._breakers:
            return None
        provider, own = self._breakers.get(model.partition(":")[0]), self._breakers.get(model)
        return self._refusal(model, (provider or _Breaker(), own or _Breaker()))

    def permit(self, model: str, deadline: float, *, probe: bool = False) -> Permit:
        """What admits one attempt at `model` when it is entered; the body tells it how it went.

        As long as nothing is known of a model or provider, or its last call failed, no more calls
        are under way than failures would open it: others wait for what comes of these, until
        `deadline` in the loop's time. `probe` asks although the cool-down is not over, one such
        call at a time.

        Raises
        ------
        Benched
            A breaker is open.
        TimedOut
            The deadline was reached before it was known whether the model answers.
        """
        return Permit(self, model, deadline, probe=probe)

    def admits(self, model: str, *, probe: bool, waited: bool) -> tuple[_Breaker, _Breaker] | None:
        """The breakers that let an attempt at `model` through; None for not now. Raises `Benched`.

        `waited` says that a probe was under way before.
        """
        pair = provider, own = self._pair(model)
        error = self._refusal(model, pair)
        probing = provider.probing or own.probing
        if error and (not probe or (waited and not probing)):
            raise error
        most = self.settings.failures
        if not probing and (error or not (provider.full(most) or own.full(most))):
            return pair
        return None

    def probes(self, model: str) -> bool:
        """Whether a probe of `model`, or of its provider, is under way."""
        return any(breaker.probing for breaker in self._pair(model))

    def _pair(self, model: str) -> tuple[_Breaker, _Breaker]:
        """The breakers of its provider, and its own."""
        return self._breaker(model.partition(":")[0]), self._breaker(model)

    def _breaker(self, name: str) -> _Breaker:
        known = self._breakers.get(name)
        if known is None:
            known = self._breakers[name] = _Breaker()
        return known

    def _refusal(self, model: str, pair: tuple[_Breaker, _Breaker]) -> Benched | None:
        provider, own = pair
        if provider.until is None and own.until is None:
            return None
        now = self._clock()
        waits = provider.wait(now), own.wait(now)
        wait = max(waits)
        if not wait:
            return None
        said = f"benched for {wait:.0f} s"
        if waits[1] == wait:
            return Benched(model, f"{said} {own.reason}", wait)
        return Benched(model, f"its provider is {said} {provider.reason}", wait)

    async def change(self) -> None:
        """Wait until something has ended or shown a sign of life."""
        future = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        await future

    def wake(self) -> None:
        """Have those look again who wait for what comes of others."""
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)

    def _opened(self, breaker: _Breaker, error: ProviderError, *, probed: bool) -> None:
        """Open `breaker` for `error`, after a probe that failed for longer than before."""
        now, longest = self._clock(), self.settings.cooldown * _LONGEST
        asked_for = now + min(error.retry_after or 0.0, longest)
        if breaker.until is not None and (not probed or now < breaker.until):
            breaker.until = max(breaker.until, asked_for)
            return
        doubled = self.settings.cooldown * 2 ** min(breaker.trips, 10)
        breaker.trips += 1
        breaker.until = max(now + min(doubled, longest), asked_for)
        failures = f"{breaker.failures} failure{'s' if breaker.failures > 1 else ''}"
        breaker.reason = f"after {failures} ({error.cause})"


class Permit:
    """One attempt, which is admitted when it is entered."""

    def __init__(self, breakers: Breakers, model: str, deadline: float, *, probe: bool) -> None:
        self._breakers, self._model, self._deadline = breakers, model, deadline
        self._probe = probe
        self._pair: tuple[_Breaker, ...] = ()
        self._probed: tuple[bool, ...] = ()

    async def __aenter__(self) -> Permit:
        breakers, model = self._breakers, self._model
        if not breakers.settings.enabled:
            return self
        pair = breakers.admits(model, probe=self._probe, waited=False)
        if pair is None:
            try:
                async with asyncio.timeout_at(self._deadline):
                    pair = await self._wait()
            except TimeoutError:
                said = "was not asked: earlier calls to it gave no sign before the deadline"
                raise TimedOut(model, said) from None
        self._pair = pair
        self._probed = pair[0].until is not None, pair[1].until is not None
        for breaker, probed in zip(pair, self._probed, strict=True):
            breaker.underway += 1
            breaker.probing = breaker.probing or probed
        return self

    async def __aexit__(self, *_: object) -> None:
        for breaker, probed in zip(self._pair, self._probed, strict=True):
            breaker.underway -= 1
            if probed:
                breaker.probing = False
        self._breakers.wake()

    async def _wait(self) -> tuple[_Breaker, _Breaker]:
        breakers, model, waited = self._breakers, self._model, False
        while (pair := breakers.admits(model, probe=self._probe, waited=waited)) is None:
            waited = waited or breakers.probes(model)
            await breakers.change()
        return pair

    def alive(self) -> None:
        """The model has begun to answer: others need not wait for the end."""
        for breaker in self._pair:
            breaker.alive = breaker.until is None
        self._breakers.wake()

    def succeeded(self) -> None:
        """The answer is complete."""
        for breaker in self._pair:
            breaker.close()

    def failed(self, error: ProviderError) -> None:
        """Count `error` if it is the model's or its provider's."""
        if error.fault == "request" or not self._pair:
            return
        provider = self._pair[0]
        whole = error.fault == "provider" and error.status != _FORBIDDEN
        provider.models.add(self._model)
        # When one model fails the provider may be well; when several do, it is not.
        counted = (whole or len(provider.models) > 1, not whole)
        for breaker, counts, probed in zip(self._pair, counted, self._probed, strict=True):
            breaker.alive = False
            breaker.failures += 1
            enough = error.benches or probed or breaker.failures >= self._breakers.settings.failures
            if counts and enough:
                self._breakers._opened(breaker, error, probed=probed)


@dataclass(slots=True)
class _Breaker:
    """``until`` is None while it is closed; ``models`` are those of its failures in a row."""

    failures: int = 0
    trips: int = 0
    until: float | None = None
    reason: str = ""
    alive: bool = False
    probing: bool = False
    underway: int = 0
    models: set[str] = field(default_factory=set)

    def wait(self, now: float) -> float:
        """Seconds until it may be asked; while the probe is under way, at least one."""
        if self.until is None:
            return 0.0
        return max(self.until - now, float(self.probing))

    def full(self, most: int) -> bool:
        """Whether one call more could be one failure too many."""
        return (
            self.until is None and not self.alive and self.underway >= max(1, most - self.failures)
        )

    def close(self) -> None:
        """Take it that all is well."""
        self.failures = self.trips = 0
        self.until, self.alive = None, True
        self.models.clear()
