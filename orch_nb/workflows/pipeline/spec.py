"""The grammar of pipelines, as classes. `orch_nb.workflows.pipeline.words` says what is shorthand.

Dollars are US dollars, ``_ms`` are milliseconds, other times seconds, sizes billions of parameters.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
)

from orch_nb.workflows.pipeline import words

Fallback = Literal["best", "cheapest", "fail"]
Period = Literal["per-task", "per-pipeline", "per-hour"]
OnError = Literal["fail", "skip", "retry", "fallback"]

Text = Annotated[str, StringConstraints(min_length=1)]
#: What expressions can call it: a name as Python has them, without a leading underscore.
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,63}$")]
ToolName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
Names = Annotated[
    list[Text], BeforeValidator(words.listed, json_schema_input_type=Text | list[Text])
]
Dollars = Annotated[Decimal, Field(ge=0, max_digits=15, strict=False)]
Number = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1, le=1000)]
Size = Annotated[Positive, BeforeValidator(words.size, json_schema_input_type=str | float)]
Data = Annotated[Any, AfterValidator(words.default)]


class Part(BaseModel):
    """What all parts have in common: no other keys, nothing changed, no value in an error."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, hide_input_in_errors=True, defer_build=True
    )


class Weights(Part):
    """How much cost, quality and speed matter."""

    cost: Number = 1.0
    quality: Number = 1.0
    speed: Number = 1.0


class Selection(Part):
    """How the models are chosen. What is None is as the session has it."""

    strategy: Text | None = None
    weights: Weights | None = None
    cost_limit: Dollars | None = None
    budget_period: Period = "per-task"
    max_latency_ms: Positive | None = None
    min_accuracy: Fraction | None = None
    fallback: Fallback | None = None
    timeout: Positive | None = None


class Expert(Part):
    """A model under a name, with the settings that it is asked with."""

    model: Text
    provider: Text | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    system_prompt: str | None = None

    @property
    def id(self) -> str:
        """``provider:model``, or the bare name."""
        return self.model if self.provider is None else f"{self.provider}:{self.model}"


class Requirement(Part):
    """What a model must be. An empty one asks for nothing."""

    min_size: Size | None = None
    max_size: Size | None = None
    expertise: Annotated[
        list[str],
        BeforeValidator(words.expertise, json_schema_input_type=str | list[str]),
    ] = []
    capabilities: list[Literal["vision", "json", "tools"]] = []
    modalities: list[Literal["text", "image", "vision", "json"]] = []
    max_latency_ms: Positive | None = None
    min_tokens_per_second: Positive | None = None
    min_accuracy_score: Fraction | None = None
    cost_limit: Dollars | None = None
    budget_period: Period = "per-task"
    preferred: Names = []
    excluded: Names = []
    fallback_strategy: Fallback | None = None


class Parameters(Part):
    """What is passed through to the model."""

    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    seed: Annotated[int, Field(ge=0)] | None = None
    effort: Literal["low", "medium", "high"] | None = None


class Input(Part):
    """What the pipeline is given. Without a default it must be."""

    default: Data = None
    required: bool = False
    description: str = ""


class Budget(Part):
    """Dollars that the pipeline, and each call of it, may cost at most."""

    pipeline: Dollars | None = None
    task: Dollars | None = None


SelectionField = Annotated[
    Selection, BeforeValidator(words.selection, json_schema_input_type=Text | Selection)
]
RequirementField = Annotated[
    Requirement,
    BeforeValidator(words.requirement, json_schema_input_type=str | list[str] | Requirement),
]
ExpertField = Annotated[Expert, BeforeValidator(words.expert, json_schema_input_type=Text | Expert)]
ExpertsField = Annotated[
    dict[ToolName, Expert],
    BeforeValidator(
        words.experts,
        json_schema_input_type=dict[ToolName, ExpertField] | list[dict[ToolName, ExpertField]],
    ),
]
InputField = Annotated[Input, BeforeValidator(words.given, json_schema_input_type=Any)]


class Step(Part):
    """One prompt of a pipeline, or one for each of several items."""

    id: Name
    prompt: Text
    tool: ToolName | None = None
    model: Names = []
    expert: ToolName | None = None
    task: Text | None = None
    system: str | None = None
    needs: Names = []
    when: Text | None = None
    for_each: Text | list[Data] | None = None
    max_parallel: Count = 8
    answer: Annotated[dict[str, Any] | None, Field(alias="schema")] = None
    on_error: OnError | None = None
    timeout: Positive | None = None
    parameters: Parameters = Parameters()
    selection_schema: SelectionField | None = None
    requires_model: RequirementField | None = None


class Spec(Part):
    """A pipeline."""

    name: Text = "pipeline"
    description: str = ""
    inputs: dict[Name, InputField] = {}
    selection_schema: SelectionField = Selection()
    experts: ExpertsField = {}
    requires_model: RequirementField = Requirement()
    budget: Annotated[
        Budget, BeforeValidator(words.budget, json_schema_input_type=float | Budget)
    ] = Budget()
    parameters: Parameters = Parameters()
    system: str | None = None
    on_error: OnError = "fail"
    max_parallel: Count = 8
    steps: Annotated[list[Step], Field(min_length=1, max_length=1000)]
    outputs: dict[Name, Text] = {}
