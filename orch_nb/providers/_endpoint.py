"""What a provider is given when it is made."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from orch_nb.errors import OrchError
from orch_nb.sanitize import mask
from orch_nb.settings import ModelSettings
from orch_nb.types import Request

_PROOF = re.compile(r"auth|key|token|secret|cookie|password", re.I)
_SECRET = 8  # characters of a word that is one; "Bearer" and "Basic" are shorter


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a provider is and how it is reached.

    ``name`` is the part of a model id before the colon. ``key`` never leaves the provider and is
    kept out of the repr. ``models`` is what the settings state, by the model's name without the
    provider. ``answer_limit`` is in bytes, ``connect`` in seconds. ``stream`` says whether answers
    come in pieces where the request leaves it open.
    """

    name: str
    base_url: str | None = None
    key: str | None = field(default=None, repr=False)
    key_env: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    organization: str | None = None
    models: Mapping[str, ModelSettings] = field(default_factory=dict)
    max_connections: int = 100
    connect: float = 5.0
    answer_limit: int = 8_000_000
    stream: bool = True

    def streams(self, request: Request) -> bool:
        """Whether the answer to `request` is to come in pieces."""
        asked = request.wants.stream
        return self.stream if asked is None else asked

    @property
    def host(self) -> str:
        """The host of ``base_url``, in lower case; "" without one."""
        return (urlsplit(self.base_url).hostname or "") if self.base_url else ""

    @property
    def local(self) -> bool:
        """Whether the address is this machine."""
        return self.host in ("localhost", "::1") or self.host.startswith("127.")

    @property
    def secrets(self) -> frozenset[str]:
        """What nobody may read: the key, and headers that are named like proof of who asks."""
        stated = {value for name, value in self.headers.items() if _PROOF.search(name)}
        # "Bearer x" is two words, and it is the second that a server would repeat.
        words = {word for value in stated for word in value.split() if len(word) >= _SECRET}
        return frozenset({self.key} if self.key else ()) | stated | words

    @contextmanager
    def masking(self) -> Iterator[None]:
        """Keep `secrets` out of the errors that are raised meanwhile, whatever a server echoes."""
        try:
            yield
        except OrchError as error:
            error.args = tuple(mask(str(said), self.secrets) for said in error.args)
            raise

    @property
    def key_hint(self) -> str:
        """What to do about a missing or refused key."""
        if self.key_env:
            return f"set {self.key_env} to a valid key, or run `%orch keys set {self.name}`"
        return f"run `%orch keys set {self.name}`, or name its variable in api_key_env in orch.yaml"
