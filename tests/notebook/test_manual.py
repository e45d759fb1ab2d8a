"""``%orch help TOPIC`` in a shell."""

from __future__ import annotations

import re

import pytest

from documents import PAGES
from orch_nb.errors import UnknownNameError
from orch_nb.notebook.magics import USAGE
from orch_nb.notebook.manual import topics
from shells.here import Shell
from stub.client import Stub


def test_help_is_the_usage_and_one_line_of_topics(shell: Shell) -> None:
    printed = shell.run("%orch help").printed
    line = printed.removeprefix(USAGE).strip()
    assert line.endswith(f"%orch help TOPIC: {', '.join(PAGES)}")
    assert "\n" not in line
    assert topics() == list(PAGES)


@pytest.mark.parametrize("topic", PAGES)
def test_a_page(shell: Shell, alpha: Stub, topic: str) -> None:
    cell = shell.run(f"%orch help {topic}")
    (output,) = cell.outputs
    text, html = output.data["text/plain"], output.data["text/html"]
    title = PAGES[topic].splitlines()[0].removeprefix("# ")
    assert f"<h1>{title}</h1>" in html
    said = re.sub(r"^<!--.*-->$|^```\w+|\]\((?!http)[^)]*\)", "", PAGES[topic], flags=re.M)
    assert set(re.findall(r"\w+", said)) <= set(re.findall(r"\w+", text))
    assert "link removed" not in html
    assert "<details" not in html, "nothing of it is folded"
    assert "](" not in text
    assert "<!--" not in text + html
    fenced = [line for line in text.splitlines() if line.startswith("    ")]
    assert [li for li in text.splitlines() if len(li) > 79 and li not in fenced] == []
    assert alpha.log() == []


def test_links_name_what_shows_the_page(shell: Shell) -> None:
    (output,) = shell.run("%orch help commands").outputs
    assert "`%orch help providers`" in output.data["text/plain"]
    assert "<code>%orch help providers</code>" in output.data["text/html"]


def test_an_unknown_topic(shell: Shell, alpha: Stub) -> None:
    error = shell.run("%orch help setings").error
    assert isinstance(error, UnknownNameError)
    assert "did you mean settings" in str(error)
    assert alpha.log() == []


def test_a_sentence_that_begins_with_help_is_a_prompt(shell: Shell, alpha: Stub) -> None:
    shell.run("%orch help me plan").result.raise_error()
    assert [entry.prompt for entry in alpha.log() if entry.wire == "chat"] == ["help me plan"]
