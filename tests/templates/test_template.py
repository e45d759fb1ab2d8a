"""Prompts filled from the notebook: what is filled, what stays, and what is refused."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orch_nb.errors import TemplateError
from orch_nb.templates.template import Expression, Template, fill

HOSTILE = json.loads(
    (Path(__file__).parents[1] / "data" / "hostile_templates.json").read_text(encoding="utf-8")
)
PIECES = st.sampled_from(
    ["{{", "}}", "{", "}", "{%", "%}", "{#", "#}", "name", "n", "d", " ", ".", "|", "(", ")", "[",
     "]", "'", '"', "*", "**", "10", "range", "\\", "__class__", "join", "if", "else", "~", "\r\n"]
)  # fmt: skip


class Broken:
    """An object of the user's that fails."""

    def __str__(self) -> str:
        raise KeyError("first\nsecond")

    @property
    def size(self) -> int:
        raise ZeroDivisionError("no size")


@pytest.mark.parametrize("case", HOSTILE["cases"], ids=lambda case: case["id"])
def test_hostile_templates(case: dict[str, str]) -> None:
    kind, _, value = case["want"].partition(":")
    if kind == "error":
        with pytest.raises(TemplateError) as caught:
            fill(case["text"], HOSTILE["namespace"])
        assert "\n" not in str(caught.value)
    else:
        expected = case["text"] if kind == "literal" else value
        assert fill(case["text"], HOSTILE["namespace"]) == expected


@given(st.text().filter(lambda text: "{{" not in text))
def test_text_without_double_braces_is_unchanged(text: str) -> None:
    assert fill(text, {}) == text


@given(st.lists(PIECES | st.text(max_size=2), max_size=30).map("".join))
def test_any_text_is_filled_or_refused(text: str) -> None:
    with contextlib.suppress(TemplateError):
        assert isinstance(fill("{{" + text, HOSTILE["namespace"]), str)


@pytest.mark.parametrize("rest", ["\r\n a \n", "\n\n", " {% raw %} {# x #} \\frac{a}{b} {x}\r"])
def test_what_stands_around_is_kept_byte_for_byte(rest: str) -> None:
    assert fill(rest + "{{ a }}" + rest, {"a": 1}) == f"{rest}1{rest}"


def test_a_value_is_not_expanded_again() -> None:
    assert fill("{{ a }}{{ '{{ b }}' }}", {"a": "{{ b }}", "b": 1}) == "{{ b }}{{ b }}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x\n{{ colums }}", "line 2: 'colums' is not defined; did you mean columns?"),
        ("{{ zzz }}", "line 1: 'zzz' is not defined; literal braces are written {{ '{{' }}"),
        ("a\nb {{ n n }}", "line 2: {{ n n }}: expected token"),
        ("{{ n", "line 1: {{ is not closed by }}"),
        ("{{ columns.nothing }}", "'list object' has no attribute 'nothing'"),
        ("{{ broken }}", r"KeyError: 'first\\nsecond'"),
        ("{{ broken.size }}", "ZeroDivisionError: no size"),
        ("{{ os.environ }}", "attribute 'environ' of 'module' object is unsafe"),
        ("{{ _ }}", "'_' is not for prompts"),
        ("{{ get_ipython() }}", "'get_ipython' is not for prompts"),
        ("".join(f"{{{{ {i} }}}}" for i in range(300)), "more than 200 expressions"),
        ("{{ '" + "a" * 2000 + "' }}", "is not closed by }} within 1,000 characters"),
    ],
)
def test_errors_say_where_and_what(text: str, message: str) -> None:
    names = {"columns": [], "n": 1, "broken": Broken(), "os": os, "_": 1, "get_ipython": print}
    with pytest.raises(TemplateError) as caught:
        fill(text, names)
    assert message.replace("\\\\n", "\\n") in str(caught.value)


