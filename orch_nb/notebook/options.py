"""What an option of a magic is, and how the line of one is read."""

from __future__ import annotations

import argparse
import io
import re
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from orch_nb.errors import InputError, UnknownNameError

# Quotes alone, and no backslash: that is part of a path on Windows.
_WORD = re.compile(r"""\s*(?:"([^"]*)"|'([^']*)'|(\S+))""")


@dataclass(frozen=True, slots=True)
class Option:
    """One option: its flags, what it takes (None: nothing), and what it is for.

    ``completes`` names what Tab offers after it: "strategy", "model", "models", "task", "effort",
    "tool", "thread", "chain", "priority", "provider", "excluded", "variable", "class" or nothing.
    What is ``repeated`` gives a list.
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


class Parser(argparse.ArgumentParser):
    """Reads words; what is wrong with them is an `InputError` that ends with `hint`."""

    def __init__(self, hint: str) -> None:
        super().__init__(add_help=False, allow_abbrev=False, usage=argparse.SUPPRESS)
        self._hint = hint

    def error(self, message: str) -> NoReturn:
        """Raise what argparse would print before it ends the program."""
        raise InputError(f"{message}; {self._hint}")


class Options:
    """Reads the line of one magic: options first, then the prompt, which is left as it is."""

    def __init__(self, magic: str, options: Sequence[Option]) -> None:
        self.options = tuple(options)
        self._by_flag = {flag: option for option in options for flag in option.flags}
        self._parser = Parser(f"%{magic.lstrip('%')}? shows how it is used")
        for option in options:
            said = option.help.replace("%", "%%")  # argparse fills it
            if option.metavar is None:
                self._parser.add_argument(*option.flags, action="store_true", help=said)
            else:
                self._parser.add_argument(
                    *option.flags,
                    metavar=option.metavar,
                    type=_reader(option),
                    help=said,
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

    def parse_around(self, line: str) -> tuple[argparse.Namespace, str]:
        """The options before or after the one word in `line`, and that word.

        Raises `InputError`.
        """
        word, rest = _first_word(line)
        if not word.startswith("-"):
            options, more = self.parse(rest)
        else:
            options, rest = self.parse(line)
            word, more = _first_word(rest)
        if more:
            raise InputError(f"{more!r} is no option; put quotes around a name with spaces")
        return options, word

    def _split(self, line: str) -> tuple[list[str], str]:
        source = io.StringIO(line)
        lexer = shlex.shlex(source, posix=True)
        lexer.whitespace_split, lexer.commenters = True, ""
        words: list[str] = []
        while (rest := line[source.tell() :].lstrip()).startswith("-"):
            word = _next_word(lexer)
            if word == "--":
                return words, line[source.tell() :].strip()
            flag, equals, value = word.partition("=")
            option = self.find(flag)
            if option is None:
                hint = " (a prompt that begins with - stands after --)"
                raise UnknownNameError("option", flag, self.flags, hint)
            if option.metavar is not None:
                if not equals:
                    value = _next_word(lexer, flag)
                if value == "--":  # argparse would make a list of it, with nothing in it
                    raise InputError(f"{flag} needs a value, and -- is none")
                # It takes "-1" for a flag, so the value is tied to its own.
                word = f"{option.flags[-1]}={value}"
            words.append(word)
        return words, rest.strip()


def _first_word(line: str) -> tuple[str, str]:
    """The first word of `line`, which quotes may hold together, and the rest."""
    found = _WORD.match(line)
    if found is None:
        return "", ""
    return next(filter(None, found.groups()), ""), line[found.end() :].strip()


def _next_word(lexer: shlex.shlex, flag: str = "") -> str:
    try:
        word = lexer.get_token()
    except ValueError:
        raise InputError("a quotation mark is not closed") from None
    if word is None:
        raise InputError(f"{flag} needs a value")
    return word
