"""``%orch rerun``: a call once more, with changes, and what differs."""

from __future__ import annotations

import argparse
import re
import shlex
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from IPython.core.getipython import get_ipython

from orch_nb.errors import InputError, Interrupted, OrchError
from orch_nb.figures import dollars, seconds
from orch_nb.invoke.call import Call
from orch_nb.invoke.recompose import recompose
from orch_nb.notebook.asking import cache_policy, draws, passed_on
from orch_nb.notebook.calls import find_call
from orch_nb.notebook.differences import differences
from orch_nb.notebook.display import answer, below, quiet
from orch_nb.notebook.growing import GrowingAnswer
from orch_nb.notebook.option_tables import ASKING
from orch_nb.notebook.options import Options
from orch_nb.notebook.tables import Bundle, table
from orch_nb.sanitize import one_line
from orch_nb.session import Session
from orch_nb.types import Record, Response

_USAGE = "use `%orch rerun [N] [--model ID] …`; a prompt that begins with rerun comes after --"
# How a call is shown, what it is part of, and that it is only planned, is no change to it.
_CHANGES = frozenset(
    [
        *("model", "strategy", "task", "tool", "check", "verifier", "system", "image", "schema"),
        *("max_cost", "max_latency", "min_quality", "local", "provider", "exclude"),
        *("max_tokens", "temperature", "seed", "effort", "out", "no_cache", "refresh"),
    ]
)
OPTIONS = Options("%orch rerun", [one for one in ASKING if one.name in _CHANGES])
_NUMBER = re.compile(r"-?\d+")


def show_rerun(words: list[str], session: Session, variables: dict[str, Any]) -> Bundle:
    """Ask again what the last call, or the one with that number, asked, but for what is changed.

    Shows the new answer, and gives what differs from the old one. Without a change the model is
    asked anew, and not the cache. Raises as `Session.ask` does.
    """
    numbered = bool(words) and _NUMBER.fullmatch(words[0]) is not None
    first, rest = (words[:1], words[1:]) if numbered else ([], words)
    options, more = OPTIONS.parse(shlex.join(rest))
    if more:
        raise InputError(f"{more} is no option; {_USAGE}")
    number, before = find_call(first, session, _USAGE)
    call = recompose(before.request, session.compose, **_changes(options, variables))
    response = _answer(session, call)
    if options.out:
        variables[options.out] = response
    return _compared(number, before, response)


def _answer(session: Session, call: Call) -> Response:
    """The new answer, which is shown while it grows, where that can be."""
    growing, settings = GrowingAnswer(), session.settings
    streams = settings.stream and settings.mode == "live" and draws(get_ipython())
    try:
        response = session.answer(call, growing.add if streams else None)
    except Interrupted:
        growing.keep("interrupted")
        raise
    except OrchError:
        growing.keep("the answer breaks off here")
        raise
    growing.complete(*answer(response))
    return response


def _changes(options: argparse.Namespace, variables: Mapping[str, object]) -> Any:
    """What is to be other than it was; what was not given, is as it was."""
    given = passed_on(options, variables).items()
    # 0 is a value.
    changes = {n: v for n, v in given if v is not None and v is not False and v != []}
    policy = cache_policy(options)
    if policy != "use":
        return changes | {"cache": policy}
    return changes | {"cache": "use" if changes else "refresh"}


def _compared(number: int, before: Record, now: Response) -> Bundle:
    """What differs between the answers, and in cost and time."""
    old, title = before.response, f"call {number}: {before.request.prompt}"
    notes = [one_line(title, 600)]
    if before.request.schema is not None and now.parsed is None:
        notes.append("the class of its schema is not kept: give --schema to have it validated")
    if old is None:
        notes.append(one_line(f"it has no answer to compare with: {before.error}", 600))
        return quiet(notes)
    if old.text == now.text:
        notes.append("the same answer, to the letter")
        return below(quiet(notes), _figures(number, old, now))
    return below(below(quiet(notes), differences(old.text, now.text)), _figures(number, old, now))


def _figures(number: int, old: Response, now: Response) -> Bundle:
    known = old.cost is not None and now.cost is not None
    cost = (now.cost or Decimal(0)) - (old.cost or Decimal(0)) if known else None
    rows = [
        [f"call {number}", *_cells(old)],
        ["now", *_cells(now)],
        ["difference", "", _signed(cost, dollars), _signed(now.seconds - old.seconds, seconds), ""],
    ]
    return table(["", "model", "cost", "time", "tokens"], rows)


def _cells(made: Response) -> list[str]:
    tokens = f"{made.usage.input_tokens}→{made.usage.output_tokens}"
    cached = " (cached)" if made.cached else ""
    return [made.model + cached, dollars(made.cost), seconds(made.seconds), tokens]


def _signed(amount: Any, written: Any) -> str:
    """A difference as people write it; a dash for unknown."""
    if amount is None:
        return "—"
    text = str(written(abs(amount)))
    seen = any(digit in text for digit in "123456789")
    return f"{'−' if amount < 0 else '+'}{text}" if seen else text
