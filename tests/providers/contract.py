"""What every provider that speaks a real wire must do, whatever the wire."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import Any, ClassVar

import pytest

from orch_nb.errors import (
    BrokenAnswer,
    ContextTooLong,
    KeyRefused,
    ProviderError,
    QuotaSpent,
    TimedOut,
    Unreachable,
)
from orch_nb.invoke.attempt import Answer
from orch_nb.types import Message, Parameters, Request, Usage
from providers.asking import KEY, PROMPT, check_type, sent
from providers.extras import Extras
from providers.faults import FAILURES, LISTS, RETRY_AFTER, SLOW
from stub.answer import compose, count, digest, split
from stub.client import Stub
from stub.spec import parse

FULL = Request(
    messages=(
        Message("user", "One?"),
        Message("assistant", "1"),
        Message("user", PROMPT),
    ),
    system="Be brief.",
    parameters=Parameters(temperature=0.0, max_tokens=7),
)


TEXTS = ["u2028", "surrogate", "nul", "split_utf8", "crlf", "unknown_event", "pings?n=2&delay=0"]


class Contract(Extras):
    """Subclasses say which wire; `full_body` is what `FULL` must become."""

    full_body: ClassVar[dict[str, Any]]
    #: Faults that strike a kept connection, over which the wire has looked something up before.
    sent_again: ClassVar[frozenset[str]] = frozenset()

    def strike(self, stub: Stub, fault: str) -> None:
        """Have the next answer, and no other, end in `fault`."""
        stub.plan("alpha", *[fault] * (1 + (fault in self.sent_again)))

    # -- answers

    def test_the_answer_is_the_servers(self, stub: Stub) -> None:
        answer = self.answer(stub)
        (entry,) = sent(stub)
        assert (entry.wire, entry.model, entry.prompt) == (self.wire, "m", PROMPT)
        assert answer.text.startswith(f"echo {digest(PROMPT)} ")
        assert answer.usage == Usage(count(PROMPT), len(split(answer.text)), 0, "known")
        assert answer.finish == "stop"
        assert entry.finished

    def test_text_comes_piece_by_piece(self, stub: Stub) -> None:
        stub.rule("alpha", "ok?delay=0.02")

        async def pieces() -> list[str]:
            async with self.opened(self.url(stub)) as provider:
                stream = provider.stream(Request((Message("user", PROMPT),)), "m")
                return [delta.text async for delta in stream if delta.text]

        said = asyncio.run(pieces())
        # Pieces that came while nobody read may be one.
        assert len(said) > 1
        assert [word for piece in said for word in split(piece)] == split("".join(said))

    def test_what_the_cache_of_the_provider_held_is_part_of_the_input(self, stub: Stub) -> None:
        stub.rule("alpha", "ok?cached=3")
        usage = self.answer(stub).usage
        assert usage is not None
        assert (usage.input_tokens, usage.cached_tokens) == (count(PROMPT), 3)

    @pytest.mark.parametrize("kind", ["neg", "str", "nan", "huge", "float", "null", "bool", "list"])
    def test_an_absurd_count_is_no_count(self, stub: Stub, kind: str) -> None:
        stub.rule("alpha", f"bad_usage?kind={kind}")
        assert self.answer(stub).usage is None

    def test_no_count_is_no_failure(self, stub: Stub) -> None:
        stub.rule("alpha", "no_usage")
        answer = self.answer(stub)
        assert answer.usage is None
        assert answer.finish == "stop"

    def test_an_answer_cut_at_max_tokens_says_so(self, stub: Stub) -> None:
        stub.rule("alpha", "length")
        assert self.answer(stub).finish == "length"

    @pytest.mark.parametrize("fault", TEXTS)
    def test_every_character_arrives(self, stub: Stub, fault: str) -> None:
        stub.rule("alpha", fault)
        said = compose(parse(fault), PROMPT, "m", 1).text
        assert said is not None
        assert self.answer(stub).text == said.replace("\ud800", "\ufffd").replace(
            "\udc00", "\ufffd"
        )

    # -- what is sent

    def test_the_body_is_the_wires_own(self, stub: Stub) -> None:
        self.answer(stub, FULL)
        self.answer(stub)
        full, bare = (entry.body for entry in sent(stub))
        assert full == self.full_body
        for body in (full, bare):
            check_type(self.params, body)
            assert body.keys() - self.params.__annotations__.keys() <= self.extra
        assert "temperature" not in bare

    def test_headers_say_who_asks_and_nothing_else(
        self, stub: Stub, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        leaks = {
            "OPENAI_API_KEY": "leak",
            "OPENAI_ADMIN_KEY": "leak",
            "OPENAI_ORG_ID": "leak",
            "OPENAI_PROJECT_ID": "leak",
            "OPENAI_CUSTOM_HEADERS": "X-A: leak\nAuthorization: Bearer leak\nX-Team: leak",
            "ANTHROPIC_AUTH_TOKEN": "leak",
            "ANTHROPIC_CUSTOM_HEADERS": "X-A: leak\nX-Api-Key: leak\nX-Team: leak",
        }
        for name, value in leaks.items():
            monkeypatch.setenv(name, value)
        self.answer(stub, headers={"x-team": "blue"})
        (entry,) = sent(stub)
        assert not [name for name, value in entry.headers.items() if "leak" in value]
        assert entry.headers["x-team"] == "blue"
        assert entry.headers["accept-encoding"] == "identity"
        carriers = [name for name, value in entry.headers.items() if KEY in value]
        assert carriers == ["authorization"]

    def test_a_key_that_no_header_can_hold_is_never_sent(self, stub: Stub) -> None:
        for key in ("sk-schlüssel", "sk-a\nX-Other: b", " sk-a"):
            error = self.failure(self.url(stub), endpoint={"key": key, "key_env": "TEAM_KEY"})
            assert isinstance(error, KeyRefused)
            assert "TEAM_KEY" in str(error)
            assert key.strip() not in str(error)
        assert stub.log() == []

    # -- failures

    @pytest.mark.parametrize(("fault", "kind", "status"), FAILURES)
    def test_a_failure_has_its_name_and_harms_nothing(
        self, stub: Stub, fault: str, kind: type[ProviderError], status: int | None
    ) -> None:
        async def twice() -> tuple[ProviderError, Answer]:
            async with self.opened(self.url(stub)) as provider:
                with pytest.raises(ProviderError) as caught:
                    await self.ask(provider)
                return caught.value, await self.ask(provider)

        self.strike(stub, fault)
        error, answer = asyncio.run(twice())
        assert type(error) is kind
        assert error.status == status
        message = str(error)
        assert message.startswith("alpha:m: ")
        assert "\n" not in message
        assert "<" not in message
        assert KEY not in message + repr(vars(error))
        assert error.__suppress_context__ or error.__context__ is None
        assert answer.finish == "stop"
        assert stub.sink_log() == []

    @pytest.mark.parametrize("fault", ["quota", "context"])
    def test_the_providers_own_words_are_understood(self, stub: Stub, fault: str) -> None:
        stub.rule("alpha", fault)
        expected = {"quota": QuotaSpent, "context": ContextTooLong}[fault]
        assert type(self.failure(self.url(stub))) is expected

    def test_an_answer_without_a_byte_is_said_to_be_empty(self, stub: Stub) -> None:
        stub.rule("alpha", "empty")
        assert "the server's answer is empty" in str(self.failure(self.url(stub)))

    @pytest.mark.parametrize(("fault", "bounds"), RETRY_AFTER)
    def test_the_servers_pause_is_read_where_it_makes_sense(
        self, stub: Stub, fault: str, bounds: tuple[float, float] | None
    ) -> None:
        stub.rule("alpha", fault)
        wait = self.failure(self.url(stub)).retry_after
        if bounds is None:
            assert wait is None
        else:
            assert wait is not None
            assert bounds[0] <= wait <= bounds[1]

    @pytest.mark.parametrize(("fault", "limits", "named"), SLOW)
    def test_a_slow_answer_ends_at_its_limit(
        self, stub: Stub, fault: str, limits: dict[str, float], named: str
    ) -> None:
        stub.rule("alpha", fault)
        error = self.failure(self.url(stub), **limits)
        assert type(error) is TimedOut
        assert named in str(error)
        stub.wait_idle()
        assert sent(stub)[0].hung_up is not None

    @pytest.mark.parametrize("fault", ["big?mb=2", "bigline?mb=2"])
    def test_a_huge_answer_is_stopped(self, stub: Stub, fault: str) -> None:
        stub.rule("alpha", fault)
        error = self.failure(self.url(stub), endpoint={"answer_limit": 100_000}, answer=100_000)
        assert type(error) is BrokenAnswer
        assert "limits.answer" in str(error)
        stub.wait_idle()

    def test_no_proxy_stands_before_this_machine(
        self, stub: Stub, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{stub.dead_port()}")
        assert self.answer(stub).finish == "stop"

    @pytest.mark.parametrize(
        ("variable", "value"),
        [
            ("SSL_CERT_FILE", "no-such-file.pem"),
            ("ALL_PROXY", "socks5://127.0.0.1:9"),
            ("HTTPS_PROXY", "nothing://x"),
        ],
    )
    def test_an_environment_without_a_client_is_one_line(
        self, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
    ) -> None:
        monkeypatch.setenv(variable, value)

        async def listed() -> None:
            async with self.opened("https://models.invalid/v1") as provider:
                await provider.list_models()

        with pytest.raises(Unreachable, match=variable):
            asyncio.run(listed())

    def test_a_server_that_is_not_there(self, stub: Stub) -> None:
        refused = f"http://127.0.0.1:{stub.dead_port()}{self.path}"
        assert type(error := self.failure(refused)) is Unreachable
        assert refused in str(error)
        silent = f"http://127.0.0.1:{stub.blackhole_port()}{self.path}"
        assert type(self.failure(silent, endpoint={"connect": 0.3})) is TimedOut

    def test_a_connection_serves_the_next_call(self, stub: Stub) -> None:
        async def twice() -> None:
            async with self.opened(self.url(stub)) as provider:
                await self.ask(provider)
                await self.ask(provider)

        asyncio.run(twice())
        assert len({entry.connection for entry in sent(stub)}) == 1

    def test_closing_early_closes_the_connection(self, stub: Stub) -> None:
        async def begin() -> str:
            async with self.opened(self.url(stub)) as provider:
                stream = provider.stream(Request((Message("user", PROMPT),)), "m")
                async with aclosing(stream):
                    async for delta in stream:
                        if delta.text:
                            break
                await asyncio.to_thread(stub.wait_idle)
            return delta.text

        stub.rule("alpha", "ok?words=500&delay=0.02")
        assert asyncio.run(begin()).startswith("echo ")
        assert sent(stub)[0].hung_up is not None
        assert stub.stats().live == 0

    def test_models_are_listed(self, stub: Stub) -> None:
        async def listed() -> list[str]:
            async with self.opened(self.url(stub)) as provider:
                return [card.id for card in await provider.list_models()]

        stub.models("alpha", ["one", "two:8b"])
        assert asyncio.run(listed()) == ["alpha:one", "alpha:two:8b"]
        assert stub.bill() == {}

    @pytest.mark.parametrize(("fault", "kind"), LISTS)
    def test_a_failed_list_is_one_line(
        self, stub: Stub, fault: str, kind: type[ProviderError]
    ) -> None:
        async def listed() -> ProviderError:
            async with self.opened(self.url(stub)) as provider:
                with pytest.raises(ProviderError) as caught:
                    await provider.list_models()
                return caught.value

        stub.rule("alpha", fault, wire="models")
        error = asyncio.run(listed())
        assert type(error) is kind
        assert "\n" not in str(error)
        assert KEY not in str(error)
        assert stub.sink_log() == []
