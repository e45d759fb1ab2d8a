"""Conversations by name: what was said so far, with each model by itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from orch_nb.errors import InputError, UnknownNameError
from orch_nb.types import Message, Request, Response

# A model that goes on is asked for itself, whatever the session's strategy: one that spreads calls
# over instances would ask its namesakes at other providers, which know nothing of the thread.
_STRATEGY = "cost"


@dataclass(frozen=True, slots=True)
class Conversation:
    """What was said with one model: the instructions that it had last, and all turns."""

    system: str | None
    messages: tuple[Message, ...]


class Threads(Mapping[str, Mapping[str, Conversation]]):
    """The session's threads: by name, and in each by model, as none sees what others said.

    They live as long as the session. What failed or was stopped is no part of them.
    """

    def __init__(self) -> None:
        self._threads: dict[str, dict[str, Conversation]] = {}

    def continued(self, request: Request) -> Request:
        """`request` behind what its thread holds, for the model that it is with.

        Where nothing was said yet, as is. Raises `InputError` where it is not clear which model is
        to go on, or several would have to.
        """
        name, named = request.wants.thread, request.wants.models
        if name is None:
            return request
        if len(named) > 1:
            raise InputError(f"the thread {name!r} goes on with one model; name one")
        parts = self._threads.get(name, {})
        if not named and len(parts) > 1:
            said = f"the thread {name!r} is with {', '.join(parts)}"
            raise InputError(f"{said}; say which of them goes on with --model")
        model = _found(named[0], parts) if named else next(iter(parts), None)
        if model is None:
            return request
        if request.wants.checked or request.wants.verifier:
            raise InputError(
                f"the thread {name!r} goes on with {model} alone; check and verifier ask others"
            )
        before = parts[model]
        return replace(
            request,
            messages=(*before.messages, *request.messages),
            system=before.system if request.system is None else request.system,
            wants=replace(request.wants, models=(model,), strategy=_STRATEGY),
        )

    def add(self, request: Request, response: Response) -> None:
        """Let what was asked and answered be part of the thread of `request`, if it has one."""
        name = request.wants.thread
        # An answer without words, as one that only calls tools, is nothing that a model takes back.
        if name is None or not response.text.strip():
            return
        answer = Message("assistant", response.text)
        said = Conversation(request.system, (*request.messages, answer))
        self._threads.setdefault(name, {})[response.model] = said

    def clear(self, *names: str) -> None:
        """Forget the threads `names`, or all. Raises `UnknownNameError`."""
        for name in names:
            if name not in self._threads:
                raise UnknownNameError("thread", name, self._threads)
        for name in names or tuple(self._threads):
            del self._threads[name]

    def __getitem__(self, name: str) -> Mapping[str, Conversation]:
        return MappingProxyType(self._threads[name])

    def __iter__(self) -> Iterator[str]:
        return iter(tuple(self._threads))

    def __len__(self) -> int:
        return len(self._threads)


def _found(name: str, models: Mapping[str, object]) -> str | None:
    """The one of `models` that is called `name`, which may be without its provider."""
    return next((id for id in models if name in (id, id.partition(":")[2])), None)
