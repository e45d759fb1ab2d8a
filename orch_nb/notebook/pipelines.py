"""``%%orch_pipeline`` and ``%orch_run``: a pipeline planned, followed, and reported."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any, Generic, TypeVar

from orch_nb.charts.steps import steps_chart
from orch_nb.errors import InputError, SettingsError
from orch_nb.figures import columns, dollars
from orch_nb.notebook import render
from orch_nb.notebook.asking import draws
from orch_nb.notebook.display import below, provenance, quiet, show
from orch_nb.notebook.growing import GrowingOutput, Unshown
from orch_nb.notebook.tables import QUIET, Bundle, Shown, table
from orch_nb.notebook.variables import find_variable
from orch_nb.sanitize import one_line, visible
from orch_nb.session import Session
from orch_nb.settings.strict_yaml import parse
from orch_nb.workflows.pipeline.outcome import PipelineFailed, PipelineStopped, Run
from orch_nb.workflows.pipeline.plan import PipelinePlan
from orch_nb.workflows.pipeline.run import Progress, Watch
from orch_nb.workflows.pipeline.spec import Spec

T = TypeVar("T")


class Stepwise(Generic[T]):
    """What one shell makes in steps: followed while it is made, and shown once, in its place.

    Parameters
    ----------
    shell
        The shell.
    lay_out
        What is shown of what was made.
    """

    def __init__(self, shell: Any, lay_out: Callable[[T], Shown]) -> None:
        self._shell, self._lay_out = shell, lay_out
        self._unshown = Unshown()

    def watched(
        self, session: Session, growing: Following, options: argparse.Namespace
    ) -> Watch | None:
        """What `growing` is told the steps by, where they can be drawn and are to be seen."""
        seen = draws(self._shell) and session.settings.mode == "live" and not options.quiet
        return growing.take if seen else None

    def given(
        self, made: T, growing: Following, options: argparse.Namespace, variables: dict[str, Any]
    ) -> T:
        """`made`, which is put into its variable, and shown unless `options` say otherwise."""
        if options.out:
            variables[options.out] = made
        if not options.quiet:
            self._unshown.add(made, growing, partial(self._lay_out, made))
        return made

    def finish_cell(self, *_result: object) -> None:
        """Complete what was not the cell's result."""
        self._unshown.complete()

    def show(self, made: T) -> Shown:
        """What IPython shows of what was made."""
        self._unshown.claim(made)
        return self._lay_out(made)


class Piping(Stepwise[Run]):
    """The pipelines of one shell."""

    def __init__(self, shell: Any) -> None:
        super().__init__(shell, run_bundle)

    def run(
        self, session: Session, written: str, options: argparse.Namespace, variables: dict[str, Any]
    ) -> Run | None:
        """Run what is `written`, YAML or the name of a file, as `options` say.

        None where that is only planned. Raises as `Pipeline.run` does.
        """
        resume = None if options.resume is None else _run_in(options.resume, variables)
        pipeline = session.pipeline(written)
        inputs = read_inputs(options.input or (), variables, pipeline.spec)
        if options.dry_run:
            show(plan_bundle(pipeline.plan(inputs)))
            return None
        growing = Following([step.id for step in pipeline.spec.steps])
        watch = self.watched(session, growing, options)
        try:
            made = pipeline.run(inputs, resume=resume, watch=watch)
        except (PipelineFailed, PipelineStopped) as stop:
            if options.out:
                variables[options.out] = stop.run
            growing.complete(*run_bundle(stop.run))
            raise
        return self.given(made, growing, options, variables)


