"""HTML of a model: its structure is shown, and nothing in it loads, runs or hides."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from orch_nb.notebook import markup

DATA = Path(__file__).parents[1] / "data"
CASES = json.loads((DATA / "hostile_answers.json").read_text(encoding="utf-8"))["cases"]
ALLOWED = {
    *(("a", name) for name in ("href", "target", "rel")),
    *((cell, name) for cell in ("td", "th") for name in ("colspan", "rowspan")),
    ("ol", "start"),
}


def body(text: str) -> str:
    inside = markup.html(text).partition("</style>")[2]
    assert inside.startswith('<div class="orch-answer">')
    return inside.removeprefix('<div class="orch-answer">').removesuffix("</div>")


class Reader(HTMLParser):
    """The tags, attributes, links and words of an answer."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[tuple[str, str]] = set()
        self.links: list[str] = []
        self.words = ""
        self.feed(body(text))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {(tag, name) for name, _ in attrs}
        self.links += [value or "" for name, value in attrs if name == "href"]

    def handle_data(self, data: str) -> None:
        self.words += data


def test_structure_and_words_stay() -> None:
    said = body("<h1>A</h1><table><tr><td colspan=2>b</td></tr></table><ol start=3><li>c</ol>")
    table = '<table><tbody><tr><td colspan="2">b</td></tr></tbody></table>'
    assert said == f'<h1>A</h1>{table}<ol start="3"><li>c</li></ol>'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a<script>alert(1)</script>b", "ab"),
        ("a<style>*{display:none}</style>b", "ab"),
        ("<p style='position:fixed' class='jp-Dialog' id=x onclick=y>p</p>", "<p>p</p>"),
        ("<form action=x><input value=y><button>b</button></form>", "b"),
        ("<svg onload=x><a href=y>s</a></svg>", ""),
        ("<iframe srcdoc='<b>x</b>'></iframe><base href=//x><meta http-equiv=refresh>", ""),
    ],
)
def test_what_could_run_or_look_like_the_page_goes(text: str, said: str) -> None:
    assert body(text) == said


def test_images_are_named_and_not_loaded() -> None:
    said = body('<img alt="<b>x</b>" src="http://evil.example/$x$.png" onerror=y>')
    label = "&lt;b&gt;x&lt;/b&gt; http://evil.example/$x$.png"
    assert said == f"<code>[image not loaded: {label}]</code>"


def test_links_show_where_they_go() -> None:
    good = Reader("<a href=' http://good.example/p?q=1' onclick=x>read</a>")
    assert good.words == "read (good.example)"
    assert [link.strip() for link in good.links] == ["http://good.example/p?q=1"]
    bad = Reader("<a href='javascript:alert(1)'>x</a><a href='//evil.example'>y</a>")
    assert (bad.words, bad.links) == ("x (link removed)y (link removed)", [])
    tricky = Reader('<a href="http://a.example/<img src=q>">t</a>')
    assert tricky.words == "t (a.example)"
    assert tricky.tags == {"a", "small"}


def test_no_formula_is_typeset_and_nothing_is_hidden() -> None:
    said = body("<p>&#x202e;&#27;[31m $x^2$ \\(\\href{javascript:x}{y}\\)</p>")
    assert re.sub(r"<span>[$\\]</span>", "", said).count("$") == 0
    assert Reader("&#x202e;&#27;[31m").words == "\\u202e\\x1b[31m"


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_hostile_answers_leave_allowed_tags_and_attributes(case: dict[str, str]) -> None:
    text = case.get("text", "")
    seen = Reader(text)
    assert seen.tags <= markup._TAGS
    assert seen.attributes <= ALLOWED
    assert all(re.match(r"\s*(https?:|mailto:)", link, re.I) for link in seen.links)


@pytest.mark.parametrize("unit", ["<b>", "$", "\\", "<a href=http://a.b>", "x"])
def test_what_is_too_much_is_shown_as_its_source_or_cut(unit: str) -> None:
    said = body(unit * 100_001)
    assert ("too many marks" in said) is (unit != "x")
    assert "cut here: 100 000 of" in said
    assert len(said) < 700_000
