"""The simulated provider: the same bytes each time, and it says what it is."""

from __future__ import annotations

import asyncio

import pytest

from orch_nb.invoke.attempt import Answer, Progress, attempt
from orch_nb.providers import Endpoint
from orch_nb.providers.sim import Provider
from orch_nb.settings import Limits
from orch_nb.types import Message, Parameters, Request

MODELS = ("small", "medium", "large")


def ask(
    model: str,
    prompt: str = "Name three rivers.",
    max_tokens: int | None = None,
    *,
    stream: bool = True,
) -> Answer:
    async def once() -> Answer:
        request = Request((Message("user", prompt),), parameters=Parameters(max_tokens=max_tokens))
        deltas = Provider(Endpoint("sim", stream=stream)).stream(request, model)
        return await attempt(deltas, Progress(f"sim:{model}"), Limits(), float("inf"))

    return asyncio.run(once())


@pytest.mark.parametrize("model", MODELS)
def test_an_answer_is_the_same_each_time_and_says_that_it_is_simulated(model: str) -> None:
    first, second = ask(model), ask(model)
    assert (first.text, first.usage, first.seconds) == (second.text, second.usage, second.seconds)
    assert first.text.startswith(f"**Simulated answer** from `sim:{model}`")
    assert "Name three rivers." in first.text
    assert first.finish == "stop"


def test_an_answer_may_come_whole() -> None:
    whole, streamed = ask("small", stream=False), ask("small")
    assert (whole.text, whole.usage) == (streamed.text, streamed.usage)
    assert (whole.ttft, streamed.ttft is None) == (None, False)


def test_max_tokens_cuts_the_answer() -> None:
    answer = ask("small", max_tokens=3)
    assert answer.finish == "length"
    assert len(answer.text.split(" ")) == 3
    assert answer.usage is not None
    assert answer.usage.output_tokens == 3


def test_a_prompt_cannot_break_out_of_its_quotes() -> None:
    assert "`a'b'`" in ask("small", "a`b`").text


def test_it_counts_the_words_that_it_is_given() -> None:
    given = Request((Message("user", "Name three rivers."),), system="Be brief.")
    assert asyncio.run(Provider(Endpoint("sim")).count_tokens(given, "small")) == 5


def test_its_models_are_marked_and_free() -> None:
    cards = asyncio.run(Provider(Endpoint("sim")).list_models())
    assert [card.name for card in cards] == list(MODELS)
    for card in cards:
        assert card.simulated
        assert card.prices is not None
        assert card.prices.input == card.prices.output == 0
        assert card.tier_source == "simulated"
