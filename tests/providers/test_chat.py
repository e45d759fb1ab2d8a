"""Chat Completions, as every compatible server speaks it."""

from __future__ import annotations

from typing import ClassVar

import pytest
from openai.types.chat.completion_create_params import CompletionCreateParamsStreaming

from orch_nb.providers import Endpoint
from orch_nb.providers._sdk import SDKProvider
from orch_nb.providers.compatible import Provider
from providers.asking import PROMPT
from providers.contract import Contract
from providers.extras import RICH
from stub.client import Stub


class TestChat(Contract):
    wire = "chat"
    params = CompletionCreateParamsStreaming
    full_body: ClassVar = {
        "model": "m",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "One?"},
            {"role": "assistant", "content": "1"},
            {"role": "user", "content": PROMPT},
        ],
        "temperature": 0,
        "max_tokens": 7,
        "stream": True,
        "stream_options": {"include_usage": True},
    }

    def make(self, endpoint: Endpoint) -> SDKProvider:
        return Provider(endpoint)

    def test_nothing_counts_tokens_here(self, stub: Stub) -> None:
        assert self.count(stub, RICH) is None
        assert stub.log() == []

    def test_without_a_key_none_is_sent(self, stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OPENAI_API_KEY", "sk-of-another-host")
        self.answer(stub, key=None)
        assert "authorization" not in stub.log()[0].headers

    def test_a_stated_header_takes_the_place_of_the_key(self, stub: Stub) -> None:
        self.answer(stub, key=None, headers={"AUTHORIZATION": "Token t"})
        assert stub.log()[0].headers["authorization"] == "Token t"

    def test_the_organization_is_named_when_it_is_set(self, stub: Stub) -> None:
        self.answer(stub, organization="org-blue")
        self.answer(stub)
        first, second = (entry.headers for entry in stub.log())
        assert first["openai-organization"] == "org-blue"
        assert "openai-organization" not in second

    @pytest.mark.parametrize(("keep", "counted"), [(1, False), (2, True)])
    def test_the_end_mark_is_a_finish_reason(self, stub: Stub, keep: int, counted: bool) -> None:
        stub.rule("alpha", f"no_done?keep={keep}")  # some servers send no [DONE]
        answer = self.answer(stub)
        assert answer.finish == "stop"
        assert (answer.usage is not None) is counted
