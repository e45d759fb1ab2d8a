"""``%orch eval``: the same prompts to several models, graded, as a table and a chart."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import Any

from orch_nb.charts.quality import Point, quality_against_cost
from orch_nb.errors import InputError, UnknownNameError
from orch_nb.notebook.calls import find_place
from orch_nb.notebook.display import below, quiet, show
from orch_nb.notebook.options import Parser
from orch_nb.notebook.tables import Bundle, table
from orch_nb.notebook.variables import public
from orch_nb.sanitize import one_line
from orch_nb.session import Session
from orch_nb.workflows.checks import CHECKS
from orch_nb.workflows.evaluation import Evaluation, EvaluationStopped
from orch_nb.workflows.voting import Ballot, BlindEvaluation

_USAGE = "use `%orch eval [N]`, or `%orch eval ITEMS [--models A,B] [--check NAME] [--judge MODEL]`"
_TITLE = "Quality against cost, with 95 % intervals and the Pareto front"


def show_evaluation(words: list[str], session: Session, variables: dict[str, Any]) -> Bundle:
    """Evaluate as `words` say, and show the plan before and the table and the chart after.

    A number, from the last one with -1, shows an evaluation of this session once more, and so do no
    words, the last. Raises `InputError`, and whatever `Session.evaluate` raises.
    """
    if not words or words[0].removeprefix("-").isdecimal():
        return _earlier(words, session.evaluations)
    options = _parsed(words)
    items, check = _found("variable", options.items, variables), options.check
    if check is not None and check not in CHECKS:
        check = _found("check", check, variables, CHECKS)
    if options.out is not None and not options.out.isidentifier():
        raise InputError(f"{options.out} is no name of a variable; {_USAGE}")
    try:
        evaluation = session.evaluate(
            items,
            None if options.models is None else options.models.split(","),
            check=check,
            judge=options.judge,
            task=options.task,
            n_jobs=options.jobs,
            repeats=options.repeats,
            max_cost=options.max_cost,
            dry_run=options.dry_run,
            on_plan=lambda plan: show(quiet([one_line(str(plan), 600)])),
        )
    except EvaluationStopped as stop:
        show(evaluation_table(stop.evaluation))
        raise
    if options.out is not None:
        variables[options.out] = evaluation
    if options.dry_run:
        return table(["would be asked"], [[model] for model in evaluation.plan.models])
    return _charted(evaluation)


def _earlier(words: Sequence[str], made: Sequence[Evaluation]) -> Bundle:
    place = find_place(words, len(made), "evaluation", _USAGE)
    found = made[place - 1]
    show(quiet([one_line(f"evaluation {place} of {len(made)}: {found.plan}", 600)]))
    return _charted(found)


def _charted(evaluation: Evaluation) -> Bundle:
    """The table, after the chart was shown above it."""
    if _has_cost(evaluation):
        show(quality_chart(evaluation))
    return evaluation_table(evaluation)


def evaluation_bundle(evaluation: Evaluation) -> tuple[Bundle, dict[str, Any]]:
    """What IPython shows of an Evaluation: the table, and the chart as a still picture."""
    made = evaluation_table(evaluation)
    if _has_cost(evaluation):
        made["text/html"] += quality_chart(evaluation)["text/html"]
    return made, {}


def evaluation_table(evaluation: Evaluation) -> Bundle:
    """One row a model and what it comes to, or first of all what is to be voted on."""
    if isinstance(evaluation, BlindEvaluation) and evaluation.ballots:
        return _ballots(evaluation.ballots)
    head, *rows = evaluation.cells()
    return below(table(head, rows), quiet([one_line(note, 600) for note in evaluation.notes]))


def _ballots(ballots: Mapping[int, Ballot]) -> Bundle:
    """The answers as text, without names: what is drawn might tell whose they are."""
    made = quiet(["which answer is best? EVALUATION.vote(item, letter)"])
    for item, ballot in sorted(ballots.items(), reverse=True):
        rows = [[letter, text] for letter, text in ballot.answers.items()]
        made = below(table([f"item {item}", ballot.prompt], rows), made)
    return made


def _has_cost(evaluation: Evaluation) -> bool:
    """Whether there is anything to draw: a graded model whose cost is known."""
    return any(one.quality is not None and one.cost is not None for one in evaluation.summary)


def quality_chart(evaluation: Evaluation) -> dict[str, Any]:
    """Mean quality against mean cost, one point a model that was graded."""
    points = [
        Point(
            one.model,
            float("nan") if one.cost is None else float(one.cost),
            one.quality.mean,
            one.quality.low,
            one.quality.high,
        )
        for one in evaluation.summary
        if one.quality is not None
    ]
    return quality_against_cost(points, _TITLE)


def _found(what: str, name: str, variables: Mapping[str, Any], others: Sequence[str] = ()) -> Any:
    if name not in variables:
        raise UnknownNameError(what, name, (*others, *public(variables)))
    return variables[name]


def _parsed(words: list[str]) -> argparse.Namespace:
    parser = Parser(_USAGE)
    parser.add_argument("items", metavar="ITEMS")
    for flag in ("--models", "--check", "--judge", "--task"):
        parser.add_argument(flag)
    parser.add_argument("--jobs", type=int, default=4)
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--max-cost", type=float)
    parser.add_argument("--dry-run", action="store_true")
    parser.add_argument("-o", "--out")
    return parser.parse_args(words)
