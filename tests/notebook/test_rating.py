"""``%orch rate`` in a shell: it counts for the model and the kind of task, from then on."""

from __future__ import annotations

from pathlib import Path

import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

import orch_nb
from notebook.test_background import WIDGET
from notebook.test_commands import failure, row, shown
from orch_nb.errors import InputError
from shells.here import Shell
from shells.kernel import Kernel, Ran
from shells.settings import write_settings
from stub.client import Stub

PROMPT = "Translate this letter into French."


def evidence(model: str) -> str:
    choice = orch_nb.session().select(PROMPT, model=model).best
    ranking = orch_nb.session().select(PROMPT, provider="alpha").ranking
    return next(c.sources["quality"] for c in ranking if c.model == choice.model)


def test_a_rating_counts_for_the_model_and_kind(shell: Shell) -> None:
    shell.run(f"%orch -m alpha:stub-small {PROMPT}")
    shell.run(f"%orch -m alpha:stub-large {PROMPT}")
    text = shown(shell, "%orch rate down")
    assert row(text, "2") == ["2", "alpha:stub-large", "0"]
    assert "counts for translation" in text
    assert "1 rating" in evidence("alpha:stub-large")
    assert "rating" not in evidence("alpha:stub-small")
    assert row(shown(shell, "%orch rate 1 0.75"), "1") == ["1", "alpha:stub-small", "0.75"]
    assert row(shown(shell, "%orch rate -2 up"), "1") == ["1", "alpha:stub-small", "1"]
    assert "2 ratings" in evidence("alpha:stub-small")


def test_a_cached_answer_is_the_models_too(shell: Shell, alpha: Stub) -> None:
    for _ in range(2):
        shell.run(f"%orch -m alpha:stub-small {PROMPT}")
    assert orch_nb.session().ledger[-1].response.cached  # type: ignore[union-attr]
    assert row(shown(shell, "%orch rate up"), "2")[1] == "alpha:stub-small"


def test_ratings_change_who_is_asked(shell: Shell) -> None:
    shell.run("%orch_select --strategy task")
    models = ["alpha:stub-small", "alpha:stub-large"]
    for model in models:
        shell.run(f"%orch -m {model} {PROMPT}")
    for winner, rated in ((models[0], "1 up"), (models[1], "2 up")):
        loser = "2 down" if rated == "1 up" else "1 down"
        for _ in range(1 if winner == models[0] else 3):
            shown(shell, f"%orch rate {rated}")
            shown(shell, f"%orch rate {loser}")
        assert shell.run(f"asked = %orch {PROMPT}").error is None
        assert shell.ip.user_ns["asked"].model == winner


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("", "use `%orch rate [N] up|down|0..1`"),
        ("1 2 up", "use `%orch rate [N] up|down|0..1`"),
        ("better", "better is no rating"),
        ("1.5", "1.5 is no rating"),
        ("nan", "nan is no rating"),
        ("3 up", "there is no call 3; take 1 to 1"),
        ("0 up", "there is no call 0"),
        ("last up", "last is no number of a call"),
    ],
)
def test_a_wrong_word_counts_for_nobody(shell: Shell, words: str, said: str) -> None:
    shell.run(f"%orch -m alpha:stub-small {PROMPT}")
    error = failure(shell, f"%orch rate {words}")
    assert isinstance(error, InputError)
    assert said in str(error)
    assert "rating" not in evidence("alpha:stub-small")


def test_there_must_be_an_answer(shell: Shell, alpha: Stub) -> None:
    assert "nothing was asked yet" in str(failure(shell, "%orch rate up"))
    alpha.plan("alpha", "401")
    shell.run(f"%orch -m alpha:stub-small {PROMPT}")
    assert "call 1 has no answer to rate" in str(failure(shell, "%orch rate up"))


# -- thumbs


def row_of_buttons(ran: Ran) -> list[dict[str, str]]:
    return [content["data"] for content in ran.of("display_data") if WIDGET in content["data"]]


def test_thumbs_are_shown_where_they_are_wanted(kernel: Kernel, stub: Stub) -> None:
    assert row_of_buttons(kernel.run("%orch --no-cache one")) == []
    kernel.run("import orch_nb; orch_nb.session().change(thumbs=True)")
    ran = kernel.run("%orch --no-cache two")
    (shown,) = row_of_buttons(ran)
    assert shown["text/plain"] == ""  # in a saved notebook there is no line of it
    kinds = [kind for kind, _ in ran.messages if kind in ("execute_result", "display_data")]
    assert kinds[-2:] == ["execute_result", "display_data"]
    assert row_of_buttons(kernel.run("%orch --quiet --no-cache three")) == []
    kernel.run("orch_nb.session().change(thumbs=False)")


def test_no_thumbs_in_a_notebook_that_nobody_looks_at(stub: Stub, tmp_path: Path) -> None:
    write_settings(tmp_path, stub)
    with (tmp_path / "orch.yaml").open("a") as file:
        file.write("thumbs: true\n")
    cells = [new_code_cell(source) for source in ("%load_ext orch_nb", "%orch hi")]
    notebook = new_notebook(cells=cells)
    NotebookClient(notebook, resources={"metadata": {"path": str(tmp_path)}}).execute()
    assert not any(WIDGET in out.get("data", ()) for out in notebook.cells[1].outputs)
    assert notebook.cells[1].outputs[-1].data["text/plain"].startswith("echo ")
