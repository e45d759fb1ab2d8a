"""Who answers right now, and who was asked last: what instances of a model are shared by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from types import MappingProxyType


class Traffic:
    """Counts calls by model id. Only the event loop's thread writes.

    `turns` are those to go on from; `changed` is called when a call begins or ends.
    """

    def __init__(
        self,
        turns: Mapping[str, int] = MappingProxyType({}),
        changed: Callable[[], object] = lambda: None,
    ) -> None:
        self._busy: Counter[str] = Counter()
        self._turns, self.changed = dict(turns), changed

    @property
    def busy(self) -> Mapping[str, int]:
        """How many calls each model answers now."""
        return MappingProxyType(self._busy)

    @property
    def turns(self) -> Mapping[str, int]:
        """The number of the newest call that each model got; the higher, the later."""
        return MappingProxyType(self._turns)

    def chosen(self, model: str) -> None:
        """Note that the next call goes to `model`."""
        self._turns[model] = max(self._turns.values(), default=0) + 1

    def begin(self, model: str) -> None:
        """Count `model` as busy with one call more."""
        self._busy[model] += 1
        self.changed()

    def end(self, model: str) -> None:
        """Count `model` as busy with one call less."""
        self._busy[model] -= 1
        if not self._busy[model]:
            del self._busy[model]
        self.changed()
