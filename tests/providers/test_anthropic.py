"""Anthropic Messages."""

from __future__ import annotations

from typing import ClassVar

import pytest
from anthropic.types import MessageCountTokensParams
from anthropic.types.message_create_params import MessageCreateParamsStreaming

from orch_nb.errors import KeyRefused
from orch_nb.providers import Endpoint
from orch_nb.providers._sdk import SDKProvider
from orch_nb.providers.anthropic import Provider, read_counts
from orch_nb.types import Message, Request, Usage
from providers.asking import PROMPT
from providers.contract import Contract
from providers.extras import Counting
from stub.client import Stub


class TestAnthropic(Contract, Counting):
    wire = "messages"
    path = ""
    params = MessageCreateParamsStreaming
    counted = MessageCountTokensParams
    extra = frozenset({"temperature"})
    full_body: ClassVar = {
        "model": "m",
        "system": "Be brief.",
        "messages": [
            {"role": "user", "content": "One?"},
            {"role": "assistant", "content": "1"},
            {"role": "user", "content": PROMPT},
        ],
        "temperature": 0,
        "max_tokens": 7,
        "stream": True,
    }

    def make(self, endpoint: Endpoint) -> SDKProvider:
        return Provider(endpoint)

    def test_without_a_key_nothing_is_sent(
        self, stub: Stub, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("ANTHROPIC_AUTH_TOKEN", "of-another-tool")
        error = self.failure(self.url(stub), endpoint={"key": None, "key_env": "ANTHROPIC_API_KEY"})
        assert type(error) is KeyRefused
        assert "set ANTHROPIC_API_KEY" in str(error)
        assert stub.log() == []

    def test_a_maximum_is_always_sent(self, stub: Stub) -> None:
        self.answer(stub, Request((Message("user", "Hello?"),)))
        assert stub.log()[0].body["max_tokens"] >= 4096

    @pytest.mark.parametrize("keep", [1, 2])
    def test_a_stop_reason_is_no_end_mark(self, stub: Stub, keep: int) -> None:
        stub.rule("alpha", f"no_done?keep={keep}")
        assert "no end mark" in str(self.failure(self.url(stub)))


def test_tokens_written_to_the_cache_are_input() -> None:
    counts = {
        "input_tokens": 5,
        "cache_read_input_tokens": 20,
        "cache_creation_input_tokens": 300,
        "output_tokens": 7,
    }
    assert read_counts(counts) == Usage(325, 7, 20)
