"""From the bytes of an answer to its deltas, in one synchronous pass over each piece that arrives.

A hop from one asynchronous generator to the next costs as much as reading the token that it
carries, so there is none here; text that came together stays together (see tests/benchmarks).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import aclosing, suppress
from typing import Any, Protocol, cast

from orch_nb.errors import BrokenAnswer, ProviderError
from orch_nb.providers import _failures
from orch_nb.providers._lines import LineTooLong, drain
from orch_nb.types import Delta

Event = dict[str, Any]

#: What a transport raises where a connection breaks.
Broken = tuple[type[Exception], ...]

_DONE = b"[DONE]"
# Seconds that the count of tokens may take behind the end of the answer. Chosen.
_COUNTING = 2.0


class Framing(Protocol):
    """Takes a body apart: `orch_nb.providers._sse.Events` or `orch_nb.providers._lines.Lines`."""

    def feed(self, piece: bytes) -> list[bytes]: ...
    def end(self) -> list[bytes]: ...


class Reader(Protocol):
    """What a wire's events mean, for one answer."""

    @property
    def whole(self) -> bool:
        """Whether all of the answer was read, and at most a count of its tokens may follow."""
        ...

    def take(self, event: Event) -> str | Delta | None:
        """The text of `event`, "" for a sign of life, None for nothing; the end is a `Delta`."""
        ...

    def end(self) -> Delta:
        """The end, where no event is one. Raises `BrokenAnswer` if there was none."""
        ...


class Response(Protocol):
    """A response of httpx or httpx2, as it is read here."""

    @property
    def headers(self) -> Mapping[str, str]: ...
    def aiter_raw(self) -> AsyncIterator[bytes]: ...


class Reading:
    """One answer as it arrives.

    Parameters
    ----------
    framing
        Takes its bytes apart.
    reader
        What its events mean.
    model
        Whom errors name.
    describe
        What an event says that holds an ``error``.
    """

    def __init__(
        self, framing: Framing, reader: Reader, model: str, describe: Callable[[Event], str]
    ) -> None:
        self._framing, self._reader, self._model = framing, reader, model
        self._describe, self._read = describe, json_reader(model)
        #: Whether the end mark was read.
        self.complete = False

    async def deltas(self, response: Response, broken: Broken) -> AsyncGenerator[Delta]:
        """The deltas of the body of `response`, which raises `broken` where the connection breaks.

        Raises a `ProviderError`.
        """
        begun = False
        async with aclosing(pieces_of(response)) as pieces:
            try:
                async for piece in pieces:
                    begun = True
                    for delta in self.take(piece):
                        yield delta
                    if self.complete:
                        return
                    if self._reader.whole:
                        await self._wait_for_count(pieces, broken)
                        break
                if not begun:
                    raise _failures.empty(self._model)
                for delta in self.end():
                    yield delta
            except broken:
                raise _failures.broken(self._model) from None
            finally:
                if self.complete:  # whoever has the last delta asks for no more
                    await drain(pieces, broken)

    def take(self, piece: bytes) -> Iterator[Delta]:
        """The deltas of the events that end in `piece`; a `ProviderError` follows what was before.

        Raises `BrokenAnswer` for what is not the wire's format, and what the events say.
        """
        try:
            blocks = self._framing.feed(piece)
        except LineTooLong:
            raise self._too_long() from None
        return self._deltas(blocks)

    def end(self) -> Iterator[Delta]:
        """The deltas of what is left at the end of the body; `complete` says they are no more."""
        try:
            blocks = self._framing.end()
        except LineTooLong:
            raise self._too_long() from None
        return self._deltas([*blocks, _DONE])

    async def _wait_for_count(self, pieces: AsyncIterator[bytes], broken: Broken) -> None:
        # A server that breaks off now, or says no more, only leaves the answer uncounted.
        with suppress(ProviderError, TimeoutError, *broken):
            async with asyncio.timeout(_COUNTING):
                async for piece in pieces:
                    for _ in self.take(piece):
                        pass
                    if self.complete:
                        return

    def _deltas(self, blocks: Iterable[bytes]) -> Iterator[Delta]:
        texts: list[str] = []
        final: Delta | None = None
        try:
            for block in blocks:
                said = self._reader.end() if block == _DONE else self._said(block)
                if isinstance(said, Delta):
                    final = said
                    break
                if said is not None:
                    texts.append(said)
        except ProviderError:
            if texts:
                yield Delta("".join(texts))
            raise
        if texts:
            yield Delta("".join(texts))
        if final is not None:
            self.complete = True
            yield final

    def _said(self, block: bytes) -> str | Delta | None:
        if not block.strip():
            return None
        try:
            event = self._read(block)
            if not isinstance(event, dict):
                raise _failures.malformed(self._model, "an event that is no object")
            if event.get("error"):
                raise _failures.from_event(self._model, self._describe(event))
            return self._reader.take(event)
        except ProviderError:
            if not self._reader.whole:
                raise
            return self._reader.end()

    def _too_long(self) -> BrokenAnswer:
        return BrokenAnswer(self._model, "one event of the answer is larger than limits.answer")


def json_reader(model: str) -> Callable[[bytes], object]:
    """What reads JSON that `model` sent, and raises `BrokenAnswer` for what is none."""
    from pydantic_core import from_json  # noqa: PLC0415 - %load_ext need not pay for it

    def read(raw: bytes) -> object:
        try:
            return from_json(raw)
        except ValueError as error:
            # It refuses half surrogate pairs, which json takes, and nothing that json refuses.
            try:
                return json.loads(raw)
            except (ValueError, RecursionError):
                raise _unreadable(model, raw, str(error)) from None

    return read


def _unreadable(model: str, raw: bytes, why: str) -> BrokenAnswer:
    if not raw.strip():
        return _failures.empty(model)
    if why.startswith("EOF"):
        return _failures.cut(model, "its JSON ends in the middle")
    return _failures.malformed(model, "broken JSON")


async def read_some(response: Response, broken: Broken, model: str, limit: int) -> bytes:
    """The body of `response`, or its first `limit` bytes and some.

    Raises `Unreachable` where the connection breaks.
    """
    data = bytearray()
    try:
        async with aclosing(pieces_of(response)) as pieces:
            async for piece in pieces:
                data += piece
                if len(data) > limit:
                    break
    except broken:
        raise _failures.broken(model) from None
    return bytes(data)


def pieces_of(response: Response) -> AsyncGenerator[bytes]:
    """The body of `response` as it comes; to be closed."""
    # What httpx promises is an iterator; what it gives, and what must be closed, a generator.
    return cast(AsyncGenerator[bytes], response.aiter_raw())


def parse(raw: bytes) -> object:
    """JSON, or else the beginning of the text that it is."""
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return raw[:2000].decode("utf-8", "replace")


def encoding_of(response: Response) -> str:
    """What would have to be undone to read the body, "" where nothing would.

    Undone, a few bytes may become a gigabyte.
    """
    encoding = response.headers.get("content-encoding", "")
    return "" if encoding == "identity" else encoding