class Following(GrowingOutput):
    """The `steps` of a pipeline while it runs: which wait, which are under way, which are over.

    ``names`` has other names for steps to be shown under.
    """

    def __init__(
        self, steps: Sequence[str], names: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        super().__init__()
        self._names = names
        self._states = {step: ["waits", "", ""] for step in steps}

    def take(self, progress: Progress) -> None:
        """Note what a step has come to, and draw all of them if it is time."""
        state, result = self._states[progress.step], progress.result
        if result is None:
            state[0] = "runs"
        else:
            models = dict.fromkeys(response.model for response in result.responses)
            billed = dollars(result.paid) if models else ""
            state[:] = [result.status, ", ".join(models), billed]
        if self.due:
            self.draw(self._drawn)

    def _drawn(self) -> Bundle:
        rows = [[self._names.get(step, step), *state] for step, state in self._states.items()]
        return table(["step", "state", "model", "billed"], rows)


def read_inputs(given: Any, variables: Mapping[str, object], spec: Spec) -> dict[str, object]:
    """The inputs that were `given` as NAME=VALUE; ``{name}`` stands for a variable.

    A text becomes what the default is: a number, true or false, a list, a map.
    """
    inputs: dict[str, object] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals:
            raise InputError(f"--input: {text!r} is no input; write NAME=VALUE")
        if name in inputs:
            raise InputError(f"--input: {name} is given twice")
        if value.startswith("{") and value.endswith("}") and value[1:-1].isidentifier():
            inputs[name] = find_variable(value[1:-1], variables)
        else:
            default = spec.inputs[name].default if name in spec.inputs else None
            inputs[name] = _like(name, value, default)
    return inputs


def _like(name: str, value: str, default: object) -> object:
    """`value` as YAML has it, where `default` is no text; it must be of the same kind."""
    if default is None or isinstance(default, str):
        return value
    kinds: dict[type, tuple[tuple[type, ...], str]] = {
        bool: ((bool,), "true or false"),
        int: ((int, float), "a number"),
        float: ((int, float), "a number"),
        list: ((list,), "a list, as [a, b]"),
        dict: ((dict,), "a map, as {a: b}"),
    }
    known, said = kinds[type(default)]
    try:
        read = parse(value.encode("utf-8", "replace"), f"--input {name}").data
    except SettingsError:
        read = None
    if not isinstance(read, known) or isinstance(read, bool) != isinstance(default, bool):
        raise InputError(f"--input: {name} must be {said}, as its default is, not {value!r}")
    return read


def _run_in(name: str, variables: Mapping[str, object]) -> Run:
    found = find_variable(name, variables)
    if not isinstance(found, Run):
        raise InputError(f"--resume: {name} is no Run; name what --out has put there")
    return found


def plan_bundle(plan: PipelinePlan) -> Bundle:
    """What a pipeline would do, and its picture in Mermaid's words."""
    head, *rows = plan.cells()
    return below(table(head, rows, "nothing was sent"), _mermaid(plan.mermaid))


def run_bundle(run: Run) -> Shown:
    """What came of a run: its outputs, or the last answers, a table, a chart, and why not all."""
    head, *rows = run.cells()
    made = table(head, rows)
    if run.whys:
        made = below(made, quiet(run.whys))
    made = below(_outputs(run), made) if run.outputs else made
    chart = steps_chart(run)
    made = {
        "text/html": made["text/html"] + str(chart["text/html"]),
        "text/plain": made["text/plain"],
    }
    answers = [response for result in run.steps.values() for response in result.responses]
    return made, {"orch_nb": [provenance(response) for response in answers]}


def _outputs(run: Run) -> Bundle:
    html = "".join(
        f"<h4>{render.escape(name)}</h4>{render.html(text)}" for name, text in run.outputs.items()
    )
    plain = "\n\n".join(f"{one_line(name)}:\n{visible(text)}" for name, text in run.outputs.items())
    return {"text/html": html, "text/plain": plain}


def _mermaid(source: str) -> Bundle:
    """The source of the picture, folded: drawing it is for those who paste it where it is drawn."""
    shown = f"<pre>{render.escape(source)}</pre>"
    said = "\n".join(columns([[line] for line in source.splitlines()]))
    return {
        "text/html": f"<details {QUIET}><summary>Mermaid diagram</summary>{shown}</details>",
        "text/plain": said,
    }
