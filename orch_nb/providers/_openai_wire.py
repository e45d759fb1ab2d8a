"""What the OpenAI SDK reaches: OpenAI itself, and every server that speaks its wire format."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any, ClassVar, Protocol

from orch_nb.providers import _chat, _responses
from orch_nb.providers._endpoint import Endpoint
from orch_nb.providers._reading import Event, Reader
from orch_nb.providers._sdk import SDKProvider
from orch_nb.types import Delta, Request, Usage

OPENAI_HOST = "api.openai.com"


class Wire(Protocol):
    """A wire format, which is a module with these names."""

    PATH: str

    def encode(self, request: Request, model: str, *, stream: bool) -> Event: ...
    def read_whole(self, document: Event, model: str) -> Delta: ...
    def count_of(self, document: Event) -> Usage | None: ...
    @property
    def Reader(self) -> Callable[[str], Reader]: ...  # noqa: N802 - a class


class OpenAIWire(SDKProvider):
    """Any server that the official ``openai`` SDK reaches."""

    sdk: ClassVar[str] = "openai"
    models_path: ClassVar[str] = "/models"

    def __init__(self, endpoint: Endpoint, wire: Wire | None = None) -> None:
        """`wire` None is Responses for api.openai.com and Chat Completions for all others."""
        super().__init__(endpoint)
        self._wire = wire or (_responses if endpoint.host == OPENAI_HOST else _chat)

    def make_client(self, sdk: ModuleType, http_client: Any) -> Any:
        """`openai.AsyncOpenAI`, which cannot be made without some key."""
        return sdk.AsyncOpenAI(
            base_url=self.endpoint.base_url,
            api_key=self.endpoint.key or "none",
            http_client=http_client,
            max_retries=0,
        )

    def own_headers(self, sdk: ModuleType) -> dict[str, Any]:
        """No key, organization or project but those of the settings."""
        headers: dict[str, Any] = {
            "OpenAI-Organization": self.endpoint.organization or sdk.Omit(),
        }
        if self.endpoint.host != OPENAI_HOST:
            headers["OpenAI-Project"] = sdk.Omit()
        if self.endpoint.key is None:
            headers["Authorization"] = sdk.Omit()
        return headers

    def encode(self, request: Request, model: str) -> tuple[str, Event]:
        """Path and body of the wire."""
        stream = self.endpoint.streams(request)
        return self._wire.PATH, self._wire.encode(request, model, stream=stream)

    async def count_tokens(self, request: Request, model: str) -> int | None:
        """As Responses counts them; Chat Completions has no counting."""
        if self._wire is not _responses:
            return None
        uncounted = ("stream", "store", "temperature", "max_output_tokens")
        body = _responses.encode(request, model, stream=False)
        body = {name: value for name, value in body.items() if name not in uncounted}
        return await self.count_by(f"{_responses.PATH}/input_tokens", model, body)

    def reader(self, model: str) -> Reader:
        """The wire's own."""
        return self._wire.Reader(model)

    def read_whole(self, document: Event, model: str) -> Delta:
        """As the wire has it."""
        return self._wire.read_whole(document, model)

    def count_of(self, document: Event) -> Usage | None:
        """As the wire counts."""
        return self._wire.count_of(document)
