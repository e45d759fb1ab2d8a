"""The command that fits a router to evaluations, and what it says about them."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path

import numpy as np

from orch_nb.errors import InputError
from orch_nb.figures import dollars
from orch_nb.routing.cascade_fitting import fit_pair
from orch_nb.routing.fitted import FILE_NAME, FittedRouter
from orch_nb.routing.fitted_cascade import FILE_NAME as CASCADE
from orch_nb.routing.fitted_cascade import FittedCascade
from orch_nb.routing.fitting import fit
from orch_nb.routing.gain import Interval, cross_validate, share_interval
from orch_nb.routing.outcome_files import read_answers, read_outcomes
from orch_nb.routing.outcomes import Outcomes, collect
from orch_nb.sanitize import one_line
from orch_nb.settings.home import user_home

# Chosen: with fewer, each of the five parts that are held out has less than four prompts.
_FEWEST = 20


def run(arguments: Sequence[str] | None = None) -> int:
    """Read, fit, report, write; 0 when that went well, 2 with one line of error when not."""
    options = parser().parse_args(arguments)
    try:
        rows = read_outcomes(options.table, any_name=options.any_name)
        outcomes = collect(rows)
        _check(outcomes)
        answers = read_answers(options.answers, rows) if options.answers else None
        router = fit(outcomes)
        for line in _report(outcomes, router, options.seed):
            print(line, flush=True)
        path = options.out or user_home(os.environ) / FILE_NAME
        router.save(path)
        if answers is not None:
            cascade = fit_pair(outcomes, answers)
            print(_tell(cascade), flush=True)
            if cascade is not None:
                cascade.save(path.with_name(CASCADE))
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"written to {one_line(str(path))}")
    return 0


def parser() -> argparse.ArgumentParser:
    """Reads the command's line; its options are documented in the README."""
    options = argparse.ArgumentParser(
        prog="python -m orch_nb.routing.learning",
        description="Fit the choice of models to your own evaluations.",
    )
    options.add_argument(
        "--table",
        nargs="+",
        type=Path,
        required=True,
        metavar="CSV",
        help="one file with the columns prompt, model, quality (0..1) and maybe cost (dollars), "
        "task; or two, PROMPTS.csv (prompt_id, prompt, maybe task) and OUTCOMES.csv (prompt_id, "
        "model, quality, maybe cost)",
    )
    options.add_argument(
        "--answers",
        type=Path,
        metavar="CSV",
        help="columns prompt_id or prompt, model, answer; a cascade is fitted to it, too, and "
        f"written to {CASCADE} beside the other file",
    )
    options.add_argument("--out", type=Path, help=f"file to write; {FILE_NAME} in your data folder")
    options.add_argument(
        "--any-name", action="store_true", help="models need not be called provider:model"
    )
    options.add_argument("--seed", type=int, default=0, help="of the parts that are held out")
    return options


def _check(outcomes: Outcomes) -> None:
    compared = int(((~np.isnan(outcomes.quality)).sum(axis=1) >= 2).sum())
    if compared < _FEWEST:
        raise InputError(
            f"{compared} prompts were tried with two models or more; evaluate at least {_FEWEST}"
        )


def _report(outcomes: Outcomes, router: FittedRouter, seed: int) -> Iterator[str]:
    width = max(5, *(len(one_line(model, 60)) for model in outcomes.models))
    yield f"{'model':{width}}  quality [95 %]        prompts  cost a prompt"
    order = np.argsort(-(router.shares @ router.quality), kind="stable")
    for place in order:
        seen = outcomes.quality[:, place]
        quality = share_interval(seen[~np.isnan(seen)])
        cost = None if np.isnan(router.cost[place]) else Decimal(repr(float(router.cost[place])))
        note = "" if place in router.candidates else "  left out"
        yield (
            f"{one_line(outcomes.models[place], 60):{width}}  {quality.mean:.3f} "
            f"[{quality.low:.3f}, {quality.high:.3f}]  {quality.count:7}  {dollars(cost)}{note}"
        )
    if len(router.candidates) < len(order):
        yield "left out: in no task near the best for what they cost"
    best = one_line(outcomes.models[order[0]], 60)
    yield f"choosing by prompt, against always {best}: {_verdict(cross_validate(outcomes, seed))}"


def _tell(cascade: FittedCascade | None) -> str:
    if cascade is None:
        return "no cascade: fewer than 60 prompts with all costs and answers, or no cheap drafts"
    first, second, strong = (one_line(model, 60) for model in cascade.models)
    saving, off = cascade.saving, cascade.difference
    return (
        f"cascade: {first} and {second}, where they disagree {strong}; against always {strong}: "
        f"saves {saving.mean:.0%} [{saving.low:.0%}, {saving.high:.0%}], quality {_verdict(off)}"
    )


def _verdict(gain: Interval | None) -> str:
    if gain is None:
        return "unknown; too few prompts were tried with both"
    numbers = f"{gain.mean:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}] on {gain.count} prompts"
    if gain.is_tie:
        return f"{numbers}: a tie"
    return f"{numbers}: better" if gain.mean > 0 else f"{numbers}: worse; more evaluations help"
