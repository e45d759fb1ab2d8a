"""What a pipeline may require: size, pace, capabilities, and whom it prefers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from orch_nb.errors import SelectionError
from orch_nb.routing.analyse import analyse
from orch_nb.routing.requirements import parameters, read_size
from orch_nb.routing.route import route
from orch_nb.types import Decision, ModelCard, Request, Requirements, Track
from routing.candidates import ASK, card, situation

SMALL = card("tiny-3b", speed=200.0, capabilities=frozenset())
LARGE = card("big:70b", speed=20.0, capabilities=frozenset())
HOSTED = card("hosted", capabilities=frozenset({"json"}))
ALL = (SMALL, LARGE, HOSTED)


@pytest.mark.parametrize(
    ("name", "variant", "billions"),
    [
        ("llama3.1:8b", "", 8.0),
        ("qwen3-30b-a3b", "", 30.0),
        ("mixtral-8x7B-instruct", "", 56.0),
        ("smollm:135m", "", 0.135),
        ("Qwen2.5-0.5B-Instruct-GGUF", "", 0.5),
        ("llama3", "8.0B Q4_K_M", 8.0),
        ("gpt-6-luna", "", None),
        ("claude-3b3", "", None),
        ("model-4bit", "", None),
        ("2025m10", "", None),
    ],
)
def test_parameters_are_read_from_what_servers_say(
    name: str, variant: str, billions: float | None
) -> None:
    assert parameters(ModelCard("a", name, variant=variant)) == billions


def test_sizes_are_written_as_people_write_them() -> None:
    sizes = [read_size(text) for text in ("7B", " 0.5b ", "350M", "8x7B", "7", "big", "7B!")]
    assert sizes == [7.0, 0.5, 0.35, 56.0, None, None, None]


def decide(requires: Requirements, tracks: dict[str, Track] | None = None) -> Decision:
    request: Request = replace(ASK, wants=replace(ASK.wants, requires=requires))
    return route(request, analyse(request), "cost", situation(ALL, tracks))


@pytest.mark.parametrize(
    ("requires", "kept", "reason"),
    [
        (Requirements(min_size=7), [LARGE.id], "has 3B, min_size is 7B"),
        (Requirements(max_size=7), [SMALL.id], "has 70B, max_size is 7B"),
        (Requirements(min_speed=50), [SMALL.id], "writes 20 tokens/s"),
        (Requirements(capabilities=frozenset({"json"})), [HOSTED.id], "cannot do json"),
    ],
)
def test_each_changes_who_may_answer(requires: Requirements, kept: list[str], reason: str) -> None:
    decision = decide(requires)
    assert [choice.model for choice in decision.ranking] == kept
    assert any(reason in row.reason for row in decision.rejected)


def test_what_is_not_known_meets_no_requirement() -> None:
    said = {row.model: row.reason for row in decide(Requirements(min_size=1)).rejected}
    assert said == {HOSTED.id: "its number of parameters is not known, min_size is 1B"}
    said = {row.model: row.reason for row in decide(Requirements(min_speed=1)).rejected}
    assert said == {HOSTED.id: "its speed is not known, min_tokens_per_second is 1"}


def test_a_speed_that_was_seen_outweighs_the_stated_one() -> None:
    seen = {LARGE.name: Track(calls=5, successes=5, ttft=0.1, tokens_per_second=300.0)}
    kept = decide(Requirements(min_speed=250), seen).ranking
    assert [choice.model for choice in kept] == [LARGE.id]


def test_who_is_preferred_comes_first_if_it_may_answer() -> None:
    usual = decide(Requirements()).best.model
    other = next(one.id for one in ALL if one.id != usual)
    decision = decide(Requirements(prefer=("a:absent", other)))
    assert decision.best.model == other
    assert decision.best.reason.startswith("preferred, best of 3")
    out = decide(Requirements(prefer=(other,), exclude=(other,)))
    assert out.best.model == usual


def test_nobody_meets_it() -> None:
    with pytest.raises(SelectionError, match="min_size is 700B"):
        decide(Requirements(min_size=700))
