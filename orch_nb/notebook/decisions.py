"""Decisions as they are shown: who may answer, what counted, what would change it, who is out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import islice
from math import isnan
from typing import Any

from orch_nb import figures
from orch_nb.notebook import render, tables
from orch_nb.notebook.display import below, plain
from orch_nb.notebook.tables import QUIET, Bundle
from orch_nb.sanitize import one_line, visible
from orch_nb.types import Cascade, Choice, Decision

# There may be thousands of models, made when they are looked at; nobody reads so far.
_CHOICES = 50
_REJECTIONS = 200
_WIDTH = 600
_NAMED = 8
_TERMS = ("cost", "quality", "speed")
_HEAD = (
    *("model", "score", *(f"{name} 0–1" for name in _TERMS)),
    *("expected cost", "expected time", "expected quality"),
)
# How a table counts what nobody knows, see `orch_nb.routing.strategies.Table`.
_ASSUMED = {
    "cost": "an unknown cost counts as the dearest",
    "seconds": "an unknown time as quicker the lower the quality",
    "quality": "an unknown quality as 0.50",
}
_TRIAL = {
    "agreement": "must agree",
    "function": "must pass your check",
    "assertions": "must pass your assertions",
    "schema": "must fit the schema",
    "arithmetic": "must be computed right",
}


def dry_run(prompt: str, made: Decision) -> Bundle:
    """The filled-in prompt, and the choice for it."""
    return below(plain(prompt), decision(made)[0])


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
    origins = [*_origins(choices)]
    folds = [
        _fold(origins, len(origins), "from", "where these figures come from"),
        _fold(unscored, len(unscored), "without a score", "only standing in for others"),
        _fold(rejected, len(made.rejected) + made.omitted_rejected, "not", "not considered"),
    ]
    text = ["\n".join(above), *figures.columns(rows), *after, *(f["text/plain"] for f in folds)]
    html = _quiet(above) + tables.html(rows) + _quiet(after)
    return {
        "text/html": html + "".join(f["text/html"] for f in folds),
        "text/plain": visible("\n".join(filter(None, text))),
    }, {}


def _header(made: Decision) -> Iterator[str]:
    """What decided, what the user must be told, and what was read from the prompt."""
    weights = ", ".join(f"{name} {weight:.2f}" for name, weight in made.weights.items())
    said = f"{made.strategy} ({made.source})"
    if made.strategy == "balanced":
        weights = ""  # equal, as the word says
    yield one_line(f"{said} · weights {weights}" if weights else said, _WIDTH)
    if made.strategy == "adaptive":
        yield "the quality in the score is drawn anew each time from what it may be"
    if made.notice:
        yield one_line(made.notice, _WIDTH)
    profile = made.profile
    read = [f"task {' · '.join(profile.evidence or (profile.kind,))}"]
    if profile.needs:
        read.append(f"needs {', '.join(sorted(profile.needs))}")
    read.append(f"about {profile.input_tokens}→{profile.output_tokens} tokens")
    yield one_line(" · ".join(read), _WIDTH)
    if made.cascade is not None:
        yield one_line(_cascade(made.cascade, made.ranking), _WIDTH)


def _cascade(plan: Cascade, ranking: Sequence[Choice]) -> str:
    """Who must pass what, who is asked else, and what either way is expected to cost."""
    if plan.check == "verifier":
        trial = f"{plan.drafts[-1]} must accept what {plan.drafts[0]} says"
    else:
        trial = f"{' and '.join(plan.drafts)} {_TRIAL[plan.check]}"
    said = f"cascade: {trial}, else {plan.strong}"
    # They are the first of the ranking, and one may have two roles.
    costs = {c.model: c.estimate.cost for c in islice(ranking, len(plan.drafts) + 1)}
    drafts = [cost for model in plan.drafts if (cost := costs.get(model)) is not None]
    if (strong := costs.get(plan.strong)) is not None and len(drafts) == len(plan.drafts):
        held = sum(drafts, Decimal(0))
        said += f"; about {figures.dollars(held)} if so, {figures.dollars(held + strong)} if not"
    return f"{said} ({plan.source})" if plan.source else said


def _notes(made: Decision, shown: int) -> Iterator[str]:
    from orch_nb.routing.explain import explain  # noqa: PLC0415 - only whoever looks needs it

    if more := len(made.ranking) + made.omitted - shown:
        yield f"and {more} more candidates"
    for sentence in explain(made):
        yield one_line(f"what would change it: {sentence}", _WIDTH)


def _row(choice: Choice) -> list[str]:
    terms = [f"{choice.terms[name]:.2f}" if name in choice.terms else "" for name in _TERMS]
    return [
        choice.model,
        "—" if isnan(choice.score) else f"{choice.score:.2f}",
        *terms,
        figures.dollars(choice.estimate.cost),
        figures.seconds(choice.estimate.seconds),
        f"{choice.quality:.2f}" if _is_known(choice, "quality") else "—",
    ]


def _is_known(choice: Choice, fact: str) -> bool:
    return choice.sources.get(fact, "unknown") != "unknown"


def _origins(choices: Sequence[Choice]) -> Iterator[str]:
    """Where the figures come from, with the models that have it from there."""
    models: dict[str, list[str]] = {}
    for choice in choices:
        models.setdefault(_origin(choice), []).append(choice.model)
    for origin, having in models.items():
        yield f"{origin} ({', '.join(having[:_NAMED])}{', …' if len(having) > _NAMED else ''})"
    scored = [choice for choice in choices if choice.terms]
    assumed = [said for f, said in _ASSUMED.items() if any(not _is_known(c, f) for c in scored)]
    if assumed:
        yield f"assumption: {', '.join(assumed)}"


def _origin(choice: Choice) -> str:
    said = [f"{name}: {source}" for name, source in choice.sources.items()]
    worth = choice.terms.get("quality", choice.quality)
    # A term is what is expected of an answer, times how often one comes.
    if choice.quality and worth < choice.quality - 0.005:
        said.append(f"answers: {100 * worth / choice.quality:.0f} % of calls")
    return " · ".join(said)


def _fold(lines: Sequence[str], count: int, word: str, title: str) -> Bundle:
    """`lines` that open with a click; as text, each begins with `word`."""
    if not lines:
        return {"text/html": "", "text/plain": ""}
    more = [f"and {count - len(lines)} more {title}"] if count > len(lines) else []
    clean = [one_line(line, _WIDTH) for line in lines]
    items = "".join(f"<li>{render.escape(line)}</li>" for line in (*clean, *more))
    folded = f"<summary>{title} ({count})</summary><ul>{items}</ul>"
    return {
        "text/html": f"<details {QUIET}>{folded}</details>",
        "text/plain": "\n".join((*(f"{word} {line}" for line in clean), *more)),
    }


def _quiet(lines: Sequence[str]) -> str:
    inside = "".join(f"<div>{render.escape(line)}</div>" for line in lines)
    return f"<div {QUIET}>{inside}</div>" if lines else ""
