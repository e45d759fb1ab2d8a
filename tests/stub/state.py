"""What the server was told and what it saw. A reset makes a new one."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from stub.wires.models import Row

#: What is asked for free: lists of models (LM Studio's own is "native"), Ollama's facts, and how
#: many tokens a prompt has.
LOOKUPS = frozenset({"models", "native", "show", "ps", "count"})


@dataclass(slots=True)
class Entry:
    """One request, as it is logged.

    ``wire`` is chat, responses, messages, ollama, one of `LOOKUPS`, or "" for an unknown path.
    ``hung_up`` is the seconds after which the client went away with the answer unfinished, else
    None; ``finished`` says that the whole answer was sent. The billed tokens are what a real
    provider would charge for: nothing for a request that no model saw, and of a broken stream what
    was sent.
    """

    provider: str
    wire: str
    method: str
    path: str
    model: str
    stream: bool
    headers: Mapping[str, str]
    body: Any
    prompt: str
    fault: str
    connection: int
    at: float = field(default_factory=time.time)
    seconds: float | None = None
    hung_up: float | None = None
    finished: bool = False
    billed_input: int = 0
    billed_output: int = 0


@dataclass(frozen=True, slots=True)
class Rule:
    """A standing answer.

    ``wire`` "*" is every wire that generates; those of `LOOKUPS` must be named. "models" is
    "native" as well.
    """

    provider: str
    spec: str
    model: str
    wire: str

    def matches(self, provider: str, wire: str, model: str) -> bool:
        generates = self.wire == "*" and wire not in LOOKUPS
        lists = self.wire == "models" and wire == "native"
        named = fnmatchcase(provider, self.provider) and fnmatchcase(model, self.model)
        return named and (generates or lists or wire == self.wire)


@dataclass(frozen=True, slots=True)
class Stats:
    """Numbers of one provider, or of all; ``live`` and ``connections`` are always of all.

    ``live`` is the open connections, ``connections`` how many brought a request.
    """

    requests: int
    inflight: int
    max_inflight: int
    connections: int
    live: int


class State:
    """Plans, rules and models to obey; the log and the counters to report."""

    def __init__(self) -> None:
        self.plans: defaultdict[str, deque[str]] = defaultdict(deque)
        self.rules: list[Rule] = []
        self.models: dict[str, list[Row]] = {}
        self.log: list[Entry] = []
        self.sink: list[dict[str, Any]] = []
        # The key None counts all providers together.
        self.inflight: Counter[str | None] = Counter()
        self.max_inflight: Counter[str | None] = Counter()
        self._changed = asyncio.Condition()

    def choose(self, provider: str, wire: str, model: str) -> str:
        """The spec for the next answer."""
        if wire not in LOOKUPS and self.plans[provider]:
            return self.plans[provider].popleft()
        for rule in reversed(self.rules):
            if rule.matches(provider, wire, model):
                return rule.spec
        return model.removeprefix("fault:") if model.startswith("fault:") else "ok"

    def begin(self, entry: Entry) -> None:
        self.log.append(entry)
        for key in (None, entry.provider):
            self.inflight[key] += 1
            self.max_inflight[key] = max(self.max_inflight[key], self.inflight[key])

    async def end(self, entry: Entry) -> None:
        entry.seconds = time.time() - entry.at
        for key in (None, entry.provider):
            self.inflight[key] -= 1
        async with self._changed:
            self._changed.notify_all()

    async def idle(self, seconds: float) -> None:
        """Wait until nothing is being answered. Raises TimeoutError after `seconds`."""
        async with asyncio.timeout(seconds), self._changed:
            await self._changed.wait_for(lambda: not self.inflight[None])

    def entries(self, provider: str | None) -> list[Entry]:
        return [e for e in self.log if provider in (None, e.provider)]

    def bill(self) -> dict[str, Counter[str]]:
        """Calls, input and output tokens that would be charged, by ``provider:model``."""
        bill: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for entry in self.log:
            if entry.billed_input:
                bill[f"{entry.provider}:{entry.model}"].update(
                    calls=1, input=entry.billed_input, output=entry.billed_output
                )
        return dict(bill)

    def stats(self, provider: str | None, live: int) -> Stats:
        return Stats(
            requests=len(self.entries(provider)),
            inflight=self.inflight[provider],
            max_inflight=self.max_inflight[provider],
            connections=len({entry.connection for entry in self.log}),
            live=live,
        )
