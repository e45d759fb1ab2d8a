"""The modes of a session: what asks models, what records them too, and what asks nobody.

Recorded is all that the caller gets to see: answers and errors, choices, counts of tokens, the
list of models and what a bare name meant. A stop by the user is not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from orch_nb.engine import Engine, Memories
from orch_nb.errors import BrokenAnswer, OrchError, RecordingError
from orch_nb.invoke.call import Call
from orch_nb.providers._connect import Connection
from orch_nb.registry.recorded_catalog import RecordedCatalog
from orch_nb.settings import Settings
from orch_nb.store.recorded import fixed
from orch_nb.store.recorded_error import RecordedError
from orch_nb.store.recording import Recording
from orch_nb.types import Decision, ModelCard, Request, Response, Usage

# Headers whose values are secrets; others hold words that an answer may hold as well.
_SECRET = re.compile("auth|key|token|secret|cookie", re.I)
_UNASKED = "the mode replay asks no provider; set the mode to live or record for this"


def open_engine(
    settings: Settings,
    connections: Mapping[str, Connection],
    directory: Path,
    memories: Memories,
) -> Engine:
    """What answers in the mode of `settings`; see `orch_nb.engine.Engine`."""
    engines = {"live": Engine, "record": RecordingEngine, "replay": ReplayingEngine}
    kept = memories.recording
    if settings.mode == "live":
        memories.recording = None
    elif kept is None or kept.mode != settings.mode:
        memories.recording = Recording(directory, settings.mode)
    return engines[settings.mode](settings, connections, directory, memories)


def _recording(memories: Memories) -> Recording:
    """The session's: what it has recorded or replayed so far does not end with its connections."""
    assert memories.recording is not None
    return memories.recording


class RecordingEngine(Engine):
    """Asks models, and writes what comes of it beside the notebook."""

    def __init__(
        self,
        settings: Settings,
        connections: Mapping[str, Connection],
        directory: Path,
        memories: Memories,
    ) -> None:
        super().__init__(settings, connections, directory, memories)
        self._recording = _recording(memories)
        self._recording.secrets = tuple(filter(None, _secrets(connections)))

    async def _ask(self, call: Call, settings: Settings, deadline: float) -> Response:
        try:
            response = await super()._ask(call, settings, deadline)
        except OrchError as error:
            trail = call.trail
            self._recording.keep_error(
                call.request,
                settings,
                error,
                attempts=tuple(trail.attempts),
                decision=call.decision,
                text=trail.current.text if trail.current is not None and trail.shown else "",
            )
            raise
        kept = self._recording.keep_answer(call.request, settings, response)
        call.decision = kept.decision
        return kept

    async def select(self, request: Request, settings: Settings) -> Decision:
        """As `Engine.select` does, and record it."""
        try:
            decision = await super().select(request, settings)
        except OrchError as error:
            self._recording.keep_refusal(request, settings, error)
            raise
        return self._recording.keep_decision(request, settings, decision)

    async def models(self) -> list[ModelCard]:
        """As `Engine.models` does, and record them."""
        cards = await super().models()
        places = {name: _address(place) for name, place in self.catalog.places().items()}
        absent = self.catalog.unreachable()
        self._recording.keep_models(cards=tuple(cards), places=places, absent=absent)
        return cards

    async def pinnable(self, tool: str, name: str) -> str:
        """As `Engine.pinnable` does, and record what a bare name meant."""
        model = await super().pinnable(tool, name)
        if model != name:
            pins = self._recording.models().pins
            self._recording.keep_models(pins={**pins, name: model})
        return model

    async def count_tokens(self, request: Request, settings: Settings) -> Usage:
        """As `Engine.count_tokens` does, and record it."""
        usage = await super().count_tokens(request, settings)
        self._recording.keep_tokens(request, settings, usage)
        return usage


class ReplayingEngine(Engine):
    """Answers from the recording, and has no connection that anything could be asked over."""

    def __init__(
        self,
        settings: Settings,
        connections: Mapping[str, Connection],
        directory: Path,
        memories: Memories,
    ) -> None:
        super().__init__(settings, {}, directory, memories)
        self._recording = _recording(memories)
        self.catalog = RecordedCatalog(self._recording.models, _UNASKED)

    async def _ask(self, call: Call, settings: Settings, deadline: float) -> Response:
        call.replayed = True
        response = self._recording.answer(call.request, settings)
        if isinstance(response, RecordedError):
            call.decision = None if response.decision is None else fixed(response.decision)
            call.trail.attempts.extend(response.attempts)
            if call.show is not None and response.text:
                call.show("".join(response.text))
            raise response.restored()
        if call.form is not None and response.finish != "tool":
            try:
                parsed = call.form.read(response.model, response.text)
            except BrokenAnswer as error:
                said = f"the recorded answer no longer fits ({error}); run with ORCH_MODE=record"
                raise RecordingError(said) from None
            response = replace(response, parsed=parsed)
        call.decision = response.decision
        call.trail.attempts.extend(response.attempts)
        if call.show is not None and response.text:
            call.show(response.text)
        return response

    async def select(self, request: Request, settings: Settings) -> Decision:
        """The recorded decision. Raises `RecordingError`, or what was raised instead of it."""
        return self._recording.decision(request, settings)

    async def pinnable(self, tool: str, name: str) -> str:
        """`name` as it is: who has it was checked when the notebook was recorded."""
        model = name if ":" in name else self._recording.models().pinned(name)
        if model is None:
            raise RecordingError(
                f"what {name!r} meant is not recorded; give a full id, provider:model, or run it "
                "once with ORCH_MODE=record"
            )
        return model

    async def count_tokens(self, request: Request, settings: Settings) -> Usage:
        """The tokens as they were counted. Raises `RecordingError`."""
        return self._recording.tokens(request, settings)


def _address(place: str) -> str:
    """Where a server is, without what may be a password."""
    seen = urlsplit(place)
    return f"{seen.scheme}://{seen.netloc.rpartition('@')[2]}" if seen.netloc else ""


def _secrets(connections: Mapping[str, Connection]) -> Iterator[str]:
    for connection in connections.values():
        endpoint = connection.endpoint
        yield endpoint.key or ""
        yield from (text for name, text in endpoint.headers.items() if _SECRET.search(name))
