"""Word by word: what stayed, what went, what came; and nothing that a text says is obeyed."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from orch_nb.notebook.differences import differences

HOSTILE = json.loads(
    (Path(__file__).parents[1] / "data" / "hostile_answers.json").read_text(encoding="utf-8")
)


def texts(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for one in inner for text in texts(one)]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("a b c", "a b c", "a b c"),
        ("a b c", "a x c", "a [-b-] {+x+} c"),
        ("a c", "a b c", "a {+b+} c"),
        ("a b c", "a c", "a [-b-] c"),
        ("it is so.", "it is so!", "it is so[-.-]{+!+}"),
        ("one\ntwo", "one two", "one two"),
        ("", "new", "{+new+}"),
        ("a b c d x e f g h", "1 2 3 4 x 5 6 7 8", "[-a b c d x e f g h-]{+1 2 3 4 x 5 6 7 8+}"),
        ("a b x e f", "1 2 x 5 6", "[-a b-] {+1 2+} x [-e f-]{+5 6+}"),
        ("old", "", "[-old-]"),
        ("今日は晴れです", "今日は雨です", "今日は[-晴れ-]{+雨+}です"),
        ("می\u200cخواهم", "می\u200cروم", "[-می\u200cخواهم-]{+می\u200cروم+}"),
    ],
)
def test_text(old: str, new: str, said: str) -> None:
    assert differences(old, new)["text/plain"] == said


def test_html_tells_by_sign_line_and_colour() -> None:
    html = differences("a b c", "a x c")["text/html"]
    deleted, inserted = re.findall(r"<(del|ins) style=\"(.*?)\">(.*?)</\1>", html)
    assert deleted[2].endswith("−</span>b")
    assert inserted[2].endswith("+</span>x")
    assert "line-through" in deleted[1]
    assert "underline" in inserted[1]
    assert deleted[1].split(";")[0] != inserted[1].split(";")[0]


@pytest.mark.parametrize("text", texts(HOSTILE))
def test_hostile_text_is_text(text: str) -> None:
    for old, new in ((text, "a"), ("a", text), (text, text[::-1])):
        made = differences(old, new)
        inside = re.sub(r"</?(?:pre|del|ins|span)(?: style=\"[^\"<>]*\")?>", "", made["text/html"])
        assert "<" not in inside
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u202e]", made["text/plain"])


def test_long_texts_are_compared_too() -> None:
    old = " ".join(f"word{n % 977}" for n in range(20_000))
    made = differences(old, old.replace("word5 ", "wird5 ", 1))["text/plain"]
    assert made.count("[-") == made.count("{+") == 1
