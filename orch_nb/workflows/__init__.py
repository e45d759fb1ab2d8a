"""Work of many prompts, over the session's own line from a prompt to its record.

The errors of such work can be imported from here. Each holds what was done until then, and so
stands beside that; its module is imported when it is first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from orch_nb.workflows.batch.answers import BatchRefused, BatchStopped
    from orch_nb.workflows.chains.chain import ChainFailed
    from orch_nb.workflows.comparison import ComparisonStopped
    from orch_nb.workflows.evaluation import EvaluationStopped
    from orch_nb.workflows.pipeline.errors import PipelineError
    from orch_nb.workflows.pipeline.outcome import PipelineFailed, PipelineStopped

__all__ = [
    "BatchRefused",
    "BatchStopped",
    "ChainFailed",
    "ComparisonStopped",
    "EvaluationStopped",
    "PipelineError",
    "PipelineFailed",
    "PipelineStopped",
]
_MODULES = {
    "BatchRefused": "batch.answers",
    "BatchStopped": "batch.answers",
    "ChainFailed": "chains.chain",
    "ComparisonStopped": "comparison",
    "EvaluationStopped": "evaluation",
    "PipelineError": "pipeline.errors",
    "PipelineFailed": "pipeline.outcome",
    "PipelineStopped": "pipeline.outcome",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
