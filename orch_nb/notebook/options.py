"""The options of the magics: one table, from which the parser, the help and completion are made."""

from __future__ import annotations

import argparse
import io
import keyword
import math
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from orch_nb.errors import InputError, UnknownNameError


@dataclass(frozen=True, slots=True)
class Option:
    """One option: its flags, what it takes (None: nothing), and what it is for.

    ``completes`` names what Tab offers after it: "strategy", "model", "models", "task", "effort",
    "tool", "thread", "provider", "excluded", "variable", "class" or nothing. What is ``repeated``
    gives a list.
    """

    flags: tuple[str, ...]
    metavar: str | None
    help: str
    read: Callable[[str], Any] = str
    completes: str = ""
    repeated: bool = False

    @property
    def name(self) -> str:
        """The name of the value in the parsed options."""
        return self.flags[-1].lstrip("-").replace("-", "_")


def _variable(text: str) -> str:
    if not text.isidentifier() or keyword.iskeyword(text):
        raise InputError(f"{text!r} is no name for a variable; use letters, digits and _")
    return text


def _weights(text: str) -> dict[str, float]:
    weights: dict[str, float] = {}
    for part in text.split(","):
        name, equals, number = part.partition("=")
        if name.strip() not in ("cost", "quality", "speed"):
            raise UnknownNameError("weight", name.strip(), ("cost", "quality", "speed"))
        if not equals:
            raise InputError(f"{part.strip()!r} has no number; write cost=6,quality=3,speed=1")
        weights[name.strip()] = _number(number)
    return weights


def _pin(text: str) -> tuple[str, str]:
    tool, equals, model = text.partition("=")
    if not (tool and equals and model):
        raise InputError(f"{text!r} is no pin; write TOOL=MODEL, such as sql=openai:gpt-6-luna")
    return tool, model


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise InputError(f"{text!r} is no number")
    return number


def _models(text: str) -> int | list[str]:
    if text.isdecimal():
        return _whole(text)
    models = [name.strip() for name in text.split(",")]
    if not all(models):
        raise InputError(f"{text!r} is no list of models; write A,B,C, or a number")
    return models


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise InputError(f"{text!r} is no whole number") from None


def _form(text: str) -> str:
    if text not in FORMS:
        raise UnknownNameError("format", text, FORMS)
    return text


FORMS = ("markdown", "text", "code", "json", "html", "latex")
CHOOSING = (
    Option(("-s", "--strategy"), "NAME", "how to choose the model", completes="strategy"),
    Option(
        ("-m", "--model"),
        "ID",
        "ask this model: provider:model, or a name that only one provider has",
        completes="model",
    ),
    Option(
        ("--task",),
        "KIND",
        "what the prompt is about, where its words do not say",
        completes="task",
    ),
    Option(
        ("--tool",),
        "TOOL",
        "ask the model that is pinned to this tool; may be given again",
        completes="tool",
        repeated=True,
    ),
    Option(("--max-cost",), "DOLLARS", "only models whose answer should cost no more", _number),
    Option(("--max-latency",), "SECONDS", "only models that should need no longer", _number),
    Option(
        ("--min-quality",), "Q", "only models of which this quality (0 to 1) is expected", _number
    ),
    Option(("--local",), None, "only models on this machine"),
    Option(
        ("--provider",),
        "NAME",
        "only models of this provider; may be given again",
        completes="provider",
        repeated=True,
    ),
    Option(
        ("--exclude",),
        "NAME",
        "no model of this provider, or not this model; may be given again",
        completes="excluded",
        repeated=True,
    ),
    Option(
        ("--check",),
        "CHECK",
        "for the strategy cascade: a function of the notebook, or an assertion, for the answer",
        completes="variable",
    ),
    Option(
        ("--verifier",),
        "ID",
        "for the strategy cascade: the model that judges the first answer",
        completes="model",
    ),
    Option(("--system",), "TEXT", "instructions that stand before the prompt"),
    Option(("--max-tokens",), "N", "cut the answer after this many tokens", _whole),
    Option(
        ("--image",),
        "IMAGE",
        "a picture that goes along: a variable or a path; may be given again",
        completes="variable",
        repeated=True,
    ),
    Option(
        ("--schema",),
        "CLASS",
        "answer in this class of the notebook: pydantic, dataclass or TypedDict",
        completes="class",
    ),
)
ASKING = (
    *CHOOSING,
    Option(("--temperature",), "T", "passed to the model; 0 is the most predictable", _number),
    Option(
        ("--seed",), "N", "passed to the model: the same draws again, where it has that", _whole
    ),
    Option(("--effort",), "LEVEL", "how long to think: low, medium or high", completes="effort"),
    Option(
        ("--thread",),
        "NAME",
        "go on with this conversation: each model sees its own part of it",
        completes="thread",
    ),
    Option(
        ("--compare",),
        "MODELS",
        "ask several side by side: A,B,C, or how many of the best",
        _models,
        "models",
    ),
    Option(("--blind",), None, "with --compare: without names, until you vote"),
    Option(("-o", "--out"), "VAR", "put the Response into this variable", _variable, "variable"),
    Option(
        ("-f", "--format"),
        "FORM",
        "ask for, and show, the answer as markdown, text, code (also put into a new cell), json, "
        "html or latex",
        _form,
        "format",
    ),
    Option(("--dry-run",), None, "show the filled-in prompt and the choice, and send nothing"),
    Option(("--explain",), None, "show the choice under the answer"),
    Option(("--no-cache",), None, "neither look the answer up nor keep it"),
    Option(("--refresh",), None, "ask again, and replace the answer that was kept"),
    Option(("--no-stream",), None, "show the answer once, when it is complete"),
    Option(("--quiet",), None, "show nothing; use with --out"),
    Option(
        ("--background",),
        None,
        "go on at once, and show the answer when it is there; with --out a handle to wait for",
    ),
)
SELECTING = (
    *CHOOSING,
    Option(
        ("--pin",),
        "TOOL=ID",
        "make this model the expert of the tool; may be given again",
        _pin,
        "tool",
        repeated=True,
    ),
    Option(("--unpin",), "TOOL", "take the tool's pin away", completes="tool", repeated=True),
    Option(("--weights",), "LIST", "cost=6,quality=3,speed=1 for the strategy weighted", _weights),
)


