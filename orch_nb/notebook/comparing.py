"""``--compare``: a prompt to several models, which is shown while it grows and once it is done."""

from __future__ import annotations

import argparse
from functools import partial
from typing import Any

from orch_nb.errors import InputError, OrchError
from orch_nb.notebook.asking import cache_policy, draws, is_attended, passed_on
from orch_nb.notebook.columns import (
    GrowingColumns,
    PrintedColumns,
    comparison_bundle,
    figures_table,
    plan_table,
)
from orch_nb.notebook.comparisons import show_vote
from orch_nb.notebook.display import below, plain, show
from orch_nb.notebook.growing import Unshown
from orch_nb.notebook.tables import Bundle
from orch_nb.notebook.vote_buttons import VoteButtons
from orch_nb.session import Session
from orch_nb.workflows.blind import BlindComparison
from orch_nb.workflows.comparison import Comparison, ComparisonStopped

_FOR_ONE = ("explain", "format", "background", "chain", "priority")


class Comparing:
    """The comparisons of the cells of one shell: each is shown once, in its place."""

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._printed: tuple[Comparison, int] | None = None
        self._unshown = Unshown()
        self._ballots: list[BlindComparison] = []

    def ask(
        self,
        session: Session,
        prompt: str,
        options: argparse.Namespace,
        variables: dict[str, Any],
    ) -> Comparison | None:
        """Compare as `options` say; None where that is only planned.

        Raises as `Session.compare` does.
        """
        for flag in _FOR_ONE:
            if getattr(options, flag):
                raise InputError(f"--{flag} is for one answer; leave it or --compare out")
        asked = passed_on(options, variables) | {"cache": cache_policy(options)}
        if options.dry_run:
            plan = session.compare(prompt, options.compare, dry_run=True, **asked)
            show(below(plain(prompt), plan_table(plan)))
            return None
        made = self._compare(session, prompt, asked | {"blind": options.blind}, options)
        if options.out:
            variables[options.out] = made
        if all(row.response is None for row in made):
            # The table is shown when the cell ends; who runs a notebook unattended must stop here.
            raise OrchError(f"no model answered: {'; '.join(str(row.error) for row in made)}")
        return made

    def _compare(
        self, session: Session, prompt: str, asked: dict[str, Any], options: argparse.Namespace
    ) -> Comparison:
        if options.quiet:
            return session.compare(prompt, options.compare, **asked)
        settings = session.settings
        # What is recorded, and replayed, is shown once; who is quick would tell who is blind.
        streams = settings.stream and settings.mode == "live" and not options.no_stream
        streams = streams and not options.blind
        if not draws(self._shell):
            watcher = PrintedColumns() if streams else None
            made = session.compare(prompt, options.compare, watcher=watcher, **asked)
            if streams:
                self._printed = made, self._shell.execution_count
            return made
        growing = GrowingColumns(streams=streams)
        try:
            made = session.compare(prompt, options.compare, watcher=growing, **asked)
        except ComparisonStopped as stop:
            if not options.blind:
                growing.keep(stop.comparison)
            raise
        self._unshown.add(made, growing, partial(comparison_bundle, made))
        if isinstance(made, BlindComparison) and is_attended(self._shell, session):
            self._ballots.append(made)
        return made

    def finish_cell(self, *_result: object) -> None:
        """Complete the comparisons that were not the result, and have blind ones voted on."""
        self._unshown.complete()
        ballots, self._ballots = self._ballots, []
        for ballot in ballots:
            if not ballot.revealed:
                VoteButtons(ballot.letters, partial(show_vote, ballot))

    def show(self, made: Comparison) -> tuple[Bundle, dict[str, Any]]:
        """What IPython shows of a Comparison: all of it, or its figures if it was just printed."""
        self._unshown.claim(made)
        bundle, metadata = comparison_bundle(made)
        if self._printed == (made, self._shell.execution_count):
            bundle = figures_table(made)
        return bundle, metadata
