"""``--compare`` in a kernel and a shell: columns that grow, a table that stays, votes."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

import orch_nb
from notebook.test_commands import failure, row, shown
from notebook.test_kernel import Stop
from orch_nb.errors import InputError, SelectionError, UnknownNameError
from orch_nb.workflows.blind import BlindComparison
from orch_nb.workflows.comparison import Comparison
from shells.here import Shell
from shells.kernel import Kernel, Ran
from stub.client import Stub
from stub.spec import write

BOTH = "--compare alpha:stub-small,alpha:stub-large"
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)>\x1b[2J$x$ [a](javascript:alert(1))"


def drawn(shell: Shell, name: str = "made") -> tuple[dict[str, str], dict[str, Any]]:
    """What a later cell shows of a variable."""
    cell = shell.run(f"display({name})")
    (output,) = cell.outputs
    return output.data, output.metadata


@pytest.fixture
def talks(alpha: Stub) -> Stub:
    """The server, whose models answer differently."""
    alpha.rule("alpha", write("ok", text="The **Elbe**."), model="stub-small")
    alpha.rule("alpha", write("ok", text="The *Rhine*."), model="stub-large")
    return alpha


def test_columns_grow_in_one_place_and_the_result_is_saved_once(kernel: Kernel, stub: Stub) -> None:
    stub.rule("alpha", write("ok", words=60, delay=0.02), model="stub-small")
    stub.rule("alpha", write("ok", words=300, delay=0.004), model="stub-large")
    ran = kernel.run(f"%%orch {BOTH} --no-cache\nhi")
    assert ran.reply["status"] == "ok"
    (place,) = ran.of("display_data")
    looks = [look["data"] for look in ran.of("update_display_data")]
    assert place["data"] == looks[-1] == {}
    texts = [look["text/plain"] for look in looks[:-1]]
    assert len(texts) >= 3
    assert all("── alpha:stub-small ──" in text for text in texts)
    assert all("── alpha:stub-large ──" in text for text in texts)
    assert all(len(later) >= len(earlier) - 1 for earlier, later in pairwise(texts))
    # All columns together are drawn no more often than one answer is: 360 pieces came.
    assert len(looks) <= 12 * ran.seconds + 3
    made = ran.result
    assert made["data"]["text/html"].count('class="orch-answer"') == 2
    assert "text/markdown" not in made["data"]
    origins = made["metadata"]["orch_nb"]
    assert [one["model"] for one in origins] == ["alpha:stub-small", "alpha:stub-large"]
    assert all(one["cost"] for one in origins)
    assert "2 of 2 answered · billed $" in made["data"]["text/plain"]


def test_one_that_is_no_result_stays_too(kernel: Kernel, stub: Stub) -> None:
    ran = kernel.run(f"kept = %orch {BOTH} hi there")
    assert not ran.of("execute_result")
    (look,) = ran.saved
    assert "billed" in look["text/plain"]
    ran = kernel.run(f"%orch {BOTH} --quiet -o kept hi there\nprint(len(kept), kept[0].model)")
    assert ran.stdout == "2 alpha:stub-small\n"
    assert ran.saved == []


def test_the_stop_button_keeps_what_has_arrived(kernel: Kernel, stub: Stub) -> None:
    stub.rule("alpha", write("ok", text="quick and done"), model="stub-small")
    stub.rule("alpha", write("ok", words=400, delay=0.05), model="stub-large")

    def grows(ran: Ran) -> bool:
        looks = [look["data"].get("text/plain", "") for look in ran.of("update_display_data")]
        return any("quick and done" in look and "beta" in look for look in looks)

    ran = kernel.run(f"%%orch {BOTH} --no-cache\nhi", Stop(kernel, grows))
    assert (ran.reply["status"], ran.reply["ename"]) == ("error", "ComparisonStopped")
    assert "1 of 2 answers are kept" in ran.reply["evalue"]
    (look,) = ran.saved
    assert "quick and done" in look["text/plain"]
    assert "beta" in look["text/plain"]
    assert look["text/plain"].endswith("interrupted")
    stub.wait_idle()
    ran = kernel.run("%orch compare")
    assert "quick and done" in ran.saved[-1]["text/plain"]


def test_a_comparison_is_a_variable_and_a_table(shell: Shell, talks: Stub) -> None:
    cell = shell.run(f"%%orch {BOTH} -o made --system Short.\nName a river.")
    made = shell.ip.user_ns["made"]
    assert cell.value is made
    assert isinstance(made, Comparison)
    assert [one.text for one in made] == ["The **Elbe**.", "The *Rhine*."]
    data, metadata = drawn(shell)
    html = data["text/html"]
    assert "<strong>Elbe</strong>" in html
    assert html.count("<th ") == 2
    assert "overflow-x:auto" in html
    (figures,) = re.findall(r"billed (\$[\d.]+) together", data["text/plain"])
    assert figures == orch_nb.figures.dollars(orch_nb.session().ledger.spent.known)
    assert len(metadata["orch_nb"]) == 2
    json.dumps(metadata)


def test_a_failure_is_a_column(shell: Shell, talks: Stub) -> None:
    talks.rule("alpha", "500", model="stub-large")
    shell.run(f"%%orch {BOTH} -o made\nName a river.")
    data, metadata = drawn(shell)
    assert "The **Elbe**." in data["text/plain"]
    assert "alpha:stub-large: " in data["text/plain"]
    assert "1 of 2 answered" in data["text/plain"]
    assert len(metadata["orch_nb"]) == 1


def test_where_nobody_answers_the_cell_fails(shell: Shell, alpha: Stub) -> None:
    alpha.rule("alpha", "400")
    done = shell.run(f"%orch {BOTH} -o made Name a river")
    assert isinstance(done.error, orch_nb.OrchError)
    assert "no model answered: alpha:stub-small" in str(done.error)
    assert [row.response for row in shell.ip.user_ns["made"]] == [None, None]


def test_hostile_answers_are_harmless(shell: Shell, talks: Stub) -> None:
    talks.rule("alpha", write("ok", text=HOSTILE))
    for option in ("", "--blind"):
        cell = shell.run(f"%%orch {BOTH} {option} --no-cache -o made\nName a river.")
        data, _ = drawn(shell)
        assert not re.search("<script|<img|href", data["text/html"])
        assert "\x1b" not in data["text/html"] + data["text/plain"] + cell.printed


def test_a_dry_run_shows_the_plans_of_all(shell: Shell, talks: Stub) -> None:
    text = shown(shell, "%orch --compare 2 --dry-run Name a river.")
    assert text.startswith("Name a river.")
    assert row(text, "alpha:stub-small")
    assert row(text, "alpha:stub-large")
    assert "2 answers for about $" in text
    assert talks.bill() == {}


@pytest.mark.parametrize(
    ("options", "kind", "said"),
    [
        (f"{BOTH} -m alpha:stub-small", InputError, "leave model out"),
        (f"{BOTH} --check 'assert True'", InputError, "leave check out"),
        (f"{BOTH} --strategy cost", InputError, "leave one of both out"),
        (f"{BOTH} --explain", InputError, "--explain is for one answer"),
        (f"{BOTH} --format json", InputError, "--format is for one answer"),
        (f"{BOTH} --background", InputError, "--background is for one answer"),
        (f"{BOTH} --chain code", InputError, "--chain is for one answer"),
        (f"{BOTH} --max-cost 0", InputError, "is more than max_cost=0"),
        (f"{BOTH} --exclude alpha", SelectionError, "alpha:stub-small"),
        (f"{BOTH} --no-cache --refresh", InputError, "exclude each other"),
        ("--compare a,,b", InputError, "--compare: 'a,,b' is no list of models"),
        ("--compare 1", InputError, "at least 2"),
        ("--compare alpha:stub-small", InputError, "1 models, where 2 to 26"),
        ("--compare alpha:stub-small,beta:x", UnknownNameError, "unknown"),
        ("--blind", InputError, "--blind belongs to --compare"),
    ],
)
def test_contradictions_cost_nothing(
    shell: Shell, talks: Stub, *, options: str, kind: type[Exception], said: str
) -> None:
    error = failure(shell, f"%%orch {options}\nName a river.")
    assert isinstance(error, kind)
    assert said in str(error)
    assert talks.bill() == {}


def test_a_saved_comparison_has_its_costs(shell: Shell, talks: Stub) -> None:
    shell.run(f"%%orch {BOTH} -o made\nName a river.")
    data, metadata = drawn(shell)
    output = {"output_type": "display_data", "data": data, "metadata": metadata}
    cell = {"cell_type": "code", "source": "", "metadata": {}, "execution_count": 1}
    document = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}}
    document["cells"] = [cell | {"outputs": [output]}]
    Path("saved.ipynb").write_text(json.dumps(document), encoding="utf-8")
    *_, table = shell.run("%orch costs saved.ipynb").outputs
    text = str(table.data["text/plain"])
    assert "2 answers saved in saved.ipynb" in text
    assert row(text, "alpha:stub-small")
    assert row(text, "alpha:stub-large")


# -- votes


def evidence(model: str) -> str:
    ranking = orch_nb.session().select("Name a river.").ranking
    return next(choice.sources["quality"] for choice in ranking if choice.model == model)


def test_a_blind_vote_reveals_and_counts(shell: Shell, talks: Stub) -> None:
    cell = shell.run(f"%%orch {BOTH} --blind -o made\nName a river.")
    made = shell.ip.user_ns["made"]
    assert isinstance(made, BlindComparison)
    data, _ = drawn(shell)
    for form in (*data.values(), cell.printed):
        assert "stub-" not in form
        assert "$" not in form
    assert "vote A" in data["text/plain"]
    assert "stub-" not in shown(shell, "%orch compare")
    letter = next(at for at, one in made.letters.items() if one.model == "alpha:stub-small")
    text = shown(shell, f"%orch compare vote {letter}")
    assert f"── {letter} · alpha:stub-small · your vote ──" in text
    assert "you prefer alpha:stub-small; it counts for " in text
    assert f"\n{letter} · alpha:stub-small · your vote  $" in text
    assert "1 vote" in evidence("alpha:stub-small")
    assert "1 vote" in evidence("alpha:stub-large")
    data, _ = drawn(shell)
    assert "alpha:stub-small · your vote" in data["text/plain"]


def test_votes_find_the_comparison_that_waits(shell: Shell, talks: Stub) -> None:
    shell.run(f"%%orch {BOTH} --blind\nName a river.")
    shell.run(f"%%orch {BOTH}\nName a lake.")
    assert "comparison 1 of 2: Name a river." in shown(shell, "%orch compare vote a")
    assert "comparison 2 of 2: Name a lake." in shown(shell, "%orch compare")
    assert "Name a river." in shown(shell, "%orch compare -2")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("vote", "use `%orch compare [N] [vote LETTER]`"),
        ("vote A B", "use `%orch compare [N] [vote LETTER]`"),
        ("these two poems", "no number of a comparison; use `%orch compare"),
        ("3", "there is no comparison 3; take 1 to 2"),
        ("vote C", "unknown answer 'C'"),
        ("2 vote A", "was not blind"),
        ("0 vote A", "there is no comparison 0"),
    ],
)
def test_a_wrong_vote_counts_for_nobody(
    shell: Shell, talks: Stub, *, words: str, said: str
) -> None:
    shell.run(f"%%orch {BOTH} --blind\nName a river.")
    shell.run(f"%%orch {BOTH}\nName a lake.")
    assert said in str(failure(shell, f"%orch compare {words}"))
    assert "vote" not in evidence("alpha:stub-small")


def test_there_must_be_a_comparison(shell: Shell) -> None:
    assert "nothing was compared yet" in str(failure(shell, "%orch compare"))
    assert "nothing was compared yet" in str(failure(shell, "%orch compare vote A"))


# -- threads


def turns(stub: Stub) -> list[tuple[str, list[str]]]:
    bodies: list[Any] = [entry.body for entry in stub.log() if entry.wire == "chat"]
    return [(body["model"], [turn["content"] for turn in body["messages"]]) for body in bodies]


def test_threads_of_one_and_of_several(shell: Shell, talks: Stub) -> None:
    shell.run(f"%%orch {BOTH} --thread rivers\nName a river.")
    shell.run("%%orch --compare 2 --thread rivers\nAnother one.")
    shell.run("%%orch -m alpha:stub-small --thread rivers\nA third.")
    *_, (model, said) = turns(talks)
    assert model == "stub-small"
    first = ["Name a river.", "The **Elbe**.", "Another one.", "The **Elbe**.", "A third."]
    assert said == first
    assert all("Elbe" not in str(said) for model, said in turns(talks) if model == "stub-large")
    assert "say which of them goes on" in str(failure(shell, "%orch --thread rivers More."))
    text = shown(shell, "%orch -m alpha:stub-small --thread rivers --dry-run A fourth.")
    assert re.search(r"about (\d\d)→", text)
    assert shell.complete("%orch --thread ") == ["rivers"]


def test_who_is_done_is_shown_while_others_hang(kernel: Kernel, stub: Stub) -> None:
    stub.rule("alpha", write("ok", text="quick"), model="stub-small")
    stub.rule("alpha", "hang", model="stub-large")

    def quick_is_there(ran: Ran) -> bool:
        looks = [look["data"].get("text/plain", "") for look in ran.of("update_display_data")]
        return any("quick\n" in look and "tokens" in look for look in looks)

    ran = kernel.run(f"%%orch {BOTH} --no-cache\nhi", Stop(kernel, quick_is_there))
    assert ran.reply["ename"] == "ComparisonStopped"
