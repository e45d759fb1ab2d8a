"""What the user's sessions have seen of models, on disk and in memory."""

from __future__ import annotations

import threading
import weakref
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from orch_nb.errors import UnknownNameError
from orch_nb.forking import renew_after_fork
from orch_nb.store.decay import DecayedSum
from orch_nb.store.history import QUALITY_HALF_LIFE, History, token_counts
from orch_nb.store.observation_file import ObservationFile
from orch_nb.types import Observation, Track

# Tokens at a factor of 1 that an observed factor is weighed against: about ten prompts of a cell.
_TOKENS = 2000.0
# Farther off than any tokenizer is: what goes beyond is a server that counts wrongly.
_FACTORS = (0.25, 4.0)
# Seconds: for which a snapshot is good while nothing is added (that is 3 % of decay), after which
# others' observations are looked for, and for which the first snapshot waits for the disk.
_RENEWAL = 600.0
_NEWS = 30.0
_PATIENCE = 0.5


@dataclass(frozen=True, slots=True)
class Known:
    """What `Experience.tracks` and `Experience.token_factor` say, of one moment."""

    tracks: Mapping[str, Track]
    token_factor: Mapping[str, float]


class Experience:
    """Observations of models, and what they add up to. Safe to use from any thread.

    They are kept in ``experience.sqlite`` (0600: ids, kinds and numbers, no text), from which the
    user's other kernels and later sessions learn as well. A thread of its own reads and writes:
    neither adding nor looking waits for the disk, except that the first look waits half a second
    at most for what is there. What was added is on disk about half a second later, and with
    `close` and the end of the process at once. Where the disk fails everything works in memory,
    with one `ExperienceWarning`. Nothing is opened before the first use.

    Parameters
    ----------
    place
        Names the folder, made with 0700 when first written to. None keeps all in memory.
    clock
        Seconds since the epoch.
    """

    def __init__(self, place: Callable[[], Path] | None, *, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._file: ObservationFile | None = None
        if place is not None:
            self._file = ObservationFile(place)
            weakref.finalize(self, self._file.close)
        self._looked: float | None = None
        self._as_of: float | None = None  # when the whole snapshot was made
        self._clear()
        renew_after_fork(self, Experience._start_anew)

    def add(self, observation: Observation) -> None:
        """Take `observation` into account from now on."""
        with self._lock:
            self._take(observation, self._clock())
            if self._file is not None:
                self._file.put(observation)
        self._warn()

    def tracks(self) -> Mapping[str, Track]:
        """What is known by model id.

        The mapping never changes. Another one is returned when something was added, here or (with
        half a minute's delay) by another session, and every ten minutes, as what is old fades.
        """
        return self.known().tracks

    def token_factor(self) -> Mapping[str, float]:
        """How many tokens a provider counts where one is estimated, by the provider's name.

        That is the sum of the counts over the sum of the estimates, both with 2000 tokens on top,
        so that a few short prompts do not move it far from 1. As immutable as `tracks`.
        """
        return self.known().token_factor

    def known(self) -> Known:
        """Both `tracks` and `token_factor`."""
        now = self._clock()
        with self._lock:
            if self._file is not None:
                self._look(self._file, now)
                self._take_news(now)
            if self._as_of is None or abs(now - self._as_of) > _RENEWAL:
                self._summarise(now, self._histories, {})
                self._as_of = now
            elif self._changed:
                self._summarise(now, self._changed, self._known.tracks)
            known = self._known
        self._warn()
        return known

    def forget(self, model: str | None = None) -> None:
        """Forget what was seen of `model`, or of all; other kernels forget when they are restarted.

        Raises `UnknownNameError` for a model of which nothing is known, and `OrchError` where the
        file could not be changed.
        """
        known = self.tracks()
        if model is not None and model not in known:
            raise UnknownNameError("model", model, known)
        if self._file is not None:
            self._file.forget(model)
        with self._lock:
            self._take_news(self._clock())
            if model is None:
                self._clear()
            else:
                # Forgotten by another thread meanwhile is forgotten, too.
                self._histories.pop(model, None)
                self._add_tokens_up()
                self._as_of = None

    def close(self) -> None:
        """Write what is left, within a second. It may be used again."""
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._looked = None
                self._take_news(self._clock())
        self._warn()

    def _clear(self) -> None:
        self._histories: defaultdict[str, History] = defaultdict(History)
        self._tokens: defaultdict[str, DecayedSum] = defaultdict(_no_tokens)
        self._changed: set[str] = set()
        self._as_of = None
        self._known = Known(MappingProxyType({}), MappingProxyType({}))

    def _start_anew(self) -> None:
        # A forked process has the memory, and not the thread that may have held this.
        self._lock = threading.Lock()

    def _look(self, file: ObservationFile, now: float) -> None:
        file.open()
        if self._looked is None:
            file.read.wait(_PATIENCE)
            self._looked = now
        elif abs(now - self._looked) > _NEWS:
            self._looked = now
            file.look()

    def _take_news(self, now: float) -> None:
        news = self._file.news if self._file is not None else ()
        while news:
            self._take(news.popleft(), now)

    def _take(self, observation: Observation, now: float) -> None:
        model = observation.model
        self._histories[model].add(observation, now)
        self._changed.add(model)
        tokens = self._tokens[model.partition(":")[0]]
        if (counted := token_counts(observation)) is not None:
            tokens.add(min(observation.at, now), *counted)

    def _add_tokens_up(self) -> None:
        self._tokens.clear()
        for model, history in self._histories.items():
            known = history.tokens
            self._tokens[model.partition(":")[0]].add(known.at, known.total, known.weight)

    def _summarise(
        self, now: float, changed: Iterable[str], unchanged: Mapping[str, Track]
    ) -> None:
        news = {model: self._histories[model].summarise(now) for model in changed}
        factors = MappingProxyType(_token_factors(self._tokens, now))
        self._known = Known(MappingProxyType({**unchanged, **news}), factors)
        self._changed = set()

    def _warn(self) -> None:
        if self._file is not None:
            self._file.warn()


def _no_tokens() -> DecayedSum:
    return DecayedSum(QUALITY_HALF_LIFE)


def _token_factors(tokens: Mapping[str, DecayedSum], now: float) -> dict[str, float]:
    """By provider; ``tokens`` sums its counts, weighted with the estimates of the same texts."""
    low, high = _FACTORS
    factors = {}
    for provider, known in tokens.items():
        estimated, counted = known.as_of(now)
        factors[provider] = min(max((_TOKENS + counted) / (_TOKENS + estimated), low), high)
    return factors
