"""Estimates of tokens, beside what published tokenizers count."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orch_nb.registry.tokens import count_tokens

# Text, and the tokens in o200k_base, cl100k_base and DeepSeek's tokenizer, counted on 2026-11-21.
COUNTED = [
    ("Explain the difference between a process and a thread in two sentences.", (13, 14, 13)),
    (
        "def total(items):\n    return sum(item.price * item.count for item in items)\n",
        (17, 17, 17),
    ),
    (
        "| | age | income |\n|:--|--:|--:|\n"
        "| count | 150.00 | 150.00 |\n| mean | 40.13 | 39871.20 |\n| std | 5.02 | 4988.47 |",
        (57, 55, 56),
    ),
    ("0.4521,-3.1077,12.9910,4.0002\n1.2345,6.7890,-0.1111,9.8765", (39, 39, 39)),
    ('{"id": 4711, "tags": ["a", "b"], "owner": {"name": "Ida", "age": 33}}', (32, 32, 32)),
    ("Alle Menschen sind frei und gleich an Würde und Rechten geboren.", (14, 16, 14)),
    ("Todos los seres humanos nacen libres e iguales en dignidad y derechos.", (15, 19, 17)),
    ("Все люди рождаются свободными и равными в своем достоинстве и правах.", (17, 35, 21)),
    ("人人生而自由,在尊严和权利上一律平等。", (16, 22, 13)),
    (
        "すべての人間は、生まれながらにして自由であり、かつ、尊厳と権利とについて平等である。",
        (35, 45, 25),
    ),
    ("모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다.", (24, 41, 26)),
]


@pytest.mark.parametrize(("text", "counts"), COUNTED)
def test_an_estimate_is_near_what_tokenizers_count(text: str, counts: tuple[int, ...]) -> None:
    """Within a third of the range, also for tables, digits and scripts without spaces."""
    assert 0.67 * min(counts) <= count_tokens(text) <= 1.33 * max(counts)


@given(st.text(st.characters()), st.text(st.characters()))
def test_more_text_is_never_fewer_tokens(one: str, other: str) -> None:
    assert count_tokens(one + other) >= max(count_tokens(one), count_tokens(other))
    assert (count_tokens(one) > 0) == (one != "")
    assert count_tokens(one) <= 3 * len(one)
