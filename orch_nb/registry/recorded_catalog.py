"""The models of a recording, where nobody is asked for any."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Protocol

from orch_nb.errors import RecordingError
from orch_nb.registry.catalog import Catalog
from orch_nb.registry.known import Known
from orch_nb.types import ModelCard, Rejection


class Recorded(Protocol):
    """What was recorded of models; `orch_nb.store.recorded_models.RecordedModels` is that."""

    @property
    def cards(self) -> tuple[ModelCard, ...] | None:
        """The models, None where they were not listed."""

    @property
    def places(self) -> Mapping[str, str]:
        """The addresses of their providers."""

    @property
    def absent(self) -> tuple[Rejection, ...]:
        """The providers that could not be asked."""


class RecordedCatalog(Catalog):
    """Knows the models that were recorded.

    Parameters
    ----------
    recorded
        Reads them.
    missing
        What is said where they were not.
    """

    def __init__(self, recorded: Callable[[], Recorded], missing: str) -> None:
        super().__init__({}, {})
        self._read, self._missing = recorded, missing

    async def discover(
        self, names: Collection[str] | None = None, *, refresh: bool = False
    ) -> None:
        """Ask nobody. Raises `RecordingError` where no models were recorded."""
        if self._read().cards is None:
            raise RecordingError(self._missing)

    async def prepare(self, names: Sequence[str]) -> None:
        """As `discover` does."""
        await self.discover()

    def is_prepared(self, names: Sequence[str]) -> bool:
        """Whether models were recorded."""
        return self._read().cards is not None

    def unreachable(self) -> tuple[Rejection, ...]:
        """The providers that could not be asked then."""
        return self._read().absent

    def places(self) -> Mapping[str, str]:
        """The addresses that the providers had then."""
        return self._read().places

    def ids(self) -> tuple[str, ...]:
        """The ids that a strategy may have picked."""
        return tuple(card.id for card in self._all().cards if not card.unranked)

    def _all(self) -> Known:
        if self._known is None:
            cards = self._read().cards or ()
            by_name: dict[str, list[ModelCard]] = {}
            for card in cards:
                by_name.setdefault(card.name, []).append(card)
            self._known = Known({}, cards, {card.id: card for card in cards}, by_name, True)
        return self._known

    def _is_id(self, name: str) -> bool:
        return name in self._all().by_id
