"""Tables: figures stand right, and names are whole, however narrow the page."""

from __future__ import annotations

import re

import pytest

from orch_nb.notebook import tables

FIGURES = ["—", "0 s", "<0.1 s", "$0.0012", "~$0.05", "32 768", "95 %", ""]
NAME = "anthropic:claude-opus-5-5"


def styles(*column: str) -> set[str]:
    head, *rows = ([cell] for cell in column)
    return set(re.findall(r'<t[hd] style="(.*?)"', tables.html([head, *rows])))


def test_figures_stand_right() -> None:
    assert styles("expected time", *FIGURES) == {"text-align:right;white-space:nowrap"}


@pytest.mark.parametrize("word", ["demo:medium (picked)", NAME, "127.0.0.1:8765", "x" * 24])
def test_names_are_not_broken(word: str) -> None:
    (style,) = styles("model", word)
    assert "overflow-wrap:normal" in style


def test_what_has_no_end_is_broken() -> None:
    (style,) = styles("model", "x" * 25)
    assert "overflow-wrap:anywhere" in style


@pytest.mark.parametrize("word", ["demo:medium", "x" * 25])
def test_light_tables_have_classes_alone(word: str) -> None:
    said = tables.light(tables.html([["model", "time"], [word, "<0.1 s"]]))
    assert "style" not in said.partition("<table>")[2]
    assert said.count('class="orch-n"') == 2
