"""What a session does with many prompts, each asked like any other."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any, Unpack, cast

if TYPE_CHECKING:
    from concurrent.futures import Future
    from pathlib import Path

    from orch_nb.invoke.compose import Options
    from orch_nb.types import Response
    from orch_nb.workflows.batch.run import BatchOptions, Mapper
    from orch_nb.workflows.chains.chain import Chainer, ChainResult
    from orch_nb.workflows.compare import Comparer, Watcher
    from orch_nb.workflows.comparison import Comparison
    from orch_nb.workflows.evaluation import Evaluation
    from orch_nb.workflows.items import Items
    from orch_nb.workflows.pipeline.outcome import Run
    from orch_nb.workflows.pipeline.pipeline import Pipeline
    from orch_nb.workflows.pipeline.plan import Runner
    from orch_nb.workflows.pipeline.run import Watch
    from orch_nb.workflows.planning import Asker, Evaluating, Probing
    from orch_nb.workflows.probes.detect import Detection


# What a session remembers of each: they hold all of their answers. Chosen.
_COMPARISONS = 100
_EVALUATIONS = 10


class WorkflowMethods:
    """The part of `orch_nb.Session` that leads to `orch_nb.workflows`, imported with its use.

    Parameters
    ----------
    random
        What is drawn from where an order must not tell anything.
    """

    def __init__(self, random: Random) -> None:
        self._draws = random
        #: The calls under way that no cell waits for; cancelling one stops it.
        self.background: set[Future[Response]] = set()
        #: The last hundred comparisons of this session that came to their end, in their order.
        self.comparisons: list[Comparison] = []
        #: The last ten evaluations likewise; those of `probe` are none of them.
        self.evaluations: list[Evaluation] = []

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
        system, temperature, max_tokens, seed, effort, stream
            As in `ask`.

        Raises
        ------
        InputError, SelectionError
            What was given is wrong, or would cost more; nothing was sent.
        EvaluationStopped
            The user stopped it: it holds what had been done.
        """
        from orch_nb.workflows.evaluate import evaluate  # noqa: PLC0415 - few need it

        made = evaluate(self._asker, items, models, clock=time.time, random=self._draws, **options)
        if not options.get("dry_run"):
            self.evaluations.append(made)
            del self.evaluations[:-_EVALUATIONS]
        return made

    def map(self, items: Any, template: str, **options: Unpack[BatchOptions]) -> Any:
        """Ask `template`, filled with each of `items`; the answers come in their order.

        What was answered is in the cache: the same batch again, after a stop or with more rows,
        pays for what is missing only.

        Parameters
        ----------
        items
            A list, or anything that can be iterated: the template calls each ``item``, and its
            fields, where it has some, by their names. A Series: ``item`` as well, or its name. A
            DataFrame: its columns by their names, or ``row['a column']``.
        template
            The prompt, with ``{{ expression }}``, which see none but the items.
        n_jobs
            How many are asked at the same time: 8, unless given. ``max_connections`` of the
            provider holds as well.
        max_cost
            Dollars that the whole may be expected to cost.
        ask_above
            Expected dollars above which a person is asked first: 1, unless given. None never asks.
        confirm
            Asks the person: is given what is to be expected, returns whether that is wanted.
        progress
            Whether a bar shows rows, dollars and the time that is left.
        backend
            "threading", or "dask": the workers of the current ``distributed.Client`` ask.
        options
            As in `ask`, for every row; ``max_cost`` is the whole batch's.

        Returns
        -------
        Answers, or a DataFrame
            A list of `Response` for a list. For a Series or DataFrame a DataFrame with its index
            and the columns of `orch_nb.workflows.batch.answers.COLUMNS`. A row that failed has its
            error there, and a row whose value is missing is not asked.

        Raises
        ------
        InputError, SelectionError
            What was given is wrong, too dear, or no model may answer; nothing was sent.
        BatchStopped
            The user stopped it: it holds what had been done.
        OrchError
            The cluster failed: what was answered is kept.
        """
        from orch_nb.workflows.batch.run import map_prompts  # noqa: PLC0415 - imports joblib

        return map_prompts(cast("Mapper", self), items, template, options)

    def compare(
        self,
        prompt: str,
        models: int | str | Sequence[str],
        *,
        blind: bool = False,
        dry_run: bool = False,
        watcher: Watcher | None = None,
        **options: Unpack[Options],
    ) -> Comparison:
        """Ask several models the same, at the same time, each by itself.

        Parameters
        ----------
        models
            Their names; or how many of those that the session ranks first. Instances of one model
            at several providers count as one. A thread that goes on does so with its models.
        blind
            Give a `orch_nb.workflows.blind.BlindComparison`, which is to be voted on.
        dry_run
            Only plan it: the rows have what is expected, and no answers.
        watcher
            Sees the answers while they arrive, in this thread.
        options
            As in `ask`, for each model; ``max_cost`` is what all answers together may be expected
            to cost, ``strategy`` chooses where the models are a number. ``model``, ``check`` and
            ``verifier`` are none of them.

        Raises
        ------
        InputError, SelectionError
            What was given is wrong, too dear, or one of the models may not answer; nothing was
            sent. A model that fails later is a row with its error.
        ComparisonStopped
            The user stopped it: it holds the answers that there were.
        """
        from orch_nb.workflows.compare import compare  # noqa: PLC0415 - few need it

        return compare(
            cast("Comparer", self),
            prompt,
            models,
            clock=time.time,
            keep=self._keep,
            watcher=watcher,
            blind=blind,
            dry_run=dry_run,
            **options,
        )

    def _keep(self, made: Comparison) -> None:
        self.comparisons.append(made)
        del self.comparisons[:-_COMPARISONS]

    def probe(
        self,
        models: str | list[str] | None = None,
        capabilities: str | list[str] | None = None,
        **options: Unpack[Probing],
    ) -> Detection:
        """Try what `models` can do, with five small prompts for each of `capabilities`.

        What comes of it counts in later choices, the older for less, as an evaluation does.

        Parameters
        ----------
        models
            Their names; None takes those that the session ranks first.
        capabilities
            Of code, reasoning, analysis, context, instructions, json and vision; None takes all.
        options
            ``n_jobs``, ``max_cost``, ``dry_run`` and ``on_plan``, as in `evaluate`.

        Raises as `evaluate` does.
        """
        from orch_nb.workflows.evaluate import evaluate  # noqa: PLC0415 - few need it
        from orch_nb.workflows.probes.detect import detect  # noqa: PLC0415 - as above

        asking = partial(evaluate, self._asker, clock=time.time, random=self._draws)
        return detect(asking, models, capabilities, clock=time.time, **options)

    def pipeline(self, written: str | Path) -> Pipeline:
        """Read the pipeline that is `written`: YAML, or the path of a file that holds it.

        It can be planned and run, see `orch_nb.workflows.pipeline.pipeline.Pipeline`. Raises
        `PipelineError`, with the line of what is wrong.
        """
        from orch_nb.workflows.pipeline.pipeline import Pipeline  # noqa: PLC0415 - few need it

        return Pipeline(cast("Runner", self), written, time.monotonic)

    def chain(
        self,
        prompt: str,
        name: str = "default",
        *,
        priority: str = "balanced",
        form: str = "text",
        strategy: str | None = None,
        max_tokens: int | None = None,
        watch: Watch | None = None,
        resume: Run | None = None,
    ) -> ChainResult:
        """Have a planner, a context role, an executor and a reviewer do what `prompt` says.

        Each role is a tool that an expert can be pinned to: ``experts.pin(reviewer=…)``.

        Parameters
        ----------
        name
            default, code, planning or analysis; auto takes what suits the task. An unknown name
            takes default, and says so.
        priority, form
            balanced, cost, quality or speed, which leaves the reviewer out; text, code (the fenced
            blocks), json, or structured (what every role wrote).
        strategy, max_tokens
            As in `ask`, for roles without an expert, and for the answer of each role.
        watch, resume
            As in `orch_nb.workflows.pipeline.pipeline.Pipeline.run`.

        Raises
        ------
        InputError, SelectionError
            What was written is wrong, or no model may answer; nothing was sent.
        ChainFailed, PipelineStopped
            The executor failed, or what came is not in the form; or the user stopped.
        """
        from orch_nb.workflows.chains.chain import chain  # noqa: PLC0415 - few need it

        return chain(
            cast("Chainer", self),
            prompt,
            name,
            clock=time.monotonic,
            priority=priority,
            form=form,
            strategy=strategy,
            max_tokens=max_tokens,
            watch=watch,
            resume=resume,
        )

    @property
    def _asker(self) -> Asker:
        return cast("Asker", self)
