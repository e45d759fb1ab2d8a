"""From a prompt to an answer, over sockets: which model, in what order, and what is said of it."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path

import pytest

from orch_nb import Session
from orch_nb.errors import (
    AllFailed,
    InputError,
    KeyRefused,
    RateLimited,
    Rejected,
    SelectionError,
    SettingsError,
    UnknownNameError,
)
from session.conftest import Open
from stub.answer import digest
from stub.client import Stub

LUNA, SOL = "openai:gpt-6-luna", "openai:gpt-6.1-sol"
SONNET, OPUS = "anthropic:claude-sonnet-5-5", "anthropic:claude-opus-5-5"


def asked(stub: Stub) -> list[str]:
    """The models that were asked, in order, without lists of models."""
    return [f"{entry.provider}:{entry.model}" for entry in stub.log() if entry.wire != "models"]


@pytest.mark.parametrize("model", [LUNA, OPUS])
def test_a_named_model_answers(s: Session, stub: Stub, model: str) -> None:
    response = s.ask("How deep?", model=model, system="Be brief.", temperature=0, max_tokens=50)
    assert response.text.startswith(f"echo {digest('How deep?')} ")
    assert (response.model, response.finish, response.cached) == (model, "stop", False)
    assert response.usage.source == "known"
    assert response.trail == ""
    assert response.decision.source == "explicit model"
    (entry,) = stub.log()  # and no list of models was fetched
    assert entry.body["temperature"] == 0
    assert entry.body["max_tokens"] == 50
    assert "Be brief." in str(entry.body)


def test_the_cost_is_tokens_times_list_price(s: Session) -> None:
    response = s.ask("How deep?", model=SOL)
    tokens = response.usage
    assert response.cost == Decimal(tokens.input_tokens * 2 + tokens.output_tokens * 10) / 10**6
    assert s.ledger.spent.known == response.cost


def test_its_seconds_are_the_same_wherever_they_are_told(s: Session, stub: Stub) -> None:
    stub.rule("openai", "503?retry_after=0", model="gpt-6.1-sol")
    response = s.ask("How deep?", model=[SOL, LUNA])
    failed, answered = response.attempts[0], response.attempts[-1]
    assert failed.error
    assert answered.seconds == response.seconds
    (row,) = s.ledger.to_records()
    stats = s.ledger.by_model()[LUNA]
    assert row["seconds"] == stats.mean == stats.seconds == response.seconds
    seconds = {one.model: one.seconds for one in s.report().overview.models}
    assert seconds == {SOL: (), LUNA: (response.seconds,)}


def test_async_code_gets_the_same_answer(s: Session) -> None:
    async def ask() -> list[str]:
        prompts = [f"Prompt {i}" for i in range(4)]
        responses = await asyncio.gather(*(s.aask(prompt, model=LUNA) for prompt in prompts))
        return [response.text.split(" ")[1] for response in responses]

    assert asyncio.run(ask()) == [digest(f"Prompt {i}") for i in range(4)]


@pytest.mark.parametrize(
    ("strategy", "model"), [("cost", LUNA), ("cheapest", LUNA), ("Cost-Optimized", LUNA)]
)
def test_a_strategy_picks(s: Session, stub: Stub, strategy: str, model: str) -> None:
    decision = s.select("Name three rivers.", strategy=strategy)
    assert asked(stub) == []
    response = s.ask("Name three rivers.", strategy=strategy)
    assert (decision.best.model, response.model) == (model, model)
    assert [c.model for c in decision.ranking] == [c.model for c in response.decision.ranking]
    assert asked(stub) == [model]
    reasons = {rejection.model: rejection.reason for rejection in decision.rejected}
    assert reasons["openai:text-embedding-3-small"] == "no chat model"


def test_a_bare_name_is_enough_where_one_provider_has_it(s: Session) -> None:
    assert s.ask("x", model="claude-opus-5-5").model == OPUS


def test_a_bare_name_of_two_providers_is_an_error_that_names_both(
    configured: Stub, open_session: Open
) -> None:
    configured.models("team", ["gpt-6-luna", "llama3.1:8b"])
    team = {"type": "compatible", "base_url": configured.url("team", "/v1")}
    s = open_session(providers={"team": team})
    with pytest.raises(InputError, match=r"several models; say which: .*team:gpt-6-luna"):
        s.ask("x", model="gpt-6-luna")
    assert s.ask("x", model="llama3.1:8b").model == "team:llama3.1:8b"
    assert s.ask("x", model="team:llama3.1:8b").model == "team:llama3.1:8b"
    assert s.ask("x", model="team:not-listed:70b").model == "team:not-listed:70b"
    assert asked(configured)[-1] == "team:not-listed:70b"
    assert s.ask("x", model="team:not-listed:70b").cost is None


def test_a_file_beside_the_notebook_adds_a_provider(stub: Stub) -> None:
    stub.models("team", ["qwen3-32b", "other"])
    url = stub.url("team", "/v1")
    Path("orch.yaml").write_text(
        f"providers:\n  team: {{type: compatible, base_url: '{url}', max_retries: 0}}\n"
        "models:\n  'team:qwen3-32b': {price: {input: 0.2, output: 0.6}}\n"
        "strategy: cost\n"
    )
    with Session() as s:
        response = s.ask("x")
    assert response.model == "team:qwen3-32b"
    assert response.cost is not None
    assert response.cost > 0
    assert "authorization" not in stub.log("team")[-1].headers


# -- falling back


def test_a_failure_is_announced_and_the_next_model_answers(s: Session, stub: Stub) -> None:
    stub.rule("openai", "429")
    response = s.ask("x", model=[LUNA, OPUS])
    assert response.model == OPUS
    assert response.trail == f"{LUNA} (429) → {OPUS}"
    assert [attempt.error is None for attempt in response.attempts] == [False, True]
    assert asked(stub) == [LUNA, OPUS]


def test_a_strategy_falls_back_along_its_ranking(s: Session, stub: Stub) -> None:
    stub.rule("openai", "500")
    response = s.ask("x", strategy="cost")
    assert response.model == SONNET
    assert [attempt.model for attempt in response.attempts] == [LUNA, SONNET]


def test_fallback_fail_asks_one_model(configured: Stub, open_session: Open) -> None:
    s = open_session(fallback="fail")
    configured.rule("openai", "429")
    with pytest.raises(RateLimited):
        s.ask("x", strategy="cost")
    assert asked(configured) == [LUNA]


def test_retries_come_before_the_next_model(configured: Stub, open_session: Open) -> None:
    s = open_session(retries=1)
    configured.rule("openai", "429?retry_after=0")
    assert s.ask("x", model=[LUNA, OPUS]).model == OPUS
    assert asked(configured) == [LUNA, LUNA, OPUS]


def test_a_refused_key_is_not_tried_again(configured: Stub, open_session: Open) -> None:
    s = open_session(retries=2)
    configured.rule("openai", "401")
    with pytest.raises(KeyRefused, match="set OPENAI_API_KEY"):
        s.ask("x", model=LUNA)
    assert asked(configured) == [LUNA]


def test_a_policy_refusal_stops(s: Session, stub: Stub) -> None:
    stub.rule("openai", "refuse?by=filter")
    with pytest.raises(Rejected):
        s.ask("x", model=[LUNA, OPUS])
    assert asked(stub) == [LUNA]


def test_when_all_fail_each_is_named(s: Session, stub: Stub) -> None:
    stub.rule("openai", "500")
    stub.rule("anthropic", "401")
    with pytest.raises(AllFailed) as caught:
        s.ask("x", model=[LUNA, OPUS])
    assert [attempt.cause for attempt in caught.value.attempts] == ["500", "401"]
    assert LUNA in str(caught.value)
    assert "ANTHROPIC_API_KEY" in str(caught.value)
    record = s.ledger.last
    assert record is not None
    assert (record.response, record.error) == (None, str(caught.value))


def test_shown_text_is_never_restarted(s: Session, stub: Stub) -> None:
    stub.rule("openai", "close_mid?after=2")
    shown: list[str] = []
    with pytest.raises(Exception, match="connection broke"):
        s.ask("x", model=[LUNA, OPUS], on_text=shown.append)
    assert "".join(shown) == f"echo {digest('x')} "
    assert asked(stub) == [LUNA]
    assert s.ask("x", model=[LUNA, OPUS]).model == OPUS


@pytest.mark.parametrize("model", [LUNA, OPUS])
def test_pieces_join_to_the_text(s: Session, stub: Stub, model: str) -> None:
    stub.rule("*", "u2028?delay=0.005")
    shown: list[str] = []
    response = s.ask("x", model=model, on_text=shown.append)
    assert "".join(shown) == response.text
    assert len(shown) > 3


# -- what is wrong is said before anything is sent


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"strategy": "blanced"}, "unknown strategy 'blanced'; did you mean balanced?"),
        ({"strategy": 5}, "the strategy must be text, not int"),
        ({"strategy": ""}, "unknown strategy ''; choose from adaptive"),
        ({"strategy": "?"}, "round_robin, task, weighted"),
        ({"task": "zzz"}, "choose from analysis, chat, code, creative, extraction, math"),
        ({"task": "sumarise"}, "did you mean summarise"),
        ({"model": 5}, "model must be a name, or a list of names, not int"),
        ({"model": "openai:"}, "unknown model"),
        ({"model": "gpt-6-lunar"}, "did you mean gpt-6-luna"),
        ({"model": "opnai:gpt-6-luna"}, "did you mean openai:gpt-6-luna"),
        ({"temperature": 3}, "temperature must be between 0 and 2, not 3"),
        ({"temperature": True}, "temperature must be a number, not bool"),
        ({"temperature": float("nan")}, "temperature must be between"),
        ({"max_tokens": 0}, "max_tokens must be a whole number of at least 1"),
        ({"deadline": 0}, "deadline must be at least"),
        ({"cache": "of"}, "unknown cache policy 'of'; choose from bypass, refresh, use"),
        ({"system": 5}, "the system prompt must be text, not int"),
    ],
)
def test_wrong_options(s: Session, stub: Stub, options: dict[str, object], message: str) -> None:
    with pytest.raises(InputError) as caught:
        s.ask("x", **options)  # type: ignore[arg-type]
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert asked(stub) == []


@pytest.mark.parametrize("prompt", ["", " \n ", "half a \ud83d pair", None, 5])
def test_wrong_prompts(s: Session, stub: Stub, prompt: str) -> None:
    with pytest.raises(InputError):
        s.ask(prompt)
    assert stub.log() == []


def test_a_change_that_is_wrong_changes_nothing(s: Session) -> None:
    before = s.settings
    for wrong in ({"strategy": "chepest"}, {"fallback": "never"}, {"stratgy": "cost"}):
        with pytest.raises((SettingsError, UnknownNameError)):
            s.change(**wrong)
    assert s.settings == before
    s.change(strategy="cost", weights={"cost": 2.0})
    assert (s.strategy, s.weights.cost, s.weights.quality) == ("cost", 2.0, 1.0)
    assert s.ask("x").model == LUNA


# -- what answers when


def test_sim_answers_only_where_nothing_is_configured(stub: Stub, open_session: Open) -> None:
    with Session() as s:
        response = s.ask("x")
    assert response.simulated
    assert response.model.startswith("sim:")
    assert response.cost == 0
    assert stub.log() == []


def test_sim_never_stands_in_for_a_real_model(s: Session, stub: Stub) -> None:
    stub.rule("*", "500")
    with pytest.raises(AllFailed) as caught:
        s.ask("x", strategy="cost")
    assert not [a.model for a in caught.value.attempts if a.model.startswith("sim:")]
    stub.rule("*", "500", wire="models")
    s.change(models={})  # the same places: nothing is listed anew
    assert s.ask("x", model="sim:small").simulated


def test_no_provider_that_lists_is_an_error_with_reasons(s: Session, stub: Stub) -> None:
    stub.rule("*", "500", wire="models")
    with pytest.raises(SelectionError) as caught:
        s.ask("x")
    assert {"openai", "anthropic"} <= {r.model for r in caught.value.rejected}
    assert "the server failed (500)" in str(caught.value)


def test_a_preset_says_where_models_may_be(configured: Stub, open_session: Open) -> None:
    local = open_session(preset="local-only")
    assert local.select("x").best.model.startswith("openai:")  # on loopback
    cloud = open_session(preset="cloud-only")
    assert cloud.select("x").best.card.simulated
    with pytest.raises(UnknownNameError):
        cloud.ask("x", model=LUNA)


def test_an_error_holds_no_request(s: Session, configured: Stub) -> None:
    configured.rule("openai", "401?body=echo_key")
    with pytest.raises(KeyRefused) as caught:
        s.ask("hello", model="openai:gpt-6-luna")
    assert caught.value.__context__ is None
    assert caught.value.__cause__ is None
    assert "sk-openai-test" not in repr(vars(caught.value))
