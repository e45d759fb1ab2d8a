"""``budget:``: what may be set, and that nothing connects anew for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from decimal import Decimal

import pytest

from orch_nb.errors import SettingsError
from orch_nb.settings import Settings
from orch_nb.settings.validation import dump

D = Decimal
Loader = Callable[..., Settings]


def test_nothing_is_limited_unless_it_is_said(hear: Loader) -> None:
    none = {"task": None, "pipeline": None, "session": None, "hour": None, "unpriced": "refuse"}
    assert asdict(hear().budget) == none
    assert hear("budget:").budget == hear("budget: {}").budget == hear().budget


def test_limits_are_exact_dollars_and_0_is_one(hear: Loader) -> None:
    budget = hear("budget: {task: 0.05, session: 1.00, hour: 0, unpriced: allow}").budget
    assert (budget.task, budget.session, budget.hour) == (D("0.05"), D(1), D(0))
    assert (budget.pipeline, budget.unpriced) == (None, "allow")


def test_layers_change_one_limit_and_take_one_back(hear: Loader) -> None:
    budget = hear(
        "budget: {task: 0.05, session: 1}",
        config={"budget": {"session": D("0.1"), "hour": 2}},
        changes={"budget": {"task": None}},
    ).budget
    assert (budget.task, budget.session, budget.hour) == (None, D("0.1"), D(2))


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("budget: 1", "budget must be a mapping, such as {name: value}"),
        ("budget: {task: -0.01}", "budget.task must be greater than or equal to 0"),
        ("budget: {task: '1'}", "budget.task must be a number"),
        ("budget: {task: true}", "budget.task must be a number"),
        ("budget: {hour: [1]}", "budget.hour must be a number"),
        ("budget: {day: 1}", "unknown budget setting 'day'; choose from hour, pipeline, session, "
         "task, unpriced"),
        ("budget: {sesion: 1}", "unknown budget setting 'sesion'; did you mean session?"),
        ("budget: {unpriced: maybe}", "budget.unpriced must be 'refuse' or 'allow'"),
    ],
)  # fmt: skip
def test_a_wrong_budget_is_one_line(hear: Loader, written: str, message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        hear(written)
    assert str(caught.value) == f"orch.yaml, line 1: {message}"


@pytest.mark.parametrize("limit", [float("nan"), float("inf"), D("nan"), D("1e-20"), D("1e20")])
def test_limits_from_python_are_sane_numbers(hear: Loader, limit: object) -> None:
    with pytest.raises(SettingsError, match=r"budget\.hour must"):
        hear(config={"budget": {"hour": limit}})


def test_a_dump_loads_as_the_same_budget(hear: Loader) -> None:
    settings = hear("budget: {task: 0.05, hour: 123456.789, unpriced: allow}")
    assert hear(config=dump(settings)) == settings
    assert dump(settings)["budget"]["task"] == 0.05


def test_another_budget_connects_nothing_anew(hear: Loader) -> None:
    assert hear().connects_like(hear("budget: {session: 1}"))
