"""What every provider does with the connections to its server, however it speaks over them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orch_nb.forking import renew_after_fork

if TYPE_CHECKING:
    from orch_nb.providers._link import Link


class Linked:
    """Has one link, made with the first request; a forked process makes its own."""

    def __init__(self) -> None:
        self._link: Link | None = None
        renew_after_fork(self, Linked._leave_to_parent)

    async def close(self) -> None:
        """Close every connection."""
        link, self._link = self._link, None
        if link is not None:
            await link.close()

    def _leave_to_parent(self) -> None:
        if self._link is not None:
            self._link.leave_to_parent()
            self._link = None
