"""Which models may answer at all."""

from __future__ import annotations

import pytest

from orch_nb.providers._memory import memory_for_models
from orch_nb.routing.analyse import analyse
from orch_nb.routing.filters import split
from orch_nb.routing.route import name_models
from orch_nb.types import ModelCard
from routing.candidates import ASK, card

GB = 10**9


@pytest.mark.parametrize(
    ("facts", "memory", "fits"),
    [
        ({"size": 5 * GB, "local": True}, 6 * GB, True),
        ({"size": 5 * GB, "local": True}, 4 * GB, False),
        ({"size": 5 * GB, "local": True, "loaded": True}, 1 * GB, True),
        ({"size": 5 * GB, "local": False}, 4 * GB, True),
        ({"size": None, "local": True}, 4 * GB, True),
        ({"size": 5 * GB, "local": True}, None, True),
    ],
)
def test_a_model_must_fit_into_memory(
    facts: dict[str, object], memory: int | None, fits: bool
) -> None:
    fit, rejected = split([card("big", **facts)], analyse(ASK), memory)
    assert bool(fit) is fits
    reasons = [row.reason for row in rejected]
    assert reasons == ([] if fits else ["needs 5.0 GB of memory, 4.0 GB can be had"])


def beside(other: ModelCard) -> list[str]:
    big = card("big", size=5 * GB, local=True)
    return [row.model for row in split([big, other], analyse(ASK), 1 * GB)[1]]


def test_what_is_loaded_can_make_room() -> None:
    assert beside(card("idle", size=4 * GB, local=True, loaded=True)) == []
    assert beside(card("idle", size=3 * GB, local=True, loaded=True)) == ["p:big"]


def test_what_has_answered_fits() -> None:
    big = card("big", size=5 * GB, local=True)
    assert split([big], analyse(ASK), 1 * GB, {"p:big": 2.0}) == ([big], [])


def test_what_is_named_is_tried() -> None:
    big = card("big", size=10**18, local=True)
    assert name_models(ASK, [big], {}).best.card is big


def test_memory_is_measured_or_unknown() -> None:
    memory = memory_for_models()
    assert memory is None or 0 < memory < 2**50
