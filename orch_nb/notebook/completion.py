"""Tab completion on the magics' own lines: flags, strategies, models, variables; from memory."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

from IPython.core.completer import (
    CompletionContext,
    SimpleCompletion,
    SimpleMatcherResult,
    context_matcher,
)

from orch_nb.errors import OrchError
from orch_nb.notebook.options import Option, Options
from orch_nb.session import Session

_WORD = re.compile(r"[\w.:/@+=-]+", re.ASCII)
Matcher = Callable[[CompletionContext], SimpleMatcherResult]


def matcher(
    magics: Mapping[str, Options], session: Callable[[], Session], variables: Mapping[str, object]
) -> Matcher:
    """A matcher for IPython's completer that knows the options of `magics`, by magic name."""
    names = "|".join(map(re.escape, magics))
    line = re.compile(rf"^\s*(?:[\w.]+\s*=\s*)?%%?({names})\s(.*?)(\S*)$")

    @context_matcher(identifier="orch_nb")  # type: ignore[untyped-decorator]
    def complete(context: CompletionContext) -> SimpleMatcherResult:
        found = line.match(context.line_with_cursor[: _column(context)])
        if found is None:
            return SimpleMatcherResult(completions=[], suppress=False)
        options, before, word = magics[found[1]], found[2].split(), found[3]
        choices, fragment = _choices(options, before, word, session, variables)
        return SimpleMatcherResult(
            completions=[
                SimpleCompletion(text=choice, type="orch")
                for choice in choices
                if choice.startswith(fragment)
            ],
            suppress=True,  # what Python would offer on this line is never right
            matched_fragment=fragment,
            ordered=True,
        )

    return complete  # type: ignore[no-any-return]


def _column(context: CompletionContext) -> int:
    text = context.full_text[: context.cursor_position]
    return len(text) - text.rfind("\n") - 1


def _choices(
    options: Options,
    before: list[str],
    word: str,
    session: Callable[[], Session],
    variables: Mapping[str, object],
) -> tuple[Iterable[str], str]:
    """What may stand at the cursor, and the part of it that is there already."""
    flag, equals, value = word.partition("=")
    option = options.find(flag)
    if option is not None and equals:
        return _values(option, session, variables), value
    previous = options.find(before[-1]) if before else None
    if previous is not None and previous.metavar is not None:
        return _values(previous, session, variables), word
    return (options.flags if word.startswith("-") or not word else ()), word


def _values(
    option: Option, session: Callable[[], Session], variables: Mapping[str, object]
) -> Iterable[str]:
    if option.completes == "strategy":
        from orch_nb.routing.strategies import strategy_names  # noqa: PLC0415 - imports numpy

        return strategy_names()
    if option.completes == "model":
        return _models(session)
    if option.completes == "variable":
        return sorted(name for name in variables if not name.startswith("_"))
    return ()


def _models(session: Callable[[], Session]) -> Iterable[str]:
    try:
        names = session().catalog.names()
    except OrchError:
        return ()  # the next cell says what is wrong with the settings
    # Servers name their models as they like; what cannot be typed as one word is no help.
    return [name for name in names if _WORD.fullmatch(name)]
