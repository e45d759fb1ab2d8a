"""Sliders, what the last prompts would become, and presets."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orch_nb import Session
from orch_nb.errors import InputError, SelectionError, UnknownNameError
from orch_nb.panels.panel import make_panels
from orch_nb.panels.presets import BUILT_IN, FILE_NAME, Preset, Presets
from orch_nb.panels.weights import moved, normalised, percents, weighs
from orch_nb.panels.what_if import MOST, last_requests
from orch_nb.settings import user_home
from orch_nb.store.records import NEWEST
from panels.conftest import (
    CHEAP,
    STRONG,
    Open,
    Time,
    choose,
    labelled,
    press,
    said,
    send,
    widgets,
    words,
)
from stub.client import Stub

WEIGHTS = st.fixed_dictionaries(
    {term: st.floats(0, 1e300) for term in ("cost", "quality", "speed")}
).filter(lambda weights: any(weights.values()))


@given(WEIGHTS, st.sampled_from(("cost", "quality", "speed")), st.integers(0, 100))
def test_shares_are_shares_of_one(weights: dict[str, float], term: str, percent: int) -> None:
    assert sum(normalised(weights).values()) == pytest.approx(1, abs=2e-4)
    assert sum(percents(weights).values()) == 100
    after = moved(weights, term, percent / 100)
    assert after[term] == percent / 100
    assert sum(after.values()) == pytest.approx(1, abs=2e-4)
    assert list(after) == list(weights)


def test_the_others_keep_their_proportion() -> None:
    weights = {"cost": 6.0, "quality": 3.0, "speed": 1.0}
    assert moved(weights, "speed", 0.7) == {"cost": 0.2, "quality": 0.1, "speed": 0.7}
    alone = moved(weights, "cost", 1.0)
    assert alone == {"cost": 1.0, "quality": 0.0, "speed": 0.0}
    assert moved(alone, "cost", 0.5) == {"cost": 0.5, "quality": 0.25, "speed": 0.25}


@pytest.mark.parametrize(
    ("strategy", "uses"),
    [
        *(("weighted", True), ("custom", True), ("adaptive", True), ("cost,weighted", True)),
        *(("balanced", False), ("cost", False), ("fallback", False)),
    ],
)
def test_which_strategies_use_the_weights(strategy: str, uses: bool) -> None:
    assert weighs(strategy) is uses


def test_the_last_prompts_are_ranked_anew_without_a_call(
    s: Session, show: Open, stub: Stub
) -> None:
    for prompt in ("Name a river", "Name a town", "Name a river"):
        s.ask(prompt)
    asked = len(stub.log())
    frame = show()
    table = frame._panels[0][1]._table
    assert "no flips: 2 prompts ranked anew" in table.value
    assert "does not use the weights" in frame._panels[0][1]._note.value
    choose(labelled(frame, "strategy"), "weighted")
    send(labelled(frame, "quality"), value=1.0)
    assert "2 of 2 prompts would go to another model; expected in all: $" in words(table.value)
    assert table.value.count(">flips</td>") == 2
    assert table.value.count(CHEAP) == table.value.count(STRONG) == 2
    assert " more" in table.value
    assert frame._panels[0][1]._note.value == ""
    assert len(stub.log()) == asked
    press(labelled(frame, "Compare from here"))
    assert "no flips" in table.value
    send(labelled(frame, "cost"), value=1.0)
    assert " less" in table.value
    press(labelled(frame, "Reset"))
    assert (s.strategy, s.weights.quality) == ("weighted", 1.0)


def test_a_new_call_is_ranked_too(s: Session, show: Open, time: Time) -> None:
    frame = show()
    table = frame._panels[0][1]._table
    assert "no prompts yet" in table.value
    s.ask("What is <b>this</b>?")
    time.go_on(1)
    assert "What is &lt;b&gt;this&lt;/b&gt;?" in table.value


def test_what_the_cell_said_stays(s: Session, show: Open) -> None:
    s.ask("a", model=CHEAP)
    s.ask("b", strategy="cost")
    with pytest.raises(SelectionError):
        s.ask("c", local=True, max_cost=0)
    shown = show()._panels[0][1]._table.value
    for part in ("explicit model", "its own strategy", "nobody"):
        assert part in shown


def test_of_many_calls_the_newest_are_looked_at(s: Session) -> None:
    for number in range(MOST + 5):
        s.ask(f"Name number {number}", cache="bypass")
    found = [request.prompt for request in last_requests(s.ledger)]
    assert found == [f"Name number {n}" for n in range(MOST + 4, 4, -1)]


def test_what_lies_far_back_is_not_looked_at(s: Session) -> None:
    for prompt in ("Name one", *["Name another"] * NEWEST):
        s.ask(prompt)
    assert [request.prompt for request in last_requests(s.ledger)] == ["Name another"]


def test_a_front_end_that_repeats_what_it_was_told_changes_nothing(s: Session, show: Open) -> None:
    frame = show()
    before = s.settings
    for slider in widgets(frame, "FloatSlider"):
        send(slider, value=slider.value + 1e-9)
    assert s.settings is before


# -- presets


def test_presets_are_saved_loaded_and_removed(s: Session, show: Open) -> None:
    frame = show()
    choose(labelled(frame, "preset"), "cost first")
    assert (s.strategy, s.weights.cost) == ("weighted", 0.6)
    send(labelled(frame, "cost"), value=0.7)
    assert labelled(frame, "preset").value == "—"
    send(labelled(frame, "save as"), value="mine")
    press(labelled(frame, "Save"))
    assert labelled(frame, "preset").value == "mine"
    assert Presets(user_home(os.environ))["mine"].weights["cost"] == 0.7
    choose(labelled(frame, "preset"), "all three alike")
    assert s.strategy == "balanced"
    choose(labelled(frame, "preset"), "mine")
    assert (s.strategy, s.weights.cost) == ("weighted", 0.7)
    press(labelled(frame, "Remove"))
    assert "mine" not in labelled(frame, "preset").options
    send(labelled(frame, "save as"), value="cost first")
    press(labelled(frame, "Save"))
    assert "cannot be the name of a preset" in said(frame)


@pytest.mark.parametrize(
    "content",
    [
        *("", "[]", "{", '{"a": 3}', '{"a": {"strategy": "cost"}}', "[" * 60_000),
        '{"a": {"strategy": "cost", "weights": {"cost": 1, "quality": 1, "speed": NaN}}}',
        '{"a": {"strategy": "cost", "weights": {"cost": 0, "quality": 0, "speed": 0}}}',
        '{"a\\u202e": {"strategy": "cost", "weights": {"cost": 1, "quality": 0, "speed": 0}}}',
    ],
)
def test_a_damaged_file_has_no_presets(tmp_path: Path, content: str) -> None:
    (tmp_path / FILE_NAME).write_text(content)
    assert dict(Presets(tmp_path)) == dict(BUILT_IN)


def test_the_file_is_private_and_whole(tmp_path: Path) -> None:
    home = tmp_path / "orch"
    presets, preset = Presets(home), Preset("cost", {"cost": 1.0, "quality": 0.0, "speed": 0.0})
    presets.save(" mine ", preset)
    presets.save("other", preset)
    file = home / FILE_NAME
    assert file.stat().st_mode & 0o777 == 0o600
    assert list(json.loads(file.read_text())) == ["mine", "other"]
    assert presets["mine"] == preset
    with pytest.raises(UnknownNameError, match="did you mean mine"):
        presets["min"]
    with pytest.raises(InputError, match="is no preset of yours"):
        presets.remove("cost first")
    for name in ("", "a" * 41, "a\nb", "cost first"):
        with pytest.raises(InputError, match="cannot be the name"):
            presets.save(name, preset)
    assert list(home.iterdir()) == [file]


def test_a_preset_with_a_strategy_that_is_gone_changes_nothing(s: Session, show: Open) -> None:
    Presets(user_home(os.environ)).save("old", Preset("gone", dict(BUILT_IN["cost first"].weights)))
    frame, before = show(), s.settings
    choose(labelled(frame, "preset"), "old")
    assert "unknown strategy 'gone'" in said(frame)
    assert s.settings == before
    assert labelled(frame, "preset").value == "all three alike"


def test_the_still_form_says_it_all(s: Session) -> None:
    s.ask("Name a river")
    text = make_panels(s, "weights")["weights"].still()["text/plain"]
    assert "Name a river" in text
    assert "weights cost 34 %, quality 33 %, speed 33 % (balanced does not use them)" in text
