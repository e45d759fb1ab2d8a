"""What has settings that can be changed while it is used."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from operator import methodcaller
from pathlib import Path
from threading import RLock
from typing import Any, Self

from orch_nb.errors import OrchError
from orch_nb.forking import renew_after_fork
from orch_nb.providers import known_types
from orch_nb.settings import Settings, SettingsStack, Weights


class Configurable(ABC):
    """Holds the settings; what follows from a change is for those to say who derive from it.

    Parameters
    ----------
    directory
        Where ``orch.yaml`` is looked for.
    layers
        "config" and "traits", as `orch_nb.Session` takes them.

    Raises `SettingsError` or `UnknownNameError`.
    """

    def __init__(self, directory: Path, **layers: Mapping[str, Any] | None) -> None:
        self._turn = _Turn()
        self._stack = SettingsStack(directory, known_types(), _check_strategy, layers)
        self.settings = self._stack.settings

    @abstractmethod
    def _apply(self, settings: Settings, *, anew: bool = False) -> None:
        """Take `settings` over; `anew` although none that connections are made from differs."""

    @property
    def strategy(self) -> str:
        """The strategy for prompts that name none."""
        return self.settings.strategy

    @property
    def weights(self) -> Weights:
        """How much cost, quality and speed matter to the strategy "weighted"."""
        return self.settings.weights

    def origin(self, *path: str) -> str:
        """Who set a setting, such as ``origin("cache", "dir")``; "" for what is built in."""
        return self._stack.origin(*path)

    def change(self, **settings: Any) -> None:
        """Change settings for the rest of the session: ``change(strategy="cost")``.

        Several threads may do so at once: one change follows the other. Raises `SettingsError` or
        `UnknownNameError` and changes nothing if one is wrong.
        """
        with self._turn.lock:
            self._replace(changes={**self._stack.changes, **settings})

    def change_rows(self, name: str, rows: Mapping[str, Any]) -> None:
        """Change single `rows` of the setting `name`, such as "models"; errors as in `change`."""
        with self._turn.lock:
            self.change(**{name: {**self._stack.changes.get(name, {}), **rows}})

    @contextmanager
    def using(self, **settings: Any) -> Iterator[Self]:
        """Change settings for a while: ``with session.using(strategy="cost"):``.

        They hold for all that uses the session meanwhile, in other threads too. Afterwards these
        settings are what they were; what else was changed in between stays. Errors as in `change`.
        """
        with self._turn.lock:
            before = self._stack.changes
            self.change(**settings)
        try:
            yield self
        finally:
            with self._turn.lock:
                kept = {k: v for k, v in self._stack.changes.items() if k not in settings}
                self._replace(changes=kept | {k: before[k] for k in settings if k in before})

    def switch(self, name: str, *, on: bool) -> None:
        """Switch a model (``provider:model``) or a whole provider on or off; errors as in `change`.

        What is off is never asked, not even by name; a pinned model is then replaced as one that
        cannot answer.
        """
        kind = "models" if ":" in name else "providers"
        with self._turn.lock:
            rows = dict(self._stack.changes.get(kind, {}))
            row = {k: v for k, v in (rows.pop(name, None) or {}).items() if k != "enabled"}
            # Without a row of its own a provider is what it is found to be.
            without = rows | ({name: row} if row else {})
            found = getattr(self.changed(**{kind: without}), kind).get(name)
            is_on = found is None or found.enabled is not False
            self.change(
                **{kind: without if on and is_on else rows | {name: {**row, "enabled": on}}}
            )

    def adopt(self, traits: Mapping[str, Any]) -> None:
        """Take the settings of IPython's configuration as they are now; errors as in `change`."""
        self._replace(traits=traits)

    def reload(self) -> None:
        """Read environment, file and stored keys anew; errors as in `change`."""
        self._replace(anew=True)

    def changed(self, **settings: Any) -> Settings:
        """The settings as they would be with `settings` changed; nothing is. Errors as `change`."""
        return self._stack.replaced(changes={**self._stack.changes, **settings}).settings

    def _replace(self, *, anew: bool = False, **layers: Mapping[str, Any]) -> None:
        with self._turn.lock:
            before, self._stack = self._stack, self._stack.replaced(**layers)
            try:
                # Who is told of the change may change something, too.
                self._apply(self._stack.settings, anew=anew)
            except OrchError:
                self._stack = before
                raise


class _Turn:
    """Whose turn it is to change something; a thread may take its turn again within it."""

    def __init__(self) -> None:
        self.lock = RLock()
        # A forked process has the memory, and not the thread whose turn it was.
        renew_after_fork(self, methodcaller("__init__"))


def _check_strategy(settings: Settings) -> None:
    if settings.strategy != Settings.strategy:
        from orch_nb.routing.strategies import canonical  # noqa: PLC0415 - imports numpy

        canonical(settings.strategy)
