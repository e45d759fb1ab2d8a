"""Server-sent events from raw bytes.

Ours, because the SDKs' own decoders are private and cost several times as much a token. The
format: https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

from collections.abc import Iterable

from orch_nb.providers._lines import Lines, LineTooLong

_BOM = b"\xef\xbb\xbf"


class Events:
    """The data of the events of one body. Only ``data`` fields are read; comments are skipped.

    One event has `limit` bytes.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lines = Lines(limit)
        self._first = True
        self._data: list[bytes] = []
        self._size = 0

    def feed(self, piece: bytes) -> list[bytes]:
        """The data of the events that end in `piece`. Raises `LineTooLong`."""
        lines = self._lines.feed(piece)
        if self._first and lines:
            lines[0], self._first = lines[0].removeprefix(_BOM), False
        return self._events(lines)

    def end(self) -> list[bytes]:
        """A last event whose blank line is missing: some servers close right after it."""
        return self._events([*self._lines.end(), b""])

    def _events(self, lines: Iterable[bytes]) -> list[bytes]:
        events = []
        for line in lines:
            if line.startswith(b"data:"):
                value = line[5:].removesuffix(b"\r").removeprefix(b" ")
                self._size += len(value) + 1  # empty ones take memory as well
                if self._size > self._limit:
                    raise LineTooLong
                self._data.append(value)
            elif line in (b"", b"\r") and self._data:
                events.append(b"\n".join(self._data))
                self._data, self._size = [], 0
        return events
