"""What is asked: text becomes a request, and a request is profiled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

Role = Literal["user", "assistant"]
Effort = Literal["low", "medium", "high"]
CachePolicy = Literal["use", "bypass", "refresh"]
Checked = Literal["", "function", "assertions"]


@dataclass(frozen=True, slots=True)
class Image:
    """A picture that goes with a prompt: ``data`` is base64, ``media_type`` such as image/png."""

    media_type: str
    data: str


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: Role
    content: str
    images: tuple[Image, ...] = ()


@dataclass(frozen=True, slots=True)
class Schema:
    """The form that an answer must have: a JSON schema under a name of letters, digits and _."""

    name: str
    schema: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Tool:
    """A function that a model may ask for. ``parameters`` is the JSON schema of its arguments."""

    name: str
    description: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ToolCall:
    """What a model asks for: hostile text, and nothing here ever runs it."""

    name: str
    arguments: Mapping[str, Any]
    id: str = ""


@dataclass(frozen=True, slots=True)
class Parameters:
    """What is passed through to the model. None is "not given"; 0 is a value."""

    temperature: float | None = None
    max_tokens: int | None = None
    seed: int | None = None
    effort: Effort | None = None


@dataclass(frozen=True, slots=True)
class Requirements:
    """What a model must keep to in every strategy alike; None asks for nothing.

    ``max_cost`` is expected dollars of the whole call, ``max_latency`` expected seconds until the
    answer is complete, ``min_quality`` the expected quality in 0..1. ``local`` takes only models
    on this machine, ``providers`` only theirs, ``exclude`` none of those providers or models.
    ``capabilities`` it must have. ``min_size`` and ``max_size`` are billions of parameters,
    ``min_speed`` output tokens a second. Those of ``prefer`` that meet all this come first.
    """

    max_cost: Decimal | None = None
    max_latency: float | None = None
    min_quality: float | None = None
    local: bool = False
    providers: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    capabilities: frozenset[str] = frozenset()
    min_size: float | None = None
    max_size: float | None = None
    min_speed: float | None = None
    prefer: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Wants:
    """What the caller asked for beyond the text.

    ``models`` is an explicit order to fall back along; empty lets the strategy choose. ``task`` is
    one of `TASKS`; None has the analyser read it from the words. ``tools`` are names of tools
    whose pinned experts are wanted, the first named first; ``needs`` are the capabilities that
    they ask of any model. ``deadline`` limits the whole call, in seconds. ``verifier`` is the model
    that judges the draft of a cascade, ``checked`` how the caller checks it ("function",
    "assertions"), "" if not. ``thread`` names the conversation that it goes on with. ``stream``
    True asks the provider to send the answer in pieces, False in one; None is as its settings say.
    ``written`` is what the caller wrote, where a tool put something around it.
    """

    models: tuple[str, ...] = ()
    strategy: str | None = None
    task: str | None = None
    cache: CachePolicy = "use"
    deadline: float | None = None
    tools: tuple[str, ...] = ()
    needs: frozenset[str] = frozenset()
    requires: Requirements = Requirements()
    verifier: str | None = None
    checked: Checked = ""
    thread: str | None = None
    stream: bool | None = None
    written: str | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """One prompt, complete: nothing else influences what a provider is sent."""

    messages: tuple[Message, ...]
    system: str | None = None
    parameters: Parameters = Parameters()
    schema: Schema | None = None
    tools: tuple[Tool, ...] = ()
    wants: Wants = Wants()

    @property
    def prompt(self) -> str:
        """The text of the last turn."""
        return self.messages[-1].content


@dataclass(frozen=True, slots=True)
class TaskProfile:
    """What the analyser read from a request. ``evidence`` says from what.

    Token counts are estimates until a provider has counted; ``longest`` is the most that the
    answer may have, None without a limit. ``needs`` are capabilities that a
    model must have: "vision", "json", "tools". ``difficulty`` is in 0..1, ``language`` the ISO
    639-1 code of the prompt's, "" where that is not clear.
    """

    kind: str
    input_tokens: int
    output_tokens: int
    longest: int | None = None
    needs: frozenset[str] = frozenset()
    evidence: tuple[str, ...] = ()
    difficulty: float = 0.5
    language: str = ""
