"""What a 200 brings: a stream, one document, or no answer at all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from orch_nb.errors import BrokenAnswer
from orch_nb.providers import _failures
from orch_nb.providers._reading import (
    Broken,
    Event,
    Framing,
    Reader,
    Reading,
    Response,
    encoding_of,
    parse,
    read_some,
)
from orch_nb.providers._whole import Whole
from orch_nb.types import Delta, Usage

# Bytes of what is no answer that are read. Chosen.
_SAID = 65_536


@dataclass(frozen=True, slots=True)
class Opening:
    """How the answers of one provider are read.

    ``framing`` takes a stream of the content type ``stream_type`` apart, with the limit in bytes.
    ``read_whole`` understands a document, and ``count`` says what it cost. ``describe`` is what a
    failure says.
    """

    framing: Callable[[int], Framing]
    stream_type: str
    reader: Callable[[str], Reader]
    read_whole: Callable[[Event, str], Delta]
    count: Callable[[Event], Usage | None]
    describe: Callable[[object], str]
    limit: int

    async def open(
        self, response: Response, broken: Broken, model: str, *, streams: bool
    ) -> Reading | Whole:
        """What reads the answer in `response`.

        A server that streams although it was not asked to is understood. Raises for a login page,
        an error, what is packed, or a document where a stream was asked for.
        """
        if encoding := encoding_of(response):  # undone, a few bytes may become a gigabyte
            raise _failures.malformed(model, f"{encoding} where none was asked for")
        kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind == self.stream_type or (streams and not kind):
            return Reading(self.framing(self.limit), self.reader(model), model, self.describe)
        if not streams and kind in ("", "application/json"):
            return Whole(self.read_whole, self.count, model, self.describe, self.limit)
        if kind == "application/json":
            raise self._unstreamed(await read_some(response, broken, model, _SAID), model)
        wanted = self.stream_type if streams else "application/json"
        raise _failures.malformed(model, f"{kind} instead of {wanted}")

    def _unstreamed(self, raw: bytes, model: str) -> Exception:
        if not raw.strip():
            return _failures.empty(model)
        document = parse(raw)
        if not isinstance(document, dict):
            return _failures.malformed(model, f"no {self.stream_type}")
        if document.get("error"):
            return _failures.from_event(model, self.describe(document))
        return BrokenAnswer(
            model, "the server did not stream; set `stream: false` for it, or check base_url"
        )
