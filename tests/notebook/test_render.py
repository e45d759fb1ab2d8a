"""What a model wrote, as HTML: safe, complete, and said where it is not."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orch_nb.notebook import render

DATA = Path(__file__).parents[1] / "data"
CASES = json.loads((DATA / "hostile_answers.json").read_text(encoding="utf-8"))["cases"]
MARKS = st.sampled_from(
    [*"[]()*_`~<>&\\|!$#-+=:\"' \n", "http://", "javascript:", "```", "&#x202e;"]
)


class Elements(HTMLParser):
    """Every start tag with its attributes, and the text."""

    def __init__(self, body: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(body)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def body_of(text: str, *, streaming: bool = False) -> str:
    """The rendered answer without the style that comes before it."""
    return render.html(text, streaming=streaming).partition("</style>")[2]


def text_of(text: str) -> str:
    return Elements(body_of(text)).text


def assert_harmless(body: str) -> None:
    for tag, attributes in Elements(body).found:
        assert tag not in {"script", "style", "img", "svg", "iframe", "form", "object", "base"}
        assert set(attributes) <= {"href", "target", "rel", "class", "start"}
        assert re.fullmatch(r"orch-[a-z]+|", attributes.get("class") or "")
        if tag == "a":
            assert re.match(r"https?://[\w.-]+|mailto:", attributes["href"] or "")
            assert attributes["rel"] == "noopener noreferrer nofollow"
            assert attributes["target"] == "_blank"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_hostile_answers_are_harmless(case: dict[str, str]) -> None:
    text = case.get("text")
    if text is None:
        text = f"{case['before']}{case['unit'] * int(case['times'])}{case['after']}"
    body = body_of(text)
    assert_harmless(body)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff]", body)


@given(st.lists(MARKS | st.text(max_size=3), max_size=60).map("".join))
def test_any_text_is_harmless_whole_and_in_part(text: str) -> None:
    assert_harmless(body_of(text))
    assert_harmless(body_of(text[: len(text) // 2], streaming=True))


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("# A *b*", "<h1>A <em>b</em></h1>"),
        ("**a** ~~b~~ `c`", "<p><strong>a</strong> <s>b</s> <code>c</code></p>"),
        ("3. a\n4. b", '<ol start="3">\n<li>a</li>\n<li>b</li>\n</ol>'),
        ("> a", "<blockquote>\n<p>a</p>\n</blockquote>"),
        ("<b>x</b>", "<p>&lt;b&gt;x&lt;/b&gt;</p>"),
        ("|a|b|\n|-|-:|\n|1|2|", '<td>1</td>\n<td class="orch-right">2</td>'),
        ("```mermaid\nA-->B\n```", "<pre><code>A--&gt;B\n</code></pre>"),
        ("```python\ndef f(): 1\n```", '<span class="orch-keyword">def </span>'),
        ("```python\ndef f(): 1", '<span class="orch-def">f</span>'),
        ("```cobol\nMOVE A\n```", "<pre><code>MOVE A\n</code></pre>"),
        ("![a *b*](http://x.example/y.png)", "[image not loaded: a *b* http://x.example/y.png]"),
    ],
)
def test_markdown(text: str, html: str) -> None:
    assert html in body_of(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("[a](https://docs.example/x)", "a (docs.example)"),
        ("[https://good.example](http://evil.example:8/)", "https://good.example (evil.example:8)"),
        ("<me@x.example>", "me@x.example (mailto:me@x.example)"),
        ("[a](http://xn--80ak6aa92e.com)", "a (xn--80ak6aa92e.com)"),
        ("[a](http://аррӏе.com)", "a (xn--80ak6aa92e.com)"),
    ],
)
def test_a_link_shows_its_host(text: str, shown: str) -> None:
    assert "<a href=" in body_of(text)
    assert text_of(text).strip() == shown


@pytest.mark.parametrize(
    "target",
    ["javascript:x", "data:text/html,x", "file:///etc/passwd", "/lab", "//x.example", "#a",
     "https://good.example@evil.example", "https://[::1]/", "http:x", "vbscript:x"],
)  # fmt: skip
def test_any_other_link_is_removed_and_says_so(target: str) -> None:
    assert "<a" not in body_of(f"[a]({target})")
    assert "a (link removed: " in text_of(f"[a]({target})")


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("$a<b$", "<span>$a&lt;b$</span>"),
        (r"\(a_1 * b_1 * c\)", r"<span>\(a_1 * b_1 * c\)</span>"),
        ("so $$a$$ is", "so <span>$$a$$</span> is"),
        ("so\n$$\na\n- b\n$$\nis", "<p>$$\na\n- b\n$$</p>"),
        ("\\[\na \\\\\n= b\n\\]", "<p>\\[\na \\\\\n= b\n\\]</p>"),
        (r"$x \label{a} y$", "<span>$x  y$</span>"),
        (r"$\begin{matrix} a \newline b \end{matrix}$", r"\newline b"),
    ],
)
def test_formulas_reach_mathjax_untouched(text: str, html: str) -> None:
    assert html in body_of(text)


@pytest.mark.parametrize(
    "formula",
    [r"\href{u}{x}", r"\style{a}{x}", r"\def\a{b}", r"\newcommand{\a}{b}", r"\require{html}",
     r"\rule{9em}{9em}", r"\hspace{99999em}", r"a \\[5000pt] b", r"\fcolorbox{a}{b}{c}",
     r"\unicode{x41}", r"\bbox[a]{x}", r"\htmlClass{a}{x}", r"\csname href\endcsname",
     "{" * 500 + "}" * 500, "x" * 5000],
)  # fmt: skip
def test_a_dangerous_formula_is_shown_as_its_source(formula: str) -> None:
    assert f"<code>${formula}$</code>" in body_of(f"${formula}$")
    assert f"<pre>$${formula}$$</pre>" in body_of(f"$${formula}$$")


@pytest.mark.parametrize("text", ["$5 and $6", r"\$a\$", r"\begin{equation}a\end{equation}"])
def test_what_is_no_formula_is_not_typeset(text: str) -> None:
    body = body_of(text)
    assert not re.search(r"[$\\](?!</span>)", body)
    assert text_of(text).strip() == text.replace(r"\$", "$")


def test_hidden_characters_are_spelled_out_even_from_entities() -> None:
    assert text_of("a\u202eb &#x202e; `\x1b[2J`").strip() == r"a\u202eb \u202e \x1b[2J"


def test_escape_is_for_one_run_of_text() -> None:
    assert render.escape("<b> & \x07 $1") == ("&lt;b&gt; &amp; <span>\\</span>x07 <span>$</span>1")


def test_a_long_answer_is_folded_when_it_is_complete() -> None:
    text = "\n\n".join(f"Paragraph {i} of a long answer." for i in range(1000))
    folded, streaming = body_of(text), body_of(text, streaming=True)
    head, fold, tail = folded.partition("<details>")
    assert "Paragraph 0 " in head
    assert fold
    assert "Paragraph 999 " in tail
    assert "<details>" not in streaming
    assert text_of(text).replace("… the rest of the answer", "") == Elements(streaming).text


def test_a_huge_answer_is_cut_and_says_so() -> None:
    assert "cut here: 100 000 of 300 000 characters" in text_of("word " * 60_000)


def test_too_many_marks_are_plain_text_and_say_so() -> None:
    text = text_of("[" * 9_000)
    assert "[" * 9_000 in text
    assert "shown as plain text" in text


def test_loading_it_imports_no_parser() -> None:
    code = (
        "import sys, orch_nb.notebook.render, orch_nb.templates.template as t; t.fill('x', {});"
        "print({'markdown_it', 'nh3', 'pygments', 'mdit_py_plugins', 'jinja2'} & {*sys.modules})"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout == "set()\n"
