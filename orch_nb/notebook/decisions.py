"""Decisions as they are shown: who may answer, what counted, what would change it, who is out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from math import isnan
from typing import Any

from orch_nb import figures
from orch_nb.notebook import render, tables
from orch_nb.notebook.display import PREFORMATTED, below
from orch_nb.notebook.tables import QUIET, Bundle
from orch_nb.sanitize import one_line, visible
from orch_nb.types import Choice, Decision

# There may be thousands of models, made when they are looked at; nobody reads so far.
_CHOICES = 50
_REJECTIONS = 200
_WIDTH = 600
_TERMS = ("cost", "quality", "speed")
_HEAD = (
    *("model", "score", *(f"{name} 0–1" for name in _TERMS)),
    *("expected cost", "expected time", "expected quality", "from"),
)


def dry_run(prompt: str, made: Decision) -> Bundle:
    """The filled-in prompt, and the choice for it."""
    filled = {
        "text/html": f"<pre {PREFORMATTED}>{render.escape(prompt)}</pre>",
        "text/plain": visible(prompt),
    }
    return below(filled, decision(made)[0])


def decision(made: Decision) -> tuple[Bundle, dict[str, Any]]:
    """The candidates, best first, with all that counted, and what would change the choice.

    Models that do not qualify, and those that may not answer, are folded below, with the reason.
    """
    choices = list(islice(made.ranking, _CHOICES))
    rows = [[one_line(cell) for cell in row] for row in (_HEAD, *map(_row, choices))]
    rows[1][0] += " (picked)"
    above, after = [*_header(made)], [*_notes(made, len(choices))]
    unscored = [f"{c.model}: {c.reason}" for c in choices if isnan(c.score)]
    rejected = [f"{r.model}: {r.reason}" for r in islice(made.rejected, _REJECTIONS)]
    folds = [
        _fold(unscored, len(unscored), "without a score", "only standing in for others"),
        _fold(rejected, len(made.rejected) + made.omitted_rejected, "not", "not considered"),
    ]
    text = ["\n".join(above), *tables.columns(rows), *after, *(f["text/plain"] for f in folds)]
    html = _quiet(above) + tables.html(rows) + _quiet(after)
    return {
        "text/html": html + "".join(f["text/html"] for f in folds),
        "text/plain": visible("\n".join(filter(None, text))),
    }, {}


def _header(made: Decision) -> Iterator[str]:
    """What decided, what the user must be told, and what was read from the prompt."""
    yield one_line(f"{made.strategy} ({made.source})", _WIDTH)
    if made.notice:
        yield one_line(made.notice, _WIDTH)
    profile = made.profile
    read = [f"task {' · '.join(profile.evidence or (profile.kind,))}"]
    if profile.needs:
        read.append(f"needs {', '.join(sorted(profile.needs))}")
    read.append(f"about {profile.input_tokens}→{profile.output_tokens} tokens")
    yield one_line(" · ".join(read), _WIDTH)
    if made.cascade is not None:
        plan = made.cascade
        said = f"cascade: {' + '.join(plan.drafts)} → {plan.check} → else {plan.strong}"
        yield one_line(f"{said} ({plan.source})" if plan.source else said, _WIDTH)


def _notes(made: Decision, shown: int) -> Iterator[str]:
    from orch_nb.routing.explain import explain  # noqa: PLC0415 - only whoever looks needs it

    if more := len(made.ranking) + made.omitted - shown:
        yield f"and {more} more candidates"
    for sentence in explain(made):
        yield one_line(f"what would change it: {sentence}", _WIDTH)


def _row(choice: Choice) -> list[str]:
    terms = [f"{choice.terms[name]:.2f}" if name in choice.terms else "" for name in _TERMS]
    quality = choice.sources.get("quality", "unknown")
    return [
        choice.model,
        "—" if isnan(choice.score) else f"{choice.score:.2f}",
        *terms,
        figures.dollars(choice.estimate.cost),
        figures.seconds(choice.estimate.seconds),
        "—" if quality == "unknown" else f"{choice.quality:.2f}",
        " · ".join(f"{name}: {source}" for name, source in choice.sources.items()),
    ]


def _fold(lines: Sequence[str], count: int, word: str, title: str) -> Bundle:
    """`lines` that open with a click; as text, each begins with `word`."""
    if not lines:
        return {"text/html": "", "text/plain": ""}
    more = [f"and {count - len(lines)} more {title}"] if count > len(lines) else []
    clean = [one_line(line, _WIDTH) for line in lines]
    items = "".join(f"<li>{render.escape(line)}</li>" for line in (*clean, *more))
    return {
        "text/html": f"<details><summary>{count} {title}</summary><ul>{items}</ul></details>",
        "text/plain": "\n".join((*(f"{word} {line}" for line in clean), *more)),
    }


def _quiet(lines: Sequence[str]) -> str:
    inside = "".join(f"<div>{render.escape(line)}</div>" for line in lines)
    return f"<div {QUIET}>{inside}</div>" if lines else ""
