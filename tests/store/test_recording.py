"""The files of a recording: the same bytes for the same entry, and inert whatever they hold."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orch_nb import errors
from orch_nb.errors import AllFailed, OrchError, ProviderError, RecordingError, ServerFailed
from orch_nb.settings import Settings
from orch_nb.store.recorded import Entry, RecordedAnswer, fixed, read_entry, write_entry
from orch_nb.store.recorded_error import RecordedError
from orch_nb.store.recording import FOLDER, Recording, RecordingWarning
from orch_nb.store.requested import describe
from orch_nb.types import (
    Attempt,
    Choice,
    Decision,
    Estimate,
    Message,
    ModelCard,
    Prices,
    Rejection,
    Request,
    Response,
    TaskProfile,
    Tool,
    ToolCall,
    Usage,
)

SETTINGS = Settings()
REQUEST = Request((Message("user", "Name three rivers."),))
CARD = ModelCard("a", "m", 1000, prices=Prices(Decimal("0.10"), Decimal(5)), tier=0.1 + 0.2)
DECISION = Decision(
    "cost",
    "strategy",
    TaskProfile("chat", 4, 250, needs=frozenset({"json", "tools"})),
    (
        Choice(CARD, 1.0, {"speed": 0.3, "cost": 1.0}, Estimate(Decimal("1E-7"), 0.7), "cheapest"),
        Choice(replace(CARD, name="n"), float("nan"), {}, Estimate(None, None), "stands in"),
    ),
    (Rejection("a:o", "no chat model"),),
)
RESPONSE = Response(
    text="Nile\nAmazon\u2028\x85\r\nYangtze",
    model="a:m",
    usage=Usage(4, 9, source="known"),
    cost=Decimal("0.0000454"),
    finish="stop",
    seconds=0.1 + 0.2,
    ttft=None,
    cached=False,
    decision=DECISION,
    attempts=(Attempt("a:o", 0.5, "a:o: 429", "429"), Attempt("a:m", 0.3)),
    calls=(ToolCall("look", {"z": [1, {"b": None}], "a": 0.1}, "1"),),
)


def answers(response: Response) -> Entry:
    return Entry(describe(REQUEST, SETTINGS), (RecordedAnswer.of(response),), (DECISION,))


def answered(recording: Recording, request: Request) -> Response:
    answer = recording.answer(request, SETTINGS)
    assert isinstance(answer, Response)
    return answer


def damaged(change: Callable[[dict[str, Any]], object]) -> bytes:
    data = json.loads(write_entry(answers(RESPONSE)))
    change(data)
    return json.dumps(data).encode()


# -- what is written is what was given, in the same bytes each time


def test_everything_comes_back() -> None:
    entry = read_entry(write_entry(answers(RESPONSE)))
    restored = entry.answers[0].restored()
    assert replace(restored, replayed=False, decision=DECISION) == RESPONSE
    assert str(restored.decision) == str(DECISION)  # NaN is equal to nothing
    assert list(restored.decision.best.terms) == ["speed", "cost"]
    assert list(restored.calls[0].arguments) == ["z", "a"]
    assert restored.decision.ranking[0] == DECISION.ranking[0]
    assert restored.decision.ranking[0].card.tier == 0.1 + 0.2


def test_the_same_bytes() -> None:
    data = write_entry(answers(RESPONSE))
    assert write_entry(read_entry(data)) == data
    text = data.decode()
    assert '"Amazon\u2028",' in text  # each line of the answer is a line of the file
    assert text.endswith("}\n")
    assert max(map(len, text.split("\n"))) <= 120


@given(st.text(st.characters(codec=None)), st.dictionaries(st.text(), st.integers() | st.text()))
def test_any_text(text: str, arguments: dict[str, Any]) -> None:
    # Two halves of a character, one after the other, are the character.
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    call = ToolCall("look", {name.encode("utf-8", "replace").decode(): 1 for name in arguments})
    given_ = replace(RESPONSE, text=text, calls=(call,))
    restored = read_entry(write_entry(answers(given_))).answers[0].restored()
    assert (restored.text, restored.calls) == (text, (call,))


def test_half_a_character(tmp_path: Path) -> None:
    call = ToolCall("look", {"name": "half \ud83d"})
    request = replace(REQUEST, tools=(Tool("look", "half \ud83d", {}),))
    kept = Recording(tmp_path).keep_answer(request, SETTINGS, replace(RESPONSE, calls=(call,)))
    assert kept.calls[0].arguments == {"name": "half \ufffd"}
    assert answered(Recording(tmp_path), request).calls == kept.calls


def nested(depth: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(depth):
        value = {"a": value}
    return value


@pytest.mark.parametrize("depth", [250, 900])
def test_what_is_nested_too_deeply_is_not_recorded(tmp_path: Path, depth: int) -> None:
    response = replace(RESPONSE, calls=(ToolCall("look", nested(depth)),))
    with pytest.warns(RecordingWarning, match="not recorded"):
        assert Recording(tmp_path).keep_answer(REQUEST, SETTINGS, response) is response
    request = replace(REQUEST, tools=(Tool("look", "", nested(depth)),))
    with pytest.warns(RecordingWarning, match="not recorded"):
        Recording(tmp_path).keep_answer(request, SETTINGS, RESPONSE)
    with pytest.raises(OrchError):
        Recording(tmp_path).answer(request, SETTINGS)
    assert not (tmp_path / FOLDER).exists()


# -- failures, and what is older


ERROR = ServerFailed("a:m", "down; run again", status=503, retry_after=2.0)


def test_a_recording_of_before_there_were_errors_is_read() -> None:
    data = json.loads(write_entry(answers(RESPONSE)))
    data["version"] = 1
    old = read_entry(json.dumps(data).encode())
    assert old.asked() == list(old.answers)
    assert old.chosen() == list(old.selected)


def test_errors_stand_where_they_were(tmp_path: Path) -> None:
    recording, attempts = Recording(tmp_path), (Attempt("a:m", 0.1, "a:m: down", "503"),)
    recording.keep_error(REQUEST, SETTINGS, ERROR, attempts=attempts, decision=DECISION)
    recording.keep_answer(REQUEST, SETTINGS, RESPONSE)
    recording.keep_error(REQUEST, SETTINGS, AllFailed(attempts))
    again = Recording(tmp_path)
    given = [again.answer(REQUEST, SETTINGS) for _ in range(4)]
    assert [type(one).__name__ for one in given] == [
        "RecordedError",
        "Response",
        *["RecordedError"] * 2,
    ]
    first = given[0]
    assert isinstance(first, RecordedError)
    error = first.restored()
    assert isinstance(error, ServerFailed)
    assert str(error) == str(ERROR)
    assert (error.model, error.status, error.retry_after, error.cause) == ("a:m", 503, 2.0, "503")
    assert first.decision is not None
    assert (first.attempts, str(fixed(first.decision))) == (attempts, str(DECISION))
    last = given[-1]
    assert isinstance(last, RecordedError)
    assert isinstance(last.restored(), AllFailed)


@pytest.mark.parametrize("kind", ["SystemExit", "Interrupted", "__class__", "Path", ""])
def test_only_our_errors_are_raised(kind: str) -> None:
    error = RecordedError(kind, "said\x1b[31m").restored()
    assert type(error) is OrchError
    assert str(error) == "said\\x1b[31m"


def test_every_error_of_ours_comes_back_with_what_it_has() -> None:
    class_names = {name for name in dir(errors) if isinstance(getattr(errors, name), type)}
    kinds = [getattr(errors, name) for name in class_names]
    for kind in (k for k in kinds if issubclass(k, OrchError)):
        error = RecordedError(kind.__name__, "said", model="a:m").restored()
        assert type(error) is kind
        assert str(error) == "said"
        assert error._render_traceback_() == [f"{kind.__name__}: said"]
        if isinstance(error, ProviderError):
            assert error.cause == kind.label
            assert error.alone() is error


# -- models


LISTED = replace(CARD, size=5, loaded=True, sources={"context": "said"})


def test_models_come_back_with_all_their_facts(tmp_path: Path) -> None:
    absent = (Rejection("b", f"not there: {tmp_path}/x"),)
    recording = Recording(tmp_path)
    assert recording.models().cards is None
    recording.keep_models(cards=(LISTED,), places={"a": "http://one:1"}, absent=absent)
    recording.keep_models(pins={"short": "b:short"})
    kept = Recording(tmp_path).models()
    assert kept.cards is not None
    assert (kept.cards[0], kept.cards[0].sources) == (LISTED, LISTED.sources)
    assert kept.absent == (Rejection("b", "not there: ./x"),)
    assert [kept.pinned(name) for name in (LISTED.name, "short", "none")] == [
        LISTED.id,
        "b:short",
        None,
    ]


@pytest.mark.parametrize("data", [b"{", b"[]", b'{"cards": 1}', b'{"more": 1}', b'{"version": 9}'])
def test_damaged_models_are_an_error(tmp_path: Path, data: bytes) -> None:
    Recording(tmp_path).keep_models(cards=(LISTED,))
    (tmp_path / FOLDER / "models.json").write_bytes(data)
    with pytest.raises(RecordingError, match=r"models\.json is damaged"):
        Recording(tmp_path).models()
    Recording(tmp_path).keep_models(cards=(LISTED,))
    assert Recording(tmp_path).models().cards == (LISTED,)


# -- what is read may be anything


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda data: data.pop("request"), "request"),
        (lambda data: data.update(more=1), "more"),
        (lambda data: data.update(version=3), "version"),
        (lambda data: data["answers"][0].update(__class__="x"), "__class__"),
        (lambda data: data["answers"][0]["usage"].update(more=1), "usage.more"),
        (lambda data: data["answers"][0]["decision"]["ranking"][0].update(more=1), "ranking"),
        (lambda data: data["answers"][0]["decision"].update(ranking=[]), "no model"),
        (lambda data: data["answers"][0].update(text="as one"), "text"),
        (lambda data: data["answers"][0].update(text=[1]), "text"),
        (lambda data: data["answers"][0].update(cost="1e999999999"), "cost"),
        (lambda data: data["answers"][0].update(cost="NaN"), "cost"),
        (lambda data: data["answers"][0]["attempts"][0].update(cost="1e-99999999"), "cost"),
        (lambda data: data["selected"][0]["ranking"][0]["estimate"].update(cost="9e99"), "cost"),
    ],
)
def test_what_is_wrong_is_said(change: Callable[[dict[str, Any]], object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        read_entry(damaged(change))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"null",
        b"[]",
        b"\xff\xfe",
        b"\x80\x04K\x01.",
        b'{"request": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"request": {}, "version": ' + b"9" * 10_000 + b"}",
        b"<<<<<<< ours\n{}\n=======\n{}\n>>>>>>> theirs\n",
    ],
    ids=lambda data: repr(data[:12]),
)
def test_no_entry_at_all(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_entry(data)


def test_damage_is_an_error_or_another_entry() -> None:
    data, random, refused = write_entry(answers(RESPONSE)), Random(1), 0
    for _ in range(3000):
        changed = bytearray(data)
        for _ in range(random.randint(1, 3)):
            changed[random.randrange(len(data))] = random.randrange(256)
        try:
            write_entry(read_entry(bytes(changed[: random.choice([len(data), len(data) - 9])])))
        except ValueError:
            refused += 1
    assert refused > 1500  # the others hold another word somewhere
