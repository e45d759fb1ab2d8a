"""Tab completion on the magics' own lines: flags, strategies, models, variables; from memory."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import get_args

from IPython.core.completer import (
    CompletionContext,
    SimpleCompletion,
    SimpleMatcherResult,
    context_matcher,
)

from orch_nb.errors import OrchError
from orch_nb.notebook.commands import COMMANDS
from orch_nb.notebook.option_tables import FORMS
from orch_nb.notebook.options import Option, Options
from orch_nb.notebook.variables import classes, public
from orch_nb.session import Session
from orch_nb.settings import OFFICIAL
from orch_nb.types import TASKS, Effort

_WORD = re.compile(r"[\w.:/@+=-]+", re.ASCII)
Matcher = Callable[[CompletionContext], SimpleMatcherResult]


def matcher(
    magics: Mapping[str, Options], session: Callable[[], Session], variables: Mapping[str, object]
) -> Matcher:
    """A matcher for IPython's completer that knows the options of `magics`, by magic name."""
    names = "|".join(map(re.escape, magics))
    line = re.compile(rf"^\s*(?:[\w.]+\s*=\s*)?%(%?(?:{names}))\s(.*?)(\S*)$")

    @context_matcher(identifier="orch_nb")  # type: ignore[untyped-decorator]
    def complete(context: CompletionContext) -> SimpleMatcherResult:
        found = line.match(context.line_with_cursor[: context.cursor_position])
        if found is None:
            return SimpleMatcherResult(completions=[], suppress=False)
        magic, before, word = found.groups()
        options = magics[magic.removeprefix("%")]
        choices, fragment = _choices(options, before, word, session, variables)
        if magic == "orch" and fragment == word:  # and not the value of an option
            choices = _with_commands(choices, before, session)
        elif magic == "orch_run" and fragment == word and not word.startswith("-"):
            choices = (*choices, *_pipelines(word))
        fitting = [choice for choice in choices if choice.startswith(fragment)]
        return SimpleMatcherResult(
            # What Python would offer on this line is never right, and IPython leaves that out
            # only if there is something in its place: what is written already.
            completions=[
                SimpleCompletion(text=choice, type="orch") for choice in fitting or [fragment]
            ],
            suppress=True,
            matched_fragment=fragment,
            ordered=True,
        )

    return complete  # type: ignore[no-any-return]


def _choices(
    options: Options,
    before: str,
    word: str,
    session: Callable[[], Session],
    variables: Mapping[str, object],
) -> tuple[Iterable[str], str]:
    """What may stand at the cursor, and the part of it that is there already."""
    flag, equals, value = word.partition("=")
    option = options.find(flag)
    if option is not None and equals:
        return _values(option, session, variables), _last(option, value)
    may_follow, awaiting = _state(options, before)
    if awaiting is not None:
        return _values(awaiting, session, variables), _last(awaiting, word)
    return (options.flags if may_follow else ()), word


def _pipelines(word: str) -> Iterable[str]:
    """The folders and YAML files whose path begins with `word`."""
    folder, slash, _ = word.rpartition("/")
    try:
        entries = sorted(Path(folder + slash).iterdir())
    except OSError:
        return ()
    names = [entry.name + "/" if entry.is_dir() else entry.name for entry in entries]
    fitting = [name for name in names if name.endswith(("/", ".yaml", ".yml"))]
    return [folder + slash + name for name in fitting if _WORD.fullmatch(name)]


def _last(option: Option, value: str) -> str:
    """The part of `value` that is being written: of several models the last one."""
    return value.rpartition(",")[2] if option.completes == "models" else value


def _with_commands(
    choices: Iterable[str], before: str, session: Callable[[], Session]
) -> Iterable[str]:
    """The commands beside `choices` where the line begins, and what follows the one it has."""
    words = before.split()
    if not words:
        return (*choices, *COMMANDS, "help")
    if words == ["help"]:
        return _topics()
    if words[0] not in COMMANDS:
        return choices
    names = {"model": _models, "provider": _providers}
    return [
        choice
        for word in COMMANDS[words[0]].completes
        for choice in (names[word](session) if word in names else (word,))
    ]


def _state(options: Options, before: str) -> tuple[bool, Option | None]:
    """Whether an option may follow `before`, and the option that lacks its value there."""
    try:
        words = shlex.split(before)
    except ValueError:  # within quotation marks
        return False, None
    while words:
        flag, equals, _ = words.pop(0).partition("=")
        option = options.find(flag)
        if option is None:
            return False, None  # the prompt has begun
        if option.metavar is not None and not equals:
            if not words:
                return False, option
            words.pop(0)
    return True, None


def _values(
    option: Option, session: Callable[[], Session], variables: Mapping[str, object]
) -> Iterable[str]:
    if option.completes == "strategy":
        from orch_nb.routing.strategies import strategy_names  # noqa: PLC0415 - imports numpy

        return strategy_names()
    if option.completes == "task":
        return TASKS
    if option.completes == "format":
        return FORMS
    if option.completes in ("model", "models"):
        return _models(session)
    if option.completes == "thread":
        return _threads(session)
    if option.completes == "tool":
        return _tools(session)
    if option.completes == "provider":
        return _providers(session)
    if option.completes == "excluded":
        return [*_providers(session), *_models(session)]
    # As `orch_nb.workflows.chains.chain` has them, whose import loads pydantic.
    if option.completes == "chain":
        return ("default", "code", "planning", "analysis", "auto")
    if option.completes == "priority":
        return ("balanced", "cost", "quality", "speed")
    if option.completes == "variable":
        return public(variables)
    if option.completes == "class":
        return classes(variables)
    return get_args(Effort) if option.completes == "effort" else ()


def _topics() -> Iterable[str]:
    from orch_nb.notebook.manual import topics  # noqa: PLC0415 - where help is asked for

    return topics()


def _providers(session: Callable[[], Session]) -> Iterable[str]:
    try:
        return sorted({*session().settings.providers, *OFFICIAL})
    except OrchError:
        return ()


def _threads(session: Callable[[], Session]) -> Iterable[str]:
    try:
        return tuple(session().threads)
    except OrchError:
        return ()


def _tools(session: Callable[[], Session]) -> Iterable[str]:
    try:
        return tuple(session().tools)
    except OrchError:
        return ()


def _models(session: Callable[[], Session]) -> Iterable[str]:
    try:
        names = session().catalog.names()
    except OrchError:
        return ()  # the next cell says what is wrong with the settings
    # Servers name their models as they like; what cannot be typed as one word is no help.
    return [name for name in names if _WORD.fullmatch(name)]
