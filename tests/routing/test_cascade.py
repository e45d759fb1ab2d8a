"""Which models a cascade asks, how it checks, and what that may cost."""

from __future__ import annotations

import numpy as np
import pytest

from orch_nb.routing.cascade import check_for, expected_cost, plan, vendor, worst_cost
from orch_nb.routing.features import MEASURES, WIDTH
from orch_nb.routing.fitted import Scale
from orch_nb.routing.fitted_cascade import FittedCascade
from orch_nb.routing.gain import Interval
from orch_nb.types import Message, Request, Schema, TaskProfile, Wants
from orch_nb.types.decision import Cascade, Check

MODELS = ("a:big-1", "a:small-1", "a:small-2", "b:tiny-1", "b:odd-1")
COST = np.array([0.01, 0.001, 0.0012, 0.0005, np.nan])
QUALITY = np.array([0.9, 0.7, 0.65, 0.6, 0.95])


def request(checked: str = "", schema: bool = False) -> Request:
    return Request(
        (Message("user", "?"),),
        schema=Schema("Answer", {}) if schema else None,
        wants=Wants(checked=checked),  # type: ignore[arg-type]
    )


def fitted(threshold: float) -> FittedCascade:
    return FittedCascade(
        first="a:small-2",
        second="b:tiny-1",
        strong="a:big-1",
        count=200,
        threshold=threshold,
        offset=0.1,
        escalation=0.2,
        saving=Interval(0.5, 0.4, 0.6, 200),
        difference=Interval(0.0, -0.01, 0.01, 200),
        scale=Scale(np.zeros(MEASURES), np.ones(MEASURES)),
        risk=np.zeros(WIDTH, np.float32),
    )


@pytest.mark.parametrize(
    ("asked", "kind", "tokens", "check"),
    [
        (request("function", schema=True), "math", 500, "function"),
        (request("assertions"), "code", 500, "assertions"),
        (request(schema=True), "math", 500, "schema"),
        (request(), "code", 10, "verifier"),
        (request(), "math", 500, "agreement"),
        (request(), "reasoning", 500, "agreement"),
        (request(), "chat", 5, "agreement"),
        (request(), "creative", 500, "verifier"),
    ],
)
def test_the_surest_check_that_the_request_allows(
    asked: Request, kind: str, tokens: int, check: str
) -> None:
    assert check_for(asked, TaskProfile(kind, 10, tokens)) == check


def test_from_tiers_the_best_cheap_one_and_the_best_of_another_vendor() -> None:
    cascade = plan(MODELS, COST, QUALITY, "agreement")
    expected = Cascade(
        ("a:small-1", "b:tiny-1"), "a:big-1", "agreement", "cost and expected quality"
    )
    assert cascade == expected


def test_of_one_vendor_alone_the_next_best() -> None:
    cascade = plan(MODELS[:3], COST[:3], QUALITY[:3], "agreement")
    # The names begin alike.
    assert cascade is not None
    assert cascade.drafts == ("a:small-1", "a:small-2")


@pytest.mark.parametrize("check", ["function", "assertions", "schema", "arithmetic"])
def test_a_check_that_knows_what_is_right_needs_one_draft(check: Check) -> None:
    cascade = plan(MODELS, COST, QUALITY, check)
    assert cascade is not None
    assert cascade.drafts == ("a:small-1",)


def test_the_verifier_that_was_asked_for_judges() -> None:
    cascade = plan(MODELS, COST, QUALITY, "verifier", verifier="b:tiny-1")
    assert cascade is not None
    assert cascade.drafts == ("a:small-1", "b:tiny-1")


@pytest.mark.parametrize(
    ("cost", "quality"),
    [
        ([0.01, np.nan, np.nan, np.nan, np.nan], QUALITY),  # prices unknown
        ([0.01, 0.005, 0.005, 0.005, 0.005], QUALITY),  # nobody much cheaper
        ([0.01, 0.0001, 0.0001, 0.0001, 0.0001], np.full(5, 0.5)),  # nobody better
        ([0.0, 0.0, 0.0, 0.0, 0.0], QUALITY),  # all free
        ([0.01, 0.001, 1.0, 1.0, 1.0], [0.9, 0.8, 0.7, 0.7, 0.7]),  # one draft
    ],
)
def test_none_where_a_cascade_makes_no_sense(cost: list[float], quality: list[float]) -> None:
    assert plan(MODELS, np.array(cost), np.array(quality), "agreement") is None


def test_what_was_fitted_comes_first_and_says_so() -> None:
    cascade = plan(MODELS, COST, QUALITY, "agreement", fitted=fitted(0.2))
    assert cascade is not None
    assert (cascade.drafts, cascade.strong) == (("a:small-2", "b:tiny-1"), "a:big-1")
    assert cascade.source == "fitted to 200 evaluated prompts"


def test_where_agreement_is_not_trusted_the_strong_one_is_asked_at_once() -> None:
    assert plan(MODELS, COST, QUALITY, "agreement", fitted=fitted(0.05)) is None


def test_what_was_fitted_counts_only_for_its_models_and_its_check() -> None:
    fewer = plan(
        MODELS[:2] + MODELS[3:],
        COST[[0, 1, 3, 4]],
        QUALITY[[0, 1, 3, 4]],
        "agreement",
        fitted=fitted(0.2),
    )
    other = plan(MODELS, COST, QUALITY, "schema", fitted=fitted(0.2))
    for cascade in (fewer, other):
        assert cascade is not None
        assert cascade.source == "cost and expected quality"


def test_costs() -> None:
    cascade = Cascade(("a", "b"), "c", "agreement")
    cost = {"a": 1.0, "b": 2.0, "c": 10.0}
    assert expected_cost(cascade, cost, 0.5) == 8.0
    assert worst_cost(cascade, cost) == 13.0


def test_vendors_by_the_beginnings_of_names() -> None:
    assert vendor("openai:gpt-4o") == vendor("openrouter:openai/gpt-4o-mini") == "gpt"
    assert vendor("ollama:llama3.1:8b") == "llama"
    assert vendor("x:4") == "4"