def _reader(option: Option) -> Callable[[str], Any]:
    """How the value of `option` is read: what is wrong with it is said with its flag."""

    def read(text: str) -> Any:
        try:
            return option.read(text)
        except UnknownNameError:
            raise
        except InputError as error:
            raise InputError(f"{option.flags[-1]}: {error}") from None

    return read


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message}; %{self.prog.lstrip('%')}? shows how it is used")


class Options:
    """Reads the line of one magic: options first, then the prompt, which is left as it is."""

    def __init__(self, magic: str, options: Sequence[Option]) -> None:
        self.options = tuple(options)
        self._by_flag = {flag: option for option in options for flag in option.flags}
        self._parser = _Parser(
            prog=magic, add_help=False, allow_abbrev=False, usage=argparse.SUPPRESS
        )
        for option in options:
            if option.metavar is None:
                self._parser.add_argument(*option.flags, action="store_true", help=option.help)
            else:
                self._parser.add_argument(
                    *option.flags,
                    metavar=option.metavar,
                    type=_reader(option),
                    help=option.help,
                    action="append" if option.repeated else "store",
                )

    @property
    def help(self) -> str:
        """The options as text, one a line."""
        return self._parser.format_help().strip()

    def find(self, flag: str) -> Option | None:
        """The option that `flag` belongs to."""
        return self._by_flag.get(flag)

    @property
    def flags(self) -> tuple[str, ...]:
        """All flags, short ones too."""
        return tuple(self._by_flag)

    def parse(self, line: str) -> tuple[argparse.Namespace, str]:
        """The options at the start of `line`, and the rest of it.

        The rest begins at the first word that is no option, or after ``--``. Raises `InputError`.
        """
        words, rest = self._split(line)
        return self._parser.parse_args(words), rest

    def _split(self, line: str) -> tuple[list[str], str]:
        source = io.StringIO(line)
        lexer = shlex.shlex(source, posix=True)
        lexer.whitespace_split, lexer.commenters = True, ""
        words: list[str] = []
        while (rest := line[source.tell() :].lstrip()).startswith("-"):
            word = _next_word(lexer)
            if word == "--":
                return words, line[source.tell() :].strip()
            flag, equals, _ = word.partition("=")
            option = self.find(flag)
            if option is None:
                hint = " (a prompt that begins with - stands after --)"
                raise UnknownNameError("option", flag, self.flags, hint)
            words.append(word)
            if option.metavar is not None and not equals:
                # argparse takes "-1" for a flag, so the value is tied to its own.
                words[-1] = f"{option.flags[-1]}={_next_word(lexer, flag)}"
        return words, rest.strip()


def _next_word(lexer: shlex.shlex, flag: str = "") -> str:
    try:
        word = lexer.get_token()
    except ValueError:
        raise InputError("a quotation mark is not closed") from None
    if word is None:
        raise InputError(f"{flag} needs a value")
    return word
