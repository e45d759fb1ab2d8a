"""An answer that comes whole, as one JSON document, where no stream was asked for."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable

from orch_nb.errors import BrokenAnswer
from orch_nb.providers import _failures
from orch_nb.providers._reading import Broken, Event, Response, json_reader, read_some
from orch_nb.types import Delta


class Whole:
    """One answer, read as `orch_nb.providers._reading.Reading` reads one that comes in pieces.

    Parameters
    ----------
    understand
        What the wire's document says, with ``finish`` set; raises a `ProviderError`.
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
        model: str,
        describe: Callable[[Event], str],
        limit: int,
    ) -> None:
        self._understand, self._model = understand, model
        self._describe, self._limit = describe, limit

    async def deltas(self, response: Response, broken: Broken) -> AsyncGenerator[Delta]:
        """A sign of life, because from here on it may be billed, and the answer.

        Raises a `ProviderError`.
        """
        yield Delta()
        raw = await read_some(response, broken, self._model, self._limit)
        if len(raw) > self._limit:
            raise BrokenAnswer(
                self._model,
                f"the answer passed limits.answer ({self._limit} bytes), and was stopped",
            )
        yield self.read(raw)

    def read(self, raw: bytes) -> Delta:
        """The answer in the document `raw`. Raises a `ProviderError`."""
        document = json_reader(self._model)(raw)
        if not isinstance(document, dict):
            raise _failures.malformed(self._model, "JSON that is no object")
        if document.get("error"):
            raise _failures.from_event(self._model, self._describe(document))
        return self._understand(document, self._model)