def test_only_the_names_in_use_are_looked_up() -> None:
    class Namespace(dict[str, object]):
        def __getitem__(self, name: str) -> object:
            assert name == "a"
            return super().__getitem__(name)

    assert fill("{{ a }}", Namespace(a=1, b=2)) == "1"


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("{{ l | join(', ') }}", "a, b"),
        ("{{ ', '.join(l) }}", "a, b"),
        ("{{ '%.2f' % x }} {{ '{:.1f}'.format(x) }}", "3.14 3.1"),
        ("{{ l[0] * 3 }} {{ 2 ** 10 }} {{ 10 % 3 }}", "aaa 1024 1"),
        ("{{ range(3) | list }}", "[0, 1, 2]"),
        ("{{ none }} {{ a.mean() }}", "None 1.0"),
    ],
)
def test_everyday_expressions(text: str, filled: str) -> None:
    names = {"l": ["a", "b"], "x": 3.14159, "none": None, "a": np.arange(3)}
    assert fill(text, names) == filled


def test_a_number_of_numpy_is_no_way_around_the_limits() -> None:
    with pytest.raises(TemplateError, match="larger than 10,000"):
        fill("{{ 'a' * n }}", {"n": np.int64(10**10)})


def test_a_long_value_is_cut_and_says_so() -> None:
    filled = fill("<{{ big }}>", {"big": "x" * 30_000})
    assert filled == f"<{'x' * 20_000}\n[cut: 20,000 of 30,000 characters]>"


def test_a_table_becomes_markdown() -> None:
    frame = pd.DataFrame({"a|b": [1, 2], "c": [0.1 + 0.2, None]}, index=["x", "y\nz"])
    assert fill("{{ frame }}", {"frame": frame}) == (
        "|  | a\\|b | c |\n| --- | --- | --- |\n| x | 1 | 0.3 |\n| y z | 2 | nan |"
    )
    assert fill("{{ frame.c }}", {"frame": frame}).startswith("|  | c |\n")
    wide = pd.DataFrame(np.zeros((100, 30)))
    filled = fill("{{ wide }}", {"wide": wide})
    assert filled.endswith("[cut: 20 of 100 rows, 12 of 30 columns]")
    assert len(filled.splitlines()) == 24


def test_a_template_is_read_once_and_filled_often() -> None:
    template = Template("{{ a }} and {{ b.c }}, {{ a }}")
    assert template.names == {"a", "b"}
    assert template.fill({"a": 1, "b": {"c": 2}}) == "1 and 2, 1"
    assert template.fill({"a": "{{ b }}", "b": {"c": 3}}) == "{{ b }} and 3, {{ b }}"
    with pytest.raises(TemplateError, match="line 2"):
        Template("\n{{ a + }}")


def test_which_members_are_taken_is_known_before_anything_is_filled() -> None:
    template = Template("{{ steps.a.text }} {{ steps['b'] | upper }} {{ other.c }} {{ x.a }}")
    assert template.members("steps") == {"a", "b"}
    assert template.members("x") == {"a"}
    assert template.members("none") == set()


def test_an_expression_has_a_value() -> None:
    expression = Expression("n > 1 and names")
    assert expression.names == {"n", "names"}
    assert expression.value({"n": 2, "names": ["x"]}) == ["x"]
    with pytest.raises(TemplateError, match="not defined"):
        expression.value({"n": 2})
    with pytest.raises(TemplateError):
        Expression("().__class__").value({})


def test_signs_are_read_in_a_time_that_grows_with_their_number() -> None:
    def steps(signs: int) -> int:
        counted = Counter[str]()
        sys.setprofile(lambda _, event, __: counted.update([event]))
        try:
            assert fill("{{" + "-" * signs + "n }}", {"n": 5}) == "5"
        finally:
            sys.setprofile(None)
        return counted["call"]

    assert steps(20) > 0  # what is imported is imported
    assert steps(120) < 3 * steps(60)
