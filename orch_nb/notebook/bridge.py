"""The link to JupyterLab: the session's state goes out, commands come in.

Two comm targets: the kernel opens `STATE` and pushes, the front end opens `COMMAND`, on which the
kernel never sends. So a command is heard while a cell runs, in a thread of its own.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

from orch_nb.errors import OrchError
from orch_nb.listeners import Change
from orch_nb.notebook.options import Options
from orch_nb.panels.throttle import Throttle
from orch_nb.sanitize import mask, one_line
from orch_nb.session import Session

STATE, COMMAND = "orch_nb.state", "orch_nb.command"
# Calls whose cells are remembered: more than are shown.
_CELLS = 200


class Bridge:
    """Pushes what changes, four times a second at most, for as long as somebody listens.

    Parameters
    ----------
    shell
        The shell of a kernel.
    session
        Gives the session that is used now.
    line
        Reads the options of a prompt cell's first line.
    """

    def __init__(self, shell: Any, session: Callable[[], Session], line: Options) -> None:
        self._shell, self._session, self._line = shell, session, line
        self._comm: Any = None
        self._heard = False
        self._followed: Session | None = None
        self._leave: Callable[[], None] = lambda: None
        self._cells: OrderedDict[int, str] = OrderedDict()
        self._cell = ""
        self._lock = threading.RLock()
        self._throttle = Throttle(self._push, clock=time.monotonic)

    def open(self) -> None:
        """Tell a front end, if there is one, that the session is here."""
        from comm import get_comm_manager  # noqa: PLC0415 - kernels have it loaded

        manager: Any = get_comm_manager()
        manager.register_target(COMMAND, self._on_open)
        self._shell.events.register("pre_run_cell", self._begin_cell)
        self._greet()

    def close(self) -> None:
        """Take all of it away."""
        from comm import get_comm_manager  # noqa: PLC0415 - as above

        self._leave()
        self._shell.events.unregister("pre_run_cell", self._begin_cell)
        manager: Any = get_comm_manager()
        manager.unregister_target(COMMAND, self._on_open)
        with self._lock:
            comm, self._comm, self._heard = self._comm, None, False
        if comm is not None:
            comm.close()

    def _greet(self, *, aloud: bool = True) -> None:
        """Open our side; not `aloud`, it only lies there for a page that looks for it."""
        from comm import create_comm, get_comm_manager  # noqa: PLC0415 - as above

        made: Any = create_comm(target_name=STATE, data={"type": "hello"}, primary=aloud)
        if not aloud:
            manager: Any = get_comm_manager()
            manager.register_comm(made)
        made.on_close(self._on_close)
        with self._lock:
            self._comm = made

    def _on_close(self, _message: object) -> None:
        """Nobody listens any more, or a page without the extension refused."""
        with self._lock:
            self._comm, self._heard = None, False
        self._greet(aloud=False)

    def _on_open(self, comm: Any, message: Mapping[str, Any]) -> None:
        """A front end is there: it may have come after the kernel had opened its side."""
        comm.on_msg(lambda m: self._obey(m["content"]["data"]))
        self._obey(message["content"]["data"])

    def _obey(self, data: Mapping[str, Any]) -> None:
        from orch_nb.notebook.bridge_commands import obey  # noqa: PLC0415 - imports pydantic

        self._heard = True
        try:
            session = self._session()
            self._follow(session)
            reply = obey(session, data, self._line)
            if reply is not None:
                self._send(reply)
            self._throttle.ask()
        except OrchError as error:
            self._send({"type": "error", "message": one_line(mask(str(error)), 400)})

    def _follow(self, session: Session) -> None:
        """Listen to `session`, and no longer to the one before."""
        with self._lock:
            if session is not self._followed:
                self._leave()
                self._followed, self._leave = session, session.subscribe(self._on_change)

    def _on_change(self, change: Change) -> None:
        session = self._followed
        if change == "calls" and session is not None:
            with self._lock:
                self._cells[len(session.ledger)] = self._cell
                while len(self._cells) > _CELLS:
                    self._cells.popitem(last=False)
        self._throttle.ask()

    def _begin_cell(self, info: Any) -> None:
        """Note the id of the cell that runs, as JupyterLab sends it along."""
        self._cell = str(info.cell_id or "")

    def _push(self) -> None:
        from orch_nb.notebook.bridge_state import VERSION, state  # noqa: PLC0415 - slow to import

        session = self._followed
        if session is None or not self._heard:
            return
        now = state(session, lambda number: self._cells.get(number) or None)
        self._send({"type": "state", "version": VERSION, "state": now})

    def _send(self, data: dict[str, Any]) -> None:
        with self._lock:
            if self._comm is not None:
                self._comm.send(data)
