"""Costs from the outputs of a saved notebook: what it says, checked, counted once."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orch_nb.errors import InputError
from orch_nb.notebook.display import provenance
from orch_nb.store.overview import Overview
from orch_nb.store.reckoning import reckon
from orch_nb.store.saved_notebook import read_notebook
from orch_nb.types import Attempt, Choice, Estimate, ModelCard, Response
from store.test_report import called


def response(**facts: Any) -> Response:
    made = called("a:m", **facts).response
    assert made is not None
    best = Choice(ModelCard("a", "m"), 1.0, {}, Estimate(None, None), "it is cheap")
    return replace(made, decision=replace(made.decision, ranking=(best,)))


def origin(**changed: Any) -> dict[str, Any]:
    return provenance(response()) | changed


def saved(folder: Path, *origins: object) -> Path:
    """A notebook with one output for each of `origins`."""
    outputs = [{"output_type": "display_data", "metadata": {"orch_nb": one}} for one in origins]
    cells = [{"cell_type": "markdown"}, *({"outputs": [output]} for output in outputs)]
    path = folder / "saved.ipynb"
    path.write_text(json.dumps({"nbformat": 4, "cells": cells}), encoding="utf-8")
    return path


def overview(path: Path) -> Overview:
    return reckon(read_notebook(path).calls)


def test_what_is_saved_is_what_was_paid(tmp_path: Path) -> None:
    paid = response(cost=Decimal("0.1"), seconds=2.0)
    guessed = response(cost=Decimal("0.02"), seconds=3.0, source="estimated")
    free = response(cost=Decimal("0.005"), seconds=4.0, cached=True)
    path = saved(tmp_path, *map(provenance, (paid, guessed, free)))
    found = overview(path)
    (one,) = found.models
    assert (found.spent.known, found.spent.estimated) == (Decimal("0.1"), Decimal("0.02"))
    assert (one.calls, one.cached, one.saved) == (2, 1, Decimal("0.005"))
    assert (one.seconds, one.cached_seconds) == ((2.0, 3.0), (4.0,))
    assert (one.input_tokens, one.output_tokens) == (2, 2)


def test_an_answer_shown_twice_counts_once_and_a_cached_one_each_time(tmp_path: Path) -> None:
    once, reused = origin(seconds=1.25), origin(seconds=1.25, cached=True)
    (one,) = overview(saved(tmp_path, once, once, reused, reused)).models
    assert (one.calls, one.cached) == (1, 2)


def test_several_answers_of_one_output(tmp_path: Path) -> None:
    (one,) = overview(saved(tmp_path, [origin(seconds=1.0), origin(seconds=2.0)])).models
    assert one.calls == 2


def test_who_failed_and_who_stepped_in(tmp_path: Path) -> None:
    tried = [Attempt("b:down", 0.1, "busy", "429"), Attempt("a:m", 1.0)]
    one = provenance(response(tried=tried))
    by_name = {figures.model: figures for figures in overview(saved(tmp_path, one)).models}
    assert dict(by_name["b:down"].failures) == {"429": 1}
    assert by_name["a:m"].stepped_in == 1


@pytest.mark.parametrize(
    "changed",
    [
        {"model": 7},
        {"model": ""},
        {"model": "m" * 2000},
        {"billed": "NaN"},
        {"billed": "Infinity"},
        {"billed": "-1"},
        {"billed": "1e99999999"},
        {"billed": "1e-99999999"},
        {"cost": "twelve"},
        {"seconds": -1},
        {"seconds": float("nan")},
        {"seconds": 1e300},
        {"input_tokens": -5},
        {"output_tokens": 10**30},
        {"usage_source": "invented"},
        {"attempts": {"model": "a"}},
        {"attempts": [{"model": None}]},
    ],
)
def test_numbers_that_cannot_be_true_are_left_out(tmp_path: Path, changed: dict[str, Any]) -> None:
    found = read_notebook(saved(tmp_path, origin(**changed), origin(), "text", 7, [[]]))
    assert (len(found.calls), found.damaged) == (1, 4)


def test_a_hostile_name_is_made_visible(tmp_path: Path) -> None:
    (one,) = overview(saved(tmp_path, origin(model="a:\x1b[2Jm\u202e"))).models
    assert one.model == "a:\\x1b[2Jm\\u202e"


def test_a_notebook_without_answers(tmp_path: Path) -> None:
    assert read_notebook(saved(tmp_path)).calls == ()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is no notebook"),
        (b"\xff\xfe", "is no notebook"),
        (b"{}", "of version 4"),
        (b"[]", "of version 4"),
        (b'{"worksheets": []}', "of version 4"),
        (b"[" * 100_000, "is no notebook"),
        (b'{"cells": ' + b'{"a":' * 50_000, "is no notebook"),
    ],
)
def test_what_is_no_notebook(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "other.ipynb"
    path.write_bytes(content)
    with pytest.raises(InputError, match=said) as caught:
        read_notebook(path)
    assert len(str(caught.value).splitlines()) == 1


def test_what_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        read_notebook(tmp_path / "none.ipynb")
    (tmp_path / "folder.ipynb").mkdir()
    with pytest.raises(InputError, match="cannot be read"):
        read_notebook(tmp_path / "folder.ipynb")
    os.mkfifo(tmp_path / "pipe.ipynb")
    with pytest.raises(InputError, match="cannot be read"):
        read_notebook(tmp_path / "pipe.ipynb")
    (tmp_path / "loop.ipynb").symlink_to("loop.ipynb")
    with pytest.raises(InputError, match="cannot be read"):
        read_notebook(tmp_path / "loop.ipynb")
    with pytest.raises(InputError, match="cannot be read"):
        read_notebook("a\0b.ipynb")


_json = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["cells", "outputs", "metadata", "orch_nb", "model", "cost"]), inner
        )
    ),
    max_leaves=12,
)


@given(document=_json)
def test_any_json_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, document: Any
) -> None:
    path = tmp_path_factory.mktemp("any") / "any.ipynb"
    path.write_text(json.dumps({"cells": document}), encoding="utf-8")
    if isinstance(document, list):
        assert read_notebook(path).damaged >= 0
    else:
        with pytest.raises(InputError, match="is no notebook"):
            read_notebook(path)
