"""The error tree: policy reads flags, people read one line."""

from __future__ import annotations

from decimal import Decimal

import pytest

from orch_nb import OrchError
from orch_nb.errors import (
    AllFailed,
    BrokenAnswer,
    BudgetExceeded,
    ContextTooLong,
    InputError,
    Interrupted,
    KeyRefused,
    ModelNotFound,
    ProviderError,
    QuotaSpent,
    RateLimited,
    Refused,
    Rejected,
    RequestRefused,
    SelectionError,
    ServerFailed,
    SettingsError,
    TemplateError,
    TimedOut,
    Transient,
    UnknownNameError,
    Unreachable,
)
from orch_nb.types import Attempt, Rejection

HOSTILE = "two\nlines\r\x1b[31m \u202egnp\u2028 " + "x" * 5000


@pytest.mark.parametrize("kind", [Unreachable, TimedOut, RateLimited, ServerFailed, BrokenAnswer])
def test_transient_errors_are_retried_and_fall_back(kind: type[ProviderError]) -> None:
    assert issubclass(kind, Transient)
    assert kind.retryable
    assert kind.falls_back


@pytest.mark.parametrize(
    "kind",
    [KeyRefused, QuotaSpent, BudgetExceeded, ModelNotFound, ContextTooLong, RequestRefused],
)
def test_refusals_fall_back_at_once(kind: type[ProviderError]) -> None:
    assert issubclass(kind, Refused)
    assert not kind.retryable
    assert kind.falls_back


def test_what_exceeds_a_budget_can_say_what_would_fit() -> None:
    error = BudgetExceeded("a:m", "too dear", period="hour", limit=Decimal(1), worst=Decimal(2))
    advised = error.advised(HOSTILE)
    assert str(advised).startswith("a:m: too dear; two lines")
    assert str(advised).isprintable()
    assert (advised.period, advised.limit, advised.worst) == ("hour", Decimal(1), Decimal(2))
    assert advised.cause == "over budget"


def test_a_policy_refusal_does_neither() -> None:
    assert not Rejected.retryable
    assert not Rejected.falls_back


def test_every_label_is_of_one_class() -> None:
    leaves = [*Transient.__subclasses__(), *Refused.__subclasses__(), Rejected]
    labels = [kind.label for kind in leaves]
    assert len(set(labels)) == len(labels)
    assert RateLimited("a:m", "x", status=429).cause == "429"


@pytest.mark.parametrize(
    "error",
    [
        ServerFailed("a:m", HOSTILE, status=500),
        UnknownNameError("strategy", HOSTILE, [HOSTILE, "cost"]),
        SettingsError(HOSTILE, source="orch.yaml", line=3),
    ],
)
def test_a_message_is_one_short_visible_line(error: OrchError) -> None:
    assert str(error).isprintable()
    assert len(str(error)) <= 700
    assert error._render_traceback_() == [f"{type(error).__name__}: {error}"]


def test_an_unknown_name_comes_with_the_nearest_or_the_choices() -> None:
    many = [f"model-{number}" for number in range(25)]
    near = UnknownNameError("strategy", "balancd", ["cost", "balanced"])
    assert str(near) == "unknown strategy 'balancd'; did you mean balanced?"
    far = UnknownNameError("model", "zzz", many)
    assert str(far).endswith("model-18, model-19 and 13 more")
    assert far.choices == sorted(many)
    assert str(UnknownNameError("model", "zzz", [])) == "unknown model 'zzz'"


def test_a_settings_error_says_where() -> None:
    assert str(SettingsError("wrong")) == "wrong"
    assert str(SettingsError("wrong", source="orch.yaml")) == "orch.yaml: wrong"
    assert str(SettingsError("wrong", source="orch.yaml", line=7)) == "orch.yaml, line 7: wrong"


def test_a_selection_error_lists_up_to_eight_reasons() -> None:
    rejected = [Rejection(f"p:m{number}", "too dear") for number in range(11)]
    error = SelectionError("no model may answer", rejected)
    assert str(error).startswith("no model may answer (p:m0: too dear; ")
    assert str(error).endswith("; and 3 more)")
    assert len(error.rejected) == 11
    assert str(SelectionError("none")) == "none"


def test_when_all_failed_each_message_stands_once() -> None:
    tries = [
        Attempt("a:m", 1.0, "a:m: down", "503"),
        Attempt("a:m", 1.0, "a:m: down", "503"),
        Attempt("b:m", 1.0, "b:m: no key"),
    ]
    assert str(AllFailed(tries)) == "no model answered: a:m: down; b:m: no key"


def test_a_stop_is_no_exception_that_a_loop_swallows() -> None:
    assert issubclass(Interrupted, KeyboardInterrupt)
    assert not issubclass(Interrupted, Exception)
    assert Interrupted().response is None
    assert Interrupted()._render_traceback_() == ["Interrupted: stopped; the connection is closed"]


def test_input_errors_are_told_apart() -> None:
    for kind in (UnknownNameError, TemplateError, SettingsError):
        assert issubclass(kind, InputError)
    assert not issubclass(ProviderError, InputError)
