"""An answer that comes whole, as one JSON document, where no stream was asked for."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterator

from orch_nb.errors import BrokenAnswer, ProviderError
from orch_nb.providers import _failures
from orch_nb.providers._reading import Broken, Event, Response, json_reader, read_some
from orch_nb.types import Delta, Usage


class Whole:
    """One answer, read as `orch_nb.providers._reading.Reading` reads one that comes in pieces.

    Parameters
    ----------
    understand
        What the wire's document says, with ``finish`` set; raises a `ProviderError`.
    count
        What a document says that it cost.
    model
        Whom errors name.
    describe
        What a document says that holds an ``error``.
    limit
        Bytes of the document.
    """

    def __init__(
        self,
        understand: Callable[[Event, str], Delta],
        count: Callable[[Event], Usage | None],
        model: str,
        describe: Callable[[Event], str],
        limit: int,
    ) -> None:
        self._understand, self._count, self._model = understand, count, model
        self._describe, self._limit = describe, limit

    async def deltas(self, response: Response, broken: Broken) -> AsyncGenerator[Delta]:
        """A sign of life, because from here on it may be billed, and what is in the document.

        Raises a `ProviderError`.
        """
        yield Delta()
        raw = await read_some(response, broken, self._model, self._limit)
        if len(raw) > self._limit:
            raise BrokenAnswer(
                self._model,
                f"the answer passed limits.answer ({self._limit} bytes), and was stopped",
            )
        for delta in self.take(raw):
            yield delta

    def take(self, raw: bytes) -> Iterator[Delta]:
        """The answer in the document `raw`.

        Raises a `ProviderError`, after the count of what is no answer and was billed all the same.
        """
        document = json_reader(self._model)(raw)
        if not isinstance(document, dict):
            raise _failures.malformed(self._model, "JSON that is no object")
        try:
            answer = self._read(document)
        except ProviderError:
            if usage := self._count(document):
                yield Delta(usage=usage)
            raise
        yield answer

    def _read(self, document: Event) -> Delta:
        if document.get("error"):
            raise _failures.from_event(self._model, self._describe(document))
        return self._understand(document, self._model)
