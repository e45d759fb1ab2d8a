"""Responses, as api.openai.com speaks it; here a loopback server does."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

import pytest
from openai.types.responses.input_token_count_params import InputTokenCountParams
from openai.types.responses.response_create_params import ResponseCreateParamsStreaming

from orch_nb.errors import BrokenAnswer, ProviderError, Rejected, ServerFailed
from orch_nb.providers import Endpoint, _responses
from orch_nb.providers._sdk import SDKProvider
from orch_nb.providers.openai import Provider
from orch_nb.types import Delta
from providers.asking import PROMPT
from providers.contract import FULL, Contract
from providers.extras import Counting


class TestResponses(Contract, Counting):
    wire = "responses"
    params = ResponseCreateParamsStreaming
    counted = InputTokenCountParams
    full_body: ClassVar = {
        "model": "m",
        "instructions": "Be brief.",
        "input": [
            {"type": "message", "role": "user", "content": "One?"},
            {"type": "message", "role": "assistant", "content": "1"},
            {"type": "message", "role": "user", "content": PROMPT},
        ],
        "temperature": 0,
        "max_output_tokens": 7,
        "stream": True,
        "store": False,
    }

    def make(self, endpoint: Endpoint) -> SDKProvider:
        return Provider(endpoint, wire=_responses)


@pytest.mark.parametrize(
    ("base_url", "path"),
    [
        (None, "/chat/completions"),
        ("https://api.openai.com/v1", "/responses"),
        ("https://API.OpenAI.com/v1", "/responses"),
        ("https://api.openai.com.example/v1", "/chat/completions"),
        ("http://127.0.0.1:1/api.openai.com/v1", "/chat/completions"),
    ],
)
def test_only_openais_own_host_speaks_responses(base_url: str | None, path: str) -> None:
    assert Provider(Endpoint("openai", base_url)).encode(FULL, "m")[0] == path


def test_no_key_says_which_variable_to_set() -> None:
    async def ask() -> None:
        endpoint = Endpoint("openai", "https://api.openai.com/v1", key_env="OPENAI_API_KEY")
        async for _ in Provider(endpoint).stream(FULL, "m"):
            pass

    with pytest.raises(ProviderError, match=r"^openai:m: no key; set OPENAI_API_KEY to"):
        asyncio.run(ask())


def read(event: dict[str, Any]) -> Delta:
    """What ends an answer that is nothing but `event`."""
    reader = _responses.Reader("openai:m")
    said = reader.take(event)
    return said if isinstance(said, Delta) else reader.end()


@pytest.mark.parametrize("details", [None, "content_filter", {"reason": None}, ["reason"]])
def test_an_odd_reason_to_end_early_is_the_token_limit(details: object) -> None:
    event = {"type": "response.incomplete", "response": {"incomplete_details": details}}
    assert read(event) == Delta(finish="length")


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        ({"type": "error", "code": "server_error", "message": "down"}, ServerFailed),
        ({"type": "response.failed", "response": {"error": None}}, ServerFailed),
        ({"type": "response.refusal.delta", "delta": "No."}, Rejected),
        ({"type": "response.completed", "response": []}, BrokenAnswer),
        ({"type": "response.output_text.delta", "delta": 5}, BrokenAnswer),
    ],
)
def test_every_event_that_ends_badly_is_one_of_our_errors(
    event: dict[str, Any], kind: type[ProviderError]
) -> None:
    with pytest.raises(ProviderError) as caught:
        read(event)
    assert type(caught.value) is kind
