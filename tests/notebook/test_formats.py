"""``--format``: what is asked for, how it is shown, and code that goes into a new cell."""

from __future__ import annotations

import pytest

from orch_nb.errors import InputError, UnknownNameError
from orch_nb.notebook.formats import FORMATS, asking_for, code_of
from orch_nb.notebook.option_tables import FORMS
from shells.here import Shell
from stub.client import Stub
from stub.spec import write

CODE = "Look:\n```python\nx = '\u202e'\n```\nthen\n~~~sql\nselect 1\n~~~\n```\ny = 2\n"


def look(shell: Shell, stub: Stub, form: str, text: str) -> dict[str, str]:
    stub.rule("alpha", write("ok", text=text))
    cell = shell.run(f"%orch --no-cache --no-stream -f {form} write")
    assert cell.error is None, cell.error
    formatter = shell.ip.display_formatter
    assert formatter is not None
    data, _ = formatter.format(cell.value)
    return dict(data)


def test_every_form_that_an_option_names_is_one() -> None:
    assert tuple(FORMATS) == FORMS


@pytest.mark.parametrize("form", [form for form in FORMS if form != "markdown"])
def test_the_model_is_told_and_the_users_words_come_first(
    form: str, shell: Shell, alpha: Stub
) -> None:
    assert shell.run(f"%orch -f {form} --system Briefly. write").error is None
    system = dict(alpha.log()[-1].body)["messages"][0]
    assert system == {"role": "system", "content": f"Briefly.\n\n{FORMATS[form].asks}"}


def test_markdown_is_what_nobody_asks_for(shell: Shell, alpha: Stub) -> None:
    shell.run("%orch -f markdown write")
    assert [m["role"] for m in dict(alpha.log()[-1].body)["messages"]] == ["user"]


def test_text_is_verbatim_and_inert(shell: Shell, alpha: Stub) -> None:
    said = look(shell, alpha, "text", "# <b>x</b> $y$\n  *z* \x1b[31m")
    assert said["text/plain"].startswith("# <b>x</b> $y$\n  *z* \\x1b[31m\n\nalpha:")
    assert "&lt;b&gt;x&lt;/b&gt;" in said["text/html"]
    assert "<h1>" not in said["text/html"]


def test_html_is_sanitised(shell: Shell, alpha: Stub) -> None:
    said = look(shell, alpha, "html", "```html\n<h2>T</h2><script>x</script><img src=q>\n```")
    assert "<h2>T</h2><code>[image not loaded: ]</code>" in said["text/html"]
    assert "<script" not in said["text/html"]


def test_json_is_laid_out_and_checked(shell: Shell, alpha: Stub) -> None:
    good = look(shell, alpha, "json", '```json\n{"a":[1,2]}\n```')
    assert good["text/plain"].startswith('{\n  "a": [\n    1,\n    2\n  ]\n}\n\nalpha:')
    assert "orch-number" in good["text/html"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"a": }', "Expecting value"),
        ('{"a": NaN}', "NaN is no number in JSON"),
        ('{"a": 1, "a": 2}', "a name stands twice"),
        ("Here you are: {}", "Expecting value"),
        ("[" * 9_999, "nested too deeply"),
    ],
)
def test_what_is_no_json_is_shown_as_it_is_and_said(
    text: str, why: str, shell: Shell, alpha: Stub
) -> None:
    said = look(shell, alpha, "json", text)["text/plain"]
    assert said.startswith(text)
    assert why in said


def test_latex_is_for_mathjax_and_hostile_latex_is_code(shell: Shell, alpha: Stub) -> None:
    bare = look(shell, alpha, "latex", "```latex\n\\frac{1}{2}\n```")
    assert "$$\n\\frac{1}{2}\n$$" in bare["text/html"]
    mixed = look(shell, alpha, "latex", "It is $x$ or \\href{javascript:x}{y} $\\href{z}{q}$")
    assert "<span>$x$</span>" in mixed["text/html"]
    assert "<code>$\\href{z}{q}$</code>" in mixed["text/html"]
    whole = look(shell, alpha, "latex", "\\documentclass{article}\n\\begin{document}$x$")
    assert "<pre><code>" in whole["text/html"]
    assert all("text/latex" not in one for one in (bare, mixed, whole))


def test_code_is_that_of_python_fences() -> None:
    assert code_of(CODE) == "x = '\\u202e'\n\ny = 2"
    assert code_of("~~~sql\nselect 1\n~~~") == "select 1"
    assert code_of("````\n```\nx\n```\n````\n") == "```\nx\n```"
    assert code_of("no fence") == ""


def test_code_goes_into_a_new_cell_and_never_runs(shell: Shell, alpha: Stub) -> None:
    alpha.rule("alpha", write("ok", text="```python\nran = True\n```"))
    shell.run("%orch -f code write")
    assert shell.ip.rl_next_input == "ran = True"
    assert "ran" not in shell.ip.user_ns


def test_bad_combinations_fail_before_anything_is_sent(shell: Shell, alpha: Stub) -> None:
    shell.run("from typing import TypedDict\nclass T(TypedDict):\n    a: int")
    assert isinstance(shell.run("%orch -f jsn x").error, UnknownNameError)
    assert isinstance(shell.run("%orch -f html --schema T x").error, InputError)
    assert isinstance(shell.run("%orch -f code --background x").error, InputError)
    assert alpha.bill() == {}


def test_a_schema_needs_no_words_about_json() -> None:
    assert asking_for("json", {"schema": dict, "system": None}) == {"schema": dict, "system": None}
