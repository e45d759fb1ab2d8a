"""A pipeline of a session: read once, planned and run as often as wanted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from orch_nb.errors import InputError
from orch_nb.invoke.values import text
from orch_nb.workflows.pipeline.diagram import mermaid
from orch_nb.workflows.pipeline.errors import PipelineError
from orch_nb.workflows.pipeline.outcome import Run
from orch_nb.workflows.pipeline.plan import PipelinePlan, Runner, plan
from orch_nb.workflows.pipeline.reading import read
from orch_nb.workflows.pipeline.run import Watch, run
from orch_nb.workflows.pipeline.scope import read_inputs
from orch_nb.workflows.pipeline.spec import Spec

_NOTHING: Mapping[str, object] = MappingProxyType({})


class Pipeline:
    """Steps in YAML that run through a session; see `orch_nb.Session.pipeline`.

    Parameters
    ----------
    session
        What answers.
    written
        The YAML, or the path of a file that holds it: what has a line break is YAML.
    clock
        Seconds that only grow.

    Raises `PipelineError`.
    """

    def __init__(self, session: Runner, written: str | Path, clock: Callable[[], float]) -> None:
        self._session, self._clock = session, clock
        content, source = _load(written)
        self._graph = read(content, source)

    @property
    def spec(self) -> Spec:
        """What was written, as the grammar has it."""
        return self._graph.spec

    @property
    def mermaid(self) -> str:
        """The steps as a Mermaid diagram."""
        return mermaid({name: sorted(node.after) for name, node in self._graph.nodes.items()}, {})

    def plan(self, inputs: Mapping[str, object] = _NOTHING) -> PipelinePlan:
        """What it would do with `inputs`: models, cost and time of each step. Nothing is sent.

        Raises `PipelineError` for a step that cannot work, `InputError` for inputs.
        """
        return plan(self._session, self._graph, read_inputs(self.spec, inputs))

    def run(
        self,
        inputs: Mapping[str, object] = _NOTHING,
        *,
        resume: Run | None = None,
        watch: Watch | None = None,
    ) -> Run:
        """Plan it, then run it: steps that do not need each other at the same time.

        Parameters
        ----------
        resume
            A run that failed or was stopped: what it has is not asked again.
        watch
            Called with `Progress` in this thread.

        Raises
        ------
        PipelineError, InputError
            It cannot work; nothing was sent.
        PipelineFailed, PipelineStopped
            A step failed, or the user stopped; they hold what was done.
        """
        given: object = resume  # from a notebook, where nobody checks types
        if given is not None and not isinstance(given, Run):
            raise InputError(
                f"resume is a Run, such as that of a PipelineFailed, not {type(given).__name__}"
            )
        self.plan(inputs)
        return run(
            self._session,
            self._graph,
            read_inputs(self.spec, inputs),
            clock=self._clock,
            resume=resume,
            watch=watch,
        )


def _load(written: str | Path) -> tuple[bytes, str]:
    if isinstance(written, Path) or "\n" not in text("pipeline", written):
        path = Path(written)
        try:
            return path.read_bytes(), path.name
        except (OSError, ValueError):
            raise PipelineError(
                "cannot be read; give a file, or YAML with a line break", source=str(path)
            ) from None
    return written.encode("utf-8"), "pipeline"
