"""What a session does with many prompts, each asked like any other."""

from __future__ import annotations

import time
from random import Random
from typing import TYPE_CHECKING, Unpack, cast

if TYPE_CHECKING:
    from orch_nb.workflows.evaluation import Evaluation
    from orch_nb.workflows.items import Items
    from orch_nb.workflows.planning import Asker, Evaluating


class WorkflowMethods:
    """The part of `orch_nb.Session` that leads to `orch_nb.workflows`, imported with its use.

    Parameters
    ----------
    random
        What is drawn from where an order must not tell anything.
    """

    def __init__(self, random: Random) -> None:
        self._draws = random

    def evaluate(
        self, items: Items, models: str | list[str] | None = None, **options: Unpack[Evaluating]
    ) -> Evaluation:
        """Ask `models` all `items`, grade the answers, and let the grades count in later choices.

        Parameters
        ----------
        items
            Prompts, pairs of a prompt and what is expected, mappings, or a DataFrame with the
            columns prompt, expected, task.
        models
            Their names; None takes those that the session ranks first for the first prompt.
        check
            "exact", "contains", "regex", "human" (blind votes), a class that the answer must fit,
            or a function of text and expected that gives True, False or 0 to 1.
        judge
            A model that grades instead, and is paid for.
        task, repeats, n_jobs, max_cost, dry_run
            The kind of all prompts; how often each is asked; calls at a time; dollars that may be
            expected of the whole; only plan it.
        on_plan
            Called with the plan before anything is asked.
        system, temperature, max_tokens, seed, effort
            As in `ask`.

        Raises
        ------
        InputError, SelectionError
            What was given is wrong, or would cost more; nothing was sent.
        EvaluationStopped
            The user stopped it: it holds what had been done.
        """
        from orch_nb.workflows.evaluate import evaluate  # noqa: PLC0415 - few need it

        return evaluate(self._asker, items, models, clock=time.time, random=self._draws, **options)

    @property
    def _asker(self) -> Asker:
        return cast("Asker", self)
