"""The values that travel from a prompt to its record, all frozen.

    text → Request → TaskProfile → Decision → invoke → Response → Record → display

Money is `decimal.Decimal` in US dollars, prices are dollars per million tokens, times are
seconds. A model is named everywhere by the string ``provider:model``.
"""

from orch_nb.types.card import Estimate, ModelCard, Prices, Usage, UsageSource
from orch_nb.types.decision import Cascade, Check, Choice, Decision, Rejection
from orch_nb.types.experience import Observation, ObservationSource, Score, Track
from orch_nb.types.lazy import LazySequence
from orch_nb.types.request import (
    CachePolicy,
    Checked,
    Effort,
    Image,
    Message,
    Parameters,
    Request,
    Requirements,
    Role,
    Schema,
    TaskProfile,
    Tool,
    ToolCall,
    Wants,
)
from orch_nb.types.response import Attempt, Delta, Record, Response, total_cost, total_usage
from orch_nb.types.task import TASK_ALIASES, TASKS, canonical_task

__all__ = [
    "TASKS",
    "TASK_ALIASES",
    "Attempt",
    "CachePolicy",
    "Cascade",
    "Check",
    "Checked",
    "Choice",
    "Decision",
    "Delta",
    "Effort",
    "Estimate",
    "Image",
    "LazySequence",
    "Message",
    "ModelCard",
    "Observation",
    "ObservationSource",
    "Parameters",
    "Prices",
    "Record",
    "Rejection",
    "Request",
    "Requirements",
    "Response",
    "Role",
    "Schema",
    "Score",
    "TaskProfile",
    "Tool",
    "ToolCall",
    "Track",
    "Usage",
    "UsageSource",
    "Wants",
    "canonical_task",
    "total_cost",
    "total_usage",
]
