"""Schemas, seeds, effort and counted tokens, from a session to the wire and back."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel, field_validator

from orch_nb import Session
from orch_nb.errors import AllFailed, BrokenAnswer, InputError, OutOfTokens, UnknownNameError
from session.conftest import Open
from session.places import FITS, Place, PlaceData, PlaceDict
from session.test_asking import LUNA, OPUS, SONNET, asked
from stub.answer import count
from stub.client import Stub
from stub.spec import write


def say(stub: Stub, text: str, provider: str = "*") -> None:
    stub.rule(provider, write("ok", text=text))


# -- schemas


@pytest.mark.parametrize("model", [LUNA, OPUS])
@pytest.mark.parametrize(
    ("kind", "parsed"),
    [
        (Place, Place(city="Rome", people=3)),
        (PlaceData, PlaceData("Rome", 3)),
        (PlaceDict, {"city": "Rome", "people": 3}),
    ],
)
def test_an_answer_becomes_the_class(
    s: Session, stub: Stub, model: str, kind: Any, parsed: object
) -> None:
    say(stub, FITS)
    response = s.ask("Where?", model=model, schema=kind)
    assert response.parsed == parsed
    assert response.text == FITS
    assert "additionalProperties" in str(stub.log()[-1].body)


def test_a_fence_does_no_harm_and_no_schema_is_no_object(s: Session, stub: Stub) -> None:
    say(stub, f"```json\n{FITS}\n```")
    assert s.ask("Where?", model=LUNA, schema=Place).parsed == Place(city="Rome", people=3)
    assert s.ask("Where?", model=LUNA).parsed is None


def test_what_does_not_fit_is_tried_again_and_then_elsewhere(
    configured: Stub, open_session: Open
) -> None:
    s = open_session(retries=1)
    say(configured, '{"city": "Rome"}', "openai")
    say(configured, FITS, "anthropic")
    response = s.ask("Where?", model=[LUNA, OPUS], schema=Place)
    assert asked(configured) == [LUNA, LUNA, OPUS]
    assert response.parsed == Place(city="Rome", people=3)
    assert response.trail == f"{LUNA} (broken answer) → {LUNA} (broken answer) → {OPUS}"
    assert "no Place: people: Field required" in str(response.attempts[0].error)


def test_what_does_not_fit_is_not_kept(s: Session, stub: Stub) -> None:
    say(stub, "I would rather not.")
    for _ in range(2):
        with pytest.raises(BrokenAnswer, match="the answer is no Place"):
            s.ask("Where?", model=LUNA, schema=Place)
    assert asked(stub) == [LUNA, LUNA]
    say(stub, FITS)
    assert s.ask("Where?", model=LUNA, schema=Place).parsed == Place(city="Rome", people=3)


def test_when_none_fits_each_is_named(s: Session, stub: Stub) -> None:
    say(stub, "[" * 50_000)
    with pytest.raises(AllFailed) as caught:
        s.ask("Where?", model=[LUNA, OPUS], schema=Place)
    assert [attempt.cause for attempt in caught.value.attempts] == ["broken answer"] * 2
    assert len(str(caught.value)) < 1000


def test_an_object_that_was_cut_says_what_to_raise(s: Session, stub: Stub) -> None:
    stub.rule("*", write("length", text='{"city": "Ro'))
    with pytest.raises(OutOfTokens, match="--max-tokens was reached before the Place ended"):
        s.ask("Where?", model=LUNA, schema=Place, max_tokens=3)


@pytest.mark.parametrize(("text", "schema"), [('{"city": "Ro', Place), ("", None)])
def test_what_was_cut_too_early_is_not_paid_for_again_but_another_model_may_do(
    configured: Stub, open_session: Open, text: str, schema: type | None
) -> None:
    configured.rule("openai", write("length", text=text))
    configured.rule("anthropic", write("ok", text=FITS))
    s = open_session(retries=2)
    answer = s.ask("Where?", model=[LUNA, OPUS], schema=schema, max_tokens=30)
    assert answer.text == FITS
    assert [attempt.cause for attempt in answer.attempts] == ["out of tokens", None]
    assert len([entry for entry in configured.log("openai") if entry.prompt]) == 1


def test_a_kept_answer_becomes_the_class_again(s: Session, stub: Stub) -> None:
    say(stub, FITS)
    first = s.ask("Where?", model=LUNA, schema=Place)
    again = s.ask("Where?", model=LUNA, schema=Place)
    assert (first.cached, again.cached) == (False, True)
    assert again.parsed == first.parsed
    assert not s.ask("Where?", model=LUNA).cached
    assert not s.ask("Where?", model=LUNA, schema=PlaceDict).cached


def test_a_shown_answer_that_does_not_fit_is_not_replaced(s: Session, stub: Stub) -> None:
    say(stub, "{} ", "openai")
    shown: list[str] = []
    with pytest.raises(BrokenAnswer, match="no Place"):
        s.ask("Where?", model=[LUNA, OPUS], schema=Place, on_text=shown.append)
    assert "".join(shown) == "{} "
    assert asked(stub) == [LUNA]


def test_a_wrong_class_is_said_before_anything_is_sent(s: Session, stub: Stub) -> None:
    for kind in (int, "Place", dict[str, int]):
        with pytest.raises(InputError):
            s.ask("Where?", schema=kind)
    assert stub.log() == []


# -- seed, effort, counting


def test_seed_and_effort_are_passed_on_and_part_of_the_request(s: Session, stub: Stub) -> None:
    s.ask("x", model=LUNA, seed=0, effort="low")
    assert (stub.log()[-1].body["seed"], stub.log()[-1].body["reasoning_effort"]) == (0, "low")
    assert not s.ask("x", model=LUNA, seed=1, effort="low").cached
    assert not s.ask("x", model=LUNA, seed=0, effort="high").cached
    assert s.ask("x", model=LUNA, seed=0, effort="low").cached


def test_wrong_seeds_and_efforts(s: Session, stub: Stub) -> None:
    with pytest.raises(InputError, match="seed must be a whole number of at least 0, not -1"):
        s.ask("x", seed=-1)
    with pytest.raises(UnknownNameError, match="unknown effort 'hgih'; did you mean high"):
        s.ask("x", effort="hgih")  # type: ignore[arg-type]
    assert stub.log() == []


def test_tokens_are_counted_where_the_provider_can(s: Session, stub: Stub) -> None:
    counted = s.count_tokens("How deep is it?" * 9, model=SONNET, system="Be brief.")
    assert (counted.input_tokens, counted.output_tokens) == (count("How deep is it?" * 9), 0)
    assert counted.source == "known"
    estimated = s.count_tokens("How deep is it?", model=LUNA)
    assert (estimated.source, estimated.output_tokens) == ("estimated", 0)
    assert stub.bill() == {}
    assert [entry.wire for entry in stub.log()] == ["count"]
    assert list(s.ledger) == []


def test_a_kept_answer_that_the_class_no_longer_takes_is_asked_for_again(
    s: Session, stub: Stub
) -> None:
    class Crowded(BaseModel):
        city: str
        people: int

        @field_validator("people")
        @classmethod
        def check(cls, people: int) -> int:
            if people < 5:
                raise ValueError("too few")
            return people

    Crowded.__name__ = Crowded.__qualname__ = "Place"  # the same schema, so the same request
    Crowded.model_config["title"] = "Place"
    Crowded.model_rebuild(force=True)
    say(stub, FITS)
    s.ask("Where?", model=LUNA, schema=Place)
    say(stub, FITS.replace("3", "9"))
    answer = s.ask("Where?", model=LUNA, schema=Crowded)
    assert (answer.parsed.people, answer.cached) == (9, False)
    assert s.ask("Where?", model=LUNA, schema=Crowded).cached
    first, second = (entry.body for entry in stub.log() if entry.wire == "chat")
    assert first == second
