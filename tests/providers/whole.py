"""The contract once more, of answers that come whole: what is not so in pieces stands here."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from orch_nb.errors import BrokenAnswer, ProviderError, TimedOut, Unreachable
from orch_nb.types import Delta, Message, Request, Usage
from providers.asking import PROMPT, sent
from providers.contract import TEXTS, Contract
from providers.faults import FAILURES
from stub.answer import count, digest, split
from stub.client import Stub
from stub.spec import STREAM_ONLY, parse

ASK = Request((Message("user", PROMPT),))
#: Faults of time; there is no limit but that of the attempt.
SLOW = ["hang", "hang_headers", "hang_mid", "slow?s=60", "drip?n=4&delay=0.02&words=900"]


def plain(fault: str) -> bool:
    """Whether `fault` can strike an answer that comes whole."""
    name = parse(fault).name
    return name not in STREAM_ONLY and name != "json_for_stream"


class Whole(Contract):
    """Subclasses say what `FULL` becomes, as those of the contract do."""

    stream = False

    def test_text_comes_piece_by_piece(self, stub: Stub) -> None:
        """It comes at once, after a sign that the server has begun to answer."""

        async def deltas() -> list[Delta]:
            async with self.opened(self.url(stub)) as provider:
                return [delta async for delta in provider.stream(ASK, "m")]

        begun, answer = asyncio.run(deltas())
        assert begun == Delta()
        assert answer.text.startswith(f"echo {digest(PROMPT)} ")
        assert answer.finish == "stop"

    def test_there_is_no_time_to_the_first_text(self, stub: Stub) -> None:
        assert self.answer(stub).ttft is None

    def test_a_call_may_ask_otherwise_than_the_settings(self, stub: Stub) -> None:
        streamed = replace(ASK, wants=replace(ASK.wants, stream=True))
        unstreamed = replace(ASK, wants=replace(ASK.wants, stream=False))
        self.answer(stub, streamed, stream=False)
        self.answer(stub, unstreamed, stream=True)
        assert [entry.stream for entry in sent(stub)] == [True, False]

    def test_a_stream_that_nobody_asked_for_is_understood(self, stub: Stub) -> None:
        stub.rule("alpha", "stream_for_json")
        answer = self.answer(stub)
        assert answer.text.startswith(f"echo {digest(PROMPT)} ")
        assert answer.finish == "stop"
        assert answer.usage in (None, Usage(count(PROMPT), len(split(answer.text)), 0, "known"))

    @pytest.mark.parametrize("fault", [fault for fault in TEXTS if plain(fault)])
    def test_every_character_arrives(self, stub: Stub, fault: str) -> None:
        super().test_every_character_arrives(stub, fault)

    @pytest.mark.parametrize(
        ("fault", "kind", "status"), [row for row in FAILURES if plain(row[0])]
    )
    def test_a_failure_has_its_name_and_harms_nothing(
        self, stub: Stub, fault: str, kind: type[ProviderError], status: int | None
    ) -> None:
        super().test_a_failure_has_its_name_and_harms_nothing(stub, fault, kind, status)

    def test_what_is_no_answer_has_its_count(self, stub: Stub) -> None:
        """A call that cannot be read was billed all the same."""
        seen: list[Delta] = []

        async def collect() -> None:
            async with self.opened(self.url(stub)) as provider:
                async for delta in provider.stream(ASK, "m"):
                    seen.append(delta)

        stub.rule("alpha", "tool?arguments=none")
        with pytest.raises(BrokenAnswer):
            asyncio.run(collect())
        (billed,) = stub.bill().values()
        usage = Usage(billed["input"], billed["output"], 0, "known")
        assert seen == [Delta(), Delta(usage=usage)]

    @pytest.mark.parametrize("fault", SLOW)
    def test_a_slow_answer_ends_at_its_limit(self, stub: Stub, fault: str) -> None:
        stub.rule("alpha", fault)
        error = self.failure(self.url(stub), attempt=0.5)
        assert type(error) is TimedOut
        assert "limits.attempt" in str(error)
        stub.wait_idle()
        assert sent(stub)[0].hung_up is not None

    def test_a_connection_that_breaks_may_hide_an_answer(self, stub: Stub) -> None:
        for fault in ("close", "reset"):
            self.strike(stub, fault)
            error = self.failure(self.url(stub))
            assert isinstance(error, Unreachable)
            assert error.asked
        nobody = self.failure(f"http://127.0.0.1:{stub.dead_port()}{self.path}")
        assert isinstance(nobody, Unreachable)
        assert not nobody.asked

    def test_closing_early_closes_the_connection(self, stub: Stub) -> None:
        async def begin() -> None:
            async with self.opened(self.url(stub)) as provider:
                asking = asyncio.create_task(self.ask(provider))
                while not sent(stub):
                    await asyncio.sleep(0.01)
                asking.cancel()
                await asyncio.wait([asking])
                await asyncio.to_thread(stub.wait_idle)

        stub.rule("alpha", "hang")
        asyncio.run(begin())
        assert sent(stub)[0].hung_up is not None
        assert stub.stats().live == 0
