"""Who wants to know that something in a session has changed."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable
from typing import Literal

from orch_nb.sanitize import one_line

#: What changed: the settings (pins and limits with them), a call came to its end, which models
#: there are, what was learnt of them, what the cache holds, who is being asked, or that the session
#: was closed.
Change = Literal["settings", "calls", "models", "experience", "cache", "busy", "closed"]
Listener = Callable[[Change], object]


class ListenerWarning(UserWarning):
    """Somebody who wanted to know of changes failed. Nothing else did."""


class Listeners:
    """Calls listeners in the order in which they came; safe to use from any thread."""

    def __init__(self) -> None:
        self._listeners: list[Listener] = []
        self._lock = threading.Lock()

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` with every change from now on; return what ends that.

        It runs in the thread that made the change, and should do no more than take note of it.
        """
        with self._lock:
            self._listeners.append(listener)

        def unsubscribe() -> None:
            with self._lock:
                if listener in self._listeners:
                    self._listeners.remove(listener)

        return unsubscribe

    def notify(self, change: Change) -> None:
        """Tell everybody of `change`, in this thread. One that fails costs a warning."""
        with self._lock:
            listeners = tuple(self._listeners)
        for listener in listeners:
            try:
                listener(change)
            except Exception as error:  # noqa: BLE001 - others' code, in the middle of a paid call
                said = f"a listener failed: {type(error).__name__}: {one_line(str(error), 200)}"
                warnings.warn(said, ListenerWarning, stacklevel=2)
