"""What servers say of tokens: a count, or nothing."""

from __future__ import annotations

import pytest

from orch_nb.providers._usage import count


@pytest.mark.parametrize("said", [0, 7, 10_000_000, 10**8 - 1])
def test_a_count_that_a_model_can_have_is_believed(said: int) -> None:
    assert count(said) == said


@pytest.mark.parametrize("said", [-1, 10**8, 10**18, 1.5, "7", True, None, [7]])
def test_anything_else_is_no_count(said: object) -> None:
    assert count(said) is None
