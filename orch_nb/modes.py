"""The modes of a session: what asks models, what records them too, and what asks nobody."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from orch_nb.engine import Engine, Memories
from orch_nb.errors import BrokenAnswer, RecordingError
from orch_nb.invoke.call import Call
from orch_nb.providers._connect import Connection
from orch_nb.registry.catalog import Catalog
from orch_nb.settings import Settings
from orch_nb.store.recording import Recording
from orch_nb.types import Decision, Request, Response, Usage

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
    """Asks models, and writes what they answer beside the notebook; errors are not written."""

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
        response = await super()._ask(call, settings, deadline)
        kept = self._recording.keep_answer(call.request, settings, response)
        call.decision = kept.decision
        return kept

    async def select(self, request: Request, settings: Settings) -> Decision:
        """As `Engine.select` does, and record it."""
        decision = await super().select(request, settings)
        return self._recording.keep_decision(request, settings, decision)

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
        self.catalog = _NoCatalog({}, {})
        self._recording = _recording(memories)

    async def _ask(self, call: Call, settings: Settings, deadline: float) -> Response:
        response = self._recording.answer(call.request, settings)
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
        """The recorded decision. Raises `RecordingError`."""
        return self._recording.decision(request, settings)

    async def pinnable(self, tool: str, name: str) -> str:
        """`name` as it is: who has it was checked when the notebook was recorded."""
        if ":" not in name:
            raise RecordingError(f"{name!r} must be a full id, provider:model, to be replayed")
        return name

    async def count_tokens(self, request: Request, settings: Settings) -> Usage:
        """The tokens as they were counted. Raises `RecordingError`."""
        return self._recording.tokens(request, settings)


class _NoCatalog(Catalog):
    """Knows no model, and says so to whoever asks for one."""

    async def discover(
        self, names: Collection[str] | None = None, *, refresh: bool = False
    ) -> None:
        """Raise `RecordingError`."""
        raise RecordingError(_UNASKED)

    async def prepare(self, names: Sequence[str]) -> None:
        """Raise `RecordingError`."""
        raise RecordingError(_UNASKED)


def _secrets(connections: Mapping[str, Connection]) -> Iterator[str]:
    for connection in connections.values():
        endpoint = connection.endpoint
        yield endpoint.key or ""
        yield from (text for name, text in endpoint.headers.items() if _SECRET.search(name))
