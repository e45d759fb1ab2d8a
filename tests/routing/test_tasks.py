"""One vocabulary of tasks: in the API, in the settings, and in what the analyser reads."""

from __future__ import annotations

from typing import Any

import pytest

from orch_nb import Session
from orch_nb.errors import SettingsError, UnknownNameError
from orch_nb.routing.analyse import analyse
from orch_nb.types import TASK_ALIASES, TASKS, Image, Message, Parameters, Request, Wants
from orch_nb.types import canonical_task as canonical


def test_every_alias_is_a_task_and_no_task_itself() -> None:
    assert set(TASK_ALIASES.values()) <= set(TASKS)
    assert not set(TASK_ALIASES) & set(TASKS)
    assert all(canonical(alias) == task for alias, task in TASK_ALIASES.items())


@pytest.mark.parametrize("name", ["code", "code_generation", "Code-Generation", " coding "])
def test_a_task_has_one_name_everywhere(name: str) -> None:
    config: dict[str, Any] = {"models": {"sim:small": {"quality": {name: 1.0}}}}
    with Session(config=config) as session:
        assert session.settings.models["sim:small"].quality == {"code": 1.0}
        decision = session.select("hello", task=name, strategy="weighted")
        assert decision.profile.kind == "code"
        assert decision.best.terms["quality"] == 1.0
        assert decision.reason.endswith("quality 1.00 from settings")


def test_what_the_caller_says_outweighs_the_words() -> None:
    request = Request((Message("user", "Translate this"),), wants=Wants(task="math"))
    assert analyse(request).evidence[0] == "math: stated"


def test_an_image_is_a_task_of_its_own() -> None:
    request = Request((Message("user", "What is this?", (Image("image/png", ""),)),))
    assert analyse(request).kind == "vision"
    assert analyse(request).needs == {"vision"}


def test_unknown_tasks_name_the_nearest() -> None:
    with Session() as session, pytest.raises(UnknownNameError, match="did you mean coding"):
        session.select("hello", task="codding")
    with pytest.raises(SettingsError, match="no kind of task; choose from analysis, chat"):
        Session(config={"models": {"sim:small": {"quality": {"cooking": 1.0}}}})


def test_a_model_is_not_asked_for_more_than_it_writes() -> None:
    with Session(config={"models": {"sim:large": {"max_output": 100}}}) as session:
        (rejected,) = session.select("hello", max_tokens=101).rejected
        assert rejected.reason == "writes at most 100 tokens, 101 were asked for"
        assert not session.select("hello", max_tokens=100).rejected


def test_the_profile_knows_the_longest_answer() -> None:
    request = Request((Message("user", "hello"),), parameters=Parameters(max_tokens=7))
    assert (analyse(request).longest, analyse(request).output_tokens) == (7, 7)
