"""Typical uses of the public interface, which mypy and pyright read strictly and nobody runs.

It fails where one of them infers another type than the one asserted, and where a wrong use, marked
as ignored, is not seen as wrong.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import assert_type

import orch_nb
from orch_nb import Decision, OrchError, Response, Session
from orch_nb.errors import AllFailed, BudgetExceeded, InputError
from orch_nb.notebook.tables import Bundle
from orch_nb.panels import Panel, panel
from orch_nb.routing.strategies import Column, Table, Weights, strategy
from orch_nb.templates.template import Template
from orch_nb.types import Delta, ModelCard, Request, TaskProfile, Usage
from orch_nb.workflows.comparison import Comparison
from orch_nb.workflows.evaluation import Evaluation
from orch_nb.workflows.pipeline.outcome import Run


def ask() -> str:
    with Session({"strategy": "cost"}, directory=".") as session:
        response = session.ask("Name three rivers.", max_tokens=100, exclude=["sim"], on_text=print)
        assert_type(response, Response)
        assert_type(response.cost, Decimal | None)
        assert_type(response.usage.output_tokens, int)
        session.ask("Name three rivers.", modell="sim:fast")  # type: ignore[call-arg]
        session.ask("Name three rivers.", cache="sometimes")  # type: ignore[arg-type]
    return response.text


async def ask_together() -> Response:
    return await orch_nb.session().aask("Name three rivers.", effort="low", thread="rivers")


def choose(session: Session) -> list[str]:
    decision = session.select("Name three rivers.", max_cost=Decimal("0.01"))
    assert_type(decision, Decision)
    return [choice.model for choice in decision.ranking]


def ask_many(session: Session) -> Decimal | None:
    comparison = session.compare("Name three rivers.", ["openai:gpt-6-luna", "sim:fast"])
    assert_type(comparison, Comparison)
    evaluation = session.evaluate([("2 + 2", "4")], check="exact", max_cost=1)
    assert_type(evaluation, Evaluation)
    run = session.pipeline("rivers.yaml").run()
    assert_type(run, Run)
    return comparison.billed


def fill() -> str:
    template = Template("Compare {{ rivers }}.")
    assert_type(template.names, frozenset[str])
    return template.fill({"rivers": ["Nile", "Amazon"]})


def fail(session: Session) -> str:
    try:
        session.ask("")
    except (InputError, BudgetExceeded) as error:
        return str(error)
    except AllFailed as error:
        return ", ".join(attempt.model for attempt in error.attempts)
    except OrchError as error:
        return str(error)
    return ""


class Echo:
    """What the entry point ``orch_nb.providers`` names."""

    def stream(self, request: Request, model: str) -> Iterator[Delta]:
        yield Delta(request.prompt)
        yield Delta(usage=Usage(1, 1), finish="stop")

    def list_models(self) -> list[ModelCard]:
        return [ModelCard("echo", "plain", context=4096)]


@strategy("thorough")
def thorough(profile: TaskProfile, table: Table, weights: Weights) -> Column:
    return table.quality + 0.001 * table.cheapness


@panel("last")
class Last(Panel):
    """The model that answered last."""

    def still(self) -> Bundle:
        calls = self.session.ledger.to_records()
        said = str(calls[-1]["model"]) if calls else "nobody"
        return {"text/html": said, "text/plain": said}
