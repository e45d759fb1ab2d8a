"""When the steps of a recorded run began and how long they took, the same in each replay."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from orch_nb.workflows.pipeline.graph import Graph
from orch_nb.workflows.pipeline.outcome import Part, StepResult


def recorded_times(graph: Graph, results: Mapping[str, StepResult]) -> dict[str, StepResult]:
    """`results` as if no step had waited for anything but the steps that it needs.

    A replay takes no time of its own: only what the answers took was recorded.
    """
    ends: dict[str, float] = {}
    timed = {}
    for name, node in graph.nodes.items():
        if name not in results:
            continue
        began = max((ends.get(other, 0.0) for other in node.after), default=0.0)
        took = max(map(_seconds, results[name].parts), default=0.0)
        ends[name] = began + took
        timed[name] = replace(results[name], began=began, seconds=took)
    return timed


def _seconds(part: Part) -> float:
    failed = sum(attempt.seconds for attempt in part.failures)
    return failed + (0.0 if part.response is None else part.response.seconds)
