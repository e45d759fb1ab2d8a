"""``--format``: the form that an answer is asked for in, and shown in."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NoReturn

from orch_nb.errors import InputError
from orch_nb.notebook import markup
from orch_nb.notebook.display import below, code, json_code, plain, quiet, words
from orch_nb.notebook.growing import growing_words
from orch_nb.notebook.tables import Bundle
from orch_nb.sanitize import one_line, visible

# A fence and what is in it, as CommonMark has it; one that is not closed ends with the answer.
_FENCE = re.compile(
    r"^ {0,3}(`{3,}|~{3,})[ \t]*([^\s`]*)[^\n`]*\n(.*?)(?:^ {0,3}\1[`~]*[ \t]*$|\Z)", re.M | re.S
)
_PYTHON = frozenset({"", "py", "py3", "python", "python3", "ipython", "ipython3"})
_DELIMITED = re.compile(r"\$|\\\(|\\\[")


@dataclass(frozen=True, slots=True)
class Format:
    """``asks`` is said to the model, ``lay_out`` shows its text, ``grow`` while it arrives.

    ``writes`` says that its code goes into a new cell.
    """

    asks: str
    lay_out: Callable[[str], Bundle]
    grow: Callable[[str], Bundle] = plain
    writes: bool = False


def code_of(text: str) -> str:
    """The code in the fences of `text`, hidden characters spelled out; "" where there is none.

    That of Python, where there is any, since that is what the new cell runs.
    """
    blocks = fences(text)
    python = [block for language, block in blocks if language in _PYTHON]
    chosen = python or [block for _, block in blocks]
    return visible("\n\n".join(block.rstrip("\n") for block in chosen))


def fences(text: str) -> list[tuple[str, str]]:
    """The fenced blocks of `text`, Markdown: the language, in small letters, and the code."""
    return [(found[2].lower(), found[3]) for found in _FENCE.finditer(text)]


def _unfenced(text: str) -> str:
    """What is in the one fence that `text` is, else `text`."""
    found = _FENCE.fullmatch(text.strip())
    return found[3].strip() if found else text.strip()


def _json(text: str) -> Bundle:
    try:
        # A repeated name and NaN are what Python reads, and what others do not.
        json.loads(_unfenced(text), parse_constant=_refuse, object_pairs_hook=_distinct)
    except RecursionError:
        return below(plain(text), quiet(["not checked: it is nested too deeply"]))
    except ValueError as error:
        return below(plain(text), quiet([f"this is no JSON: {one_line(str(error))}"]))
    return json_code(_unfenced(text))


def _refuse(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number in JSON")


def _distinct(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands twice in one object")
    return found


def _html(text: str) -> Bundle:
    return {"text/html": markup.html(_unfenced(text)), "text/plain": visible(text)}


def _latex(text: str) -> Bundle:
    """Formulas typeset; a whole document, which no formula is, as code."""
    inside = _unfenced(text)
    if "\\documentclass" in inside or "\\begin{document}" in inside:
        return code(inside, "latex")
    if not _DELIMITED.search(inside):
        inside = f"$$\n{inside}\n$$"
    return {"text/html": words(inside)["text/html"], "text/plain": visible(text)}


FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        "markdown": Format("", words, growing_words),
        "text": Format("Answer in plain text without Markdown.", plain),
        "code": Format(
            "Answer with the code in one fenced block.", words, growing_words, writes=True
        ),
        "json": Format("Answer with JSON and nothing else.", _json),
        "html": Format("Answer with an HTML fragment and nothing else.", _html),
        "latex": Format(
            "Answer in LaTeX that MathJax understands, formulas between $ or $$.", _latex
        ),
    }
)


def asking_for(name: str | None, asked: Mapping[str, Any]) -> dict[str, Any]:
    """`asked`, which `Session.ask` is to be told, with the words that ask for the format `name`.

    Raises `InputError` where a schema has said already what the answer is to be.
    """
    form = FORMATS[name or "markdown"]
    if asked.get("schema") is not None and name not in (None, "json"):
        raise InputError(f"--schema gives an object; leave --format {name} out")
    if not form.asks or asked.get("schema") is not None:
        return dict(asked)
    system = [str(asked["system"])] if asked.get("system") else []
    return {**asked, "system": "\n\n".join([*system, form.asks])}
