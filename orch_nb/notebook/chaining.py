"""``--chain``: a task done by roles, followed while it is, and shown with what each role did."""

from __future__ import annotations

import argparse
from typing import Any

from orch_nb.errors import InputError
from orch_nb.figures import dollars, seconds
from orch_nb.notebook.display import below, code, provenance, quiet, show, words
from orch_nb.notebook.pipelines import Following, Stepwise, run_bundle
from orch_nb.notebook.tables import Bundle, Shown, table
from orch_nb.session import Session
from orch_nb.workflows.chains.chain import ROLES, ChainFailed, ChainPlan, ChainResult, plan_chain
from orch_nb.workflows.pipeline.outcome import PipelineStopped

# What says how one answer is to be had, which a chain has several of.
_FOR_ONE = (
    *("model", "task", "tool", "schema", "check", "verifier", "image", "system", "temperature"),
    *("seed", "effort", "thread", "compare", "blind", "background", "explain"),
    *("max_cost", "max_latency", "min_quality", "local", "provider", "exclude"),
    *("no_cache", "refresh"),
)
_FORMS = {"markdown": "text", "text": "text", "code": "code", "json": "json"}


class Chaining(Stepwise[ChainResult]):
    """The chains of one shell."""

    def __init__(self, shell: Any) -> None:
        super().__init__(shell, chain_bundle)

    def ask(
        self, session: Session, prompt: str, options: argparse.Namespace, variables: dict[str, Any]
    ) -> ChainResult | None:
        """Do `prompt` by a chain as `options` say; None where that is only planned.

        Raises as `Session.chain` does.
        """
        for name in _FOR_ONE:
            if getattr(options, name) not in (None, False):
                flag = name.replace("_", "-")
                raise InputError(f"--{flag} is for one answer; leave it or --chain out")
        form = _FORMS.get(options.format or "text")
        if form is None:
            raise InputError(
                f"--format {options.format} is for one answer; take {', '.join(_FORMS)}"
            )
        said: dict[str, Any] = {
            "priority": options.priority or "balanced",
            "form": form,
            "strategy": options.strategy,
            "max_tokens": options.max_tokens,
        }
        if options.dry_run:
            show(plan_bundle(plan_chain(session, prompt, options.chain, **said)))
            return None
        growing = Following(list(ROLES), ROLES)
        watch = self.watched(session, growing, options)
        try:
            made = session.chain(prompt, options.chain, watch=watch, **said)
        except (ChainFailed, PipelineStopped) as stop:
            growing.complete(*run_bundle(stop.run))
            raise
        return self.given(made, growing, options, variables)


def plan_bundle(planned: ChainPlan) -> Bundle:
    """Who would answer in each role, for how much and how long, and what each is asked."""
    rows, notes = [], [*planned.notices]
    for step in planned.steps.steps:
        role, decision = ROLES[step.id], step.decision
        rows.append(
            [
                role + (" (if)" if step.sometimes else ""),
                step.model,
                decision.source,
                dollars(step.cost),
                seconds(step.seconds),
            ]
        )
        notes += [f"{role}: {decision.notice}"] if decision.notice else []
    rows.append(["total", "", "", dollars(planned.steps.cost), seconds(planned.steps.seconds)])
    head = ["role", "model", "chosen by", "expected cost", "expected time"]
    said = table(
        head, rows, f"chain {planned.chain} · nothing was sent; what is cached costs nothing"
    )
    asked = [[ROLES[name], node.step.prompt] for name, node in planned.graph.nodes.items()]
    shown = below(said, table(["role", "is asked"], asked))
    return below(shown, quiet(notes)) if notes else shown


def chain_bundle(made: ChainResult) -> Shown:
    """The result, and under it what each role did and cost."""
    shown = code(made.text, "") if made.format in ("code", "json") else words(made.text)
    rows = []
    for step, role in ROLES.items():
        result = made.run.steps[step]
        models = [response.model for response in result.responses]
        if models or result.paid:
            rows.append([role, *(models or ["—"]), dollars(result.paid), seconds(result.seconds)])
        else:
            rows.append([role, "—", "—", "—"])
    rows.append(["total", "", dollars(made.run.paid), ""])
    note = f"chain {made.chain}" + (" · a fallback answered" if made.used_fallback else "")
    shown = below(shown, table(["role", "model", "billed", "time"], rows, note))
    if made.notices:
        shown = below(shown, quiet(made.notices))
    answers = [response for response in made.roles.values() if response is not None]
    return shown, {"orch_nb": [provenance(response) for response in answers]}
