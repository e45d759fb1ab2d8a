"""The loader refuses what is not plain data, and says on which line it stands."""

from __future__ import annotations

import json
import tracemalloc
from contextlib import nullcontext

import pytest

from orch_nb.errors import SettingsError
from orch_nb.settings import strict_yaml


def read(text: str) -> object:
    return strict_yaml.parse(text.encode(), "orch.yaml").data


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("# only a comment\n", None),
        ("a: 1", {"a": 1}),
        ("a: -1.5e3", {"a": -1500.0}),
        ("a: 1e3", {"a": 1000.0}),
        ("a: .5", {"a": 0.5}),
        ("a: true", {"a": True}),
        ("a: ~\nb:\n", {"a": None, "b": None}),
        ("a: 'true'", {"a": "true"}),
        ("a: |\n  two\n  lines\n", {"a": "two\nlines\n"}),
        ("- 1\n- [x, {y: z}]\n", [1, ["x", {"y": "z"}]]),
        ("{a: [], b: {}}", {"a": [], "b": {}}),
        ("off: on", {"off": "on"}),
        ("a: no", {"a": "no"}),
        ("a: 1:30:00", {"a": "1:30:00"}),
        ("a: 012", {"a": "012"}),
        ("a: 0x1f", {"a": "0x1f"}),
        ("a: 1_000", {"a": "1_000"}),
        ("a: 2026-01-01", {"a": "2026-01-01"}),
        ("\ufeffa: 1\r\nb: 2\r\n", {"a": 1, "b": 2}),
    ],
)
def test_scalars_are_read_as_in_yaml_1_2(text: str, value: object) -> None:
    assert read(text) == value


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("a: 1\nb: !!python/name:os.system x\n", 2, "tags are not allowed"),
        ("a: ! x\n", 1, "tags are not allowed"),
        ("a: &x 1\n", 1, "anchors and aliases are not allowed"),
        ("a: 1\nb: *a\n", 2, "anchors and aliases are not allowed"),
        ("a: {<<: {b: 1}}\n", 1, "merge keys are not allowed"),
        ("a: 1\nb: 2\na: 3\n", 3, "'a' is given twice"),
        ("1: a\n", 1, "keys must be plain text"),
        ("[a]: b\n", 1, "keys must be plain text"),
        ("a: 1\n---\nb: 2\n", 2, "more than one document"),
        ("%YAML 1.1\n---\na: 1\n", 1, "directives are not allowed"),
        ("a: .inf\n", 1, "numbers must be finite"),
        ("a: 1e999\n", 1, "numbers must be finite"),
        ("a: 1234567890123456789\n", 1, "number of more than 18 digits"),
        ("a:\n\tb: 1\n", 2, "cannot start any token"),
        ("a: [1\n", 2, "expected"),
        ("a: 'x\u202ey'\n", 1, "hidden or control character"),
        ("a: 1\nb: \x1b[2J\n", 2, "hidden or control character"),
        ('a: 1\nb: "x\\ud800"\n', 2, "half a character"),
        ('a: "\\UFFFFFFFF"\n', None, "an escape that is no character"),
        ("[" * 41 + "]" * 41, 1, "nested too deep"),
        ("a: [" + "0," * 20_001 + "]", 1, "too many values"),
        ("#" + "x" * strict_yaml.MAX_BYTES, None, "larger than 256 KB"),
    ],
)
def test_what_is_refused_names_its_line(text: str, line: int | None, message: str) -> None:
    with pytest.raises(SettingsError, match=message) as caught:
        read(text)
    assert caught.value.line == line
    assert str(caught.value).startswith("orch.yaml")
    assert "\n" not in str(caught.value)


def test_bytes_that_are_not_utf8_name_their_line() -> None:
    with pytest.raises(SettingsError, match="line 2: not UTF-8"):
        strict_yaml.parse(b"a: 1\nb: \xff\n", "orch.yaml")


def test_the_line_of_every_key_and_item_is_kept() -> None:
    document = strict_yaml.parse(b"a:\n  b: 1\n  c:\n    - x\n    - y: 2\n", "orch.yaml")
    assert document.lines == {
        ("a",): 1,
        ("a", "b"): 2,
        ("a", "c"): 3,
        ("a", "c", 0): 4,
        ("a", "c", 1): 5,
        ("a", "c", 1, "y"): 5,
    }


def test_hostile_documents_are_refused_or_plain_data(hostile: tuple[bytes, bool]) -> None:
    content, plain = hostile
    tracemalloc.start()
    with nullcontext() if plain else pytest.raises(SettingsError):
        data = strict_yaml.parse(content, "orch.yaml").data
        assert json.loads(json.dumps(data)) == data
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 50_000_000
