"""``%orch probe``: what models can do, tried with small prompts, as a table."""

from __future__ import annotations

from typing import Any

from orch_nb.notebook.display import below, quiet, show
from orch_nb.notebook.options import Parser
from orch_nb.notebook.tables import Bundle, table
from orch_nb.sanitize import one_line
from orch_nb.session import Session
from orch_nb.workflows.evaluation import EvaluationStopped

_USAGE = "use `%orch probe [MODEL,…] [--for CAPABILITY,…] [--max-cost DOLLARS] [--dry-run]`"


def show_probing(words: list[str], session: Session) -> Bundle:
    """Probe as `words` say, and show the plan before and the table after."""
    parser = Parser(_USAGE)
    parser.add_argument("models", nargs="?")
    parser.add_argument("--for", dest="capabilities")
    parser.add_argument("--max-cost", type=float)
    parser.add_argument("--dry-run", action="store_true")
    options = parser.parse_args(words)
    given: dict[str, Any] = {"max_cost": options.max_cost, "dry_run": options.dry_run}
    try:
        made = session.probe(
            _listed(options.models),
            _listed(options.capabilities),
            on_plan=lambda plan: show(quiet([one_line(str(plan), 600)])),
            **given,
        )
    except EvaluationStopped as stop:
        show(quiet([str(stop)]))
        raise
    if options.dry_run:
        return table(["would be asked"], [[model] for model in made.evaluation.plan.models])
    head, *rows = made.cells()
    return below(table(head, rows), quiet(made.notes))


def _listed(text: str | None) -> list[str] | None:
    return None if text is None else [part for part in text.split(",") if part]
