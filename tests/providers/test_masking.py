"""Whatever an event of a server says, no error repeats the key."""

from __future__ import annotations

import asyncio

import pytest

from orch_nb.errors import ProviderError
from orch_nb.providers import Endpoint, _chat, _responses
from orch_nb.providers._openai_wire import Wire
from orch_nb.providers.openai import Provider
from orch_nb.types import Message, Request
from stub.client import Stub
from stub.spec import write

KEY = "Onyx7Quartz5Velvet"
REQUEST = Request((Message("user", "hi"),))


@pytest.mark.parametrize("wire", [_chat, _responses])
@pytest.mark.parametrize("length", [0, 320, 328, 334])  # where messages are cut
def test_a_failure_in_the_middle_is_masked(stub: Stub, wire: Wire, length: int) -> None:
    stub.rule("openai", write("err_mid", after=1, msg=f"{'x' * length} bad key {KEY}"))

    async def ask() -> str:
        provider = Provider(Endpoint("openai", stub.url("openai", "/v1"), KEY), wire=wire)
        try:
            with pytest.raises(ProviderError) as caught:
                async for _ in provider.stream(REQUEST, "m"):
                    pass
            return str(caught.value)
        finally:
            await provider.close()

    said = asyncio.run(ask())
    assert "bad key" in said
    assert KEY[:6] not in said
