"""What may be set, of what type, and what it is when nobody sets it.

Times are seconds, sizes bytes, prices US dollars per million tokens.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import cached_property
from typing import Annotated, ClassVar, Literal

from orch_nb.settings.checks import After, Before, Bounds, DumpedAsFloat
from orch_nb.settings.endpoint import check_url
from orch_nb.settings.units import read_bytes, read_seconds
from orch_nb.types import TASKS, canonical_task

_PROVIDER = re.compile(r"[A-Za-z0-9_.-]+")
_TOOL = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_HEADER_VALUE = re.compile("[\t\x20-\x7e]*")
_CONNECTION_HEADERS = {"host", "content-length", "transfer-encoding", "connection"}


def _number(value: object) -> object:
    # Pydantic would take "5" and true for a number.
    if isinstance(value, bool | str):
        raise ValueError("must be a number")  # noqa: TRY004 - pydantic reads ValueError only
    return value


def _check_headers(headers: Mapping[str, str]) -> Mapping[str, str]:
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(value):
            raise ValueError("names and values must be printable ASCII, on one line")
        if name.lower() in _CONNECTION_HEADERS:
            raise ValueError(f"must not hold {name}, which the connection itself sets")
    return headers


def _task(name: str) -> str:
    task = canonical_task(name)
    if task is None:
        raise ValueError(f"is no kind of task; choose from {', '.join(TASKS)}")
    return task


def _check_ascii(text: str) -> str:
    if not (text.isascii() and text.isprintable()):
        raise ValueError("must be printable ASCII, on one line")
    return text


def _check_folder(folder: str) -> str:
    if folder.startswith("~"):
        raise ValueError("must be written out, without ~")
    if "\0" in folder:
        raise ValueError("must not hold a NUL character")
    return folder


def _check_provider(name: str) -> str:
    if not _PROVIDER.fullmatch(name):
        raise ValueError("must be a name of letters, digits, '.', '_' and '-'")
    return name


def _check_tool(name: str) -> str:
    if not _TOOL.fullmatch(name):
        raise ValueError("must be the name of a tool: letters, digits, '.', '_' and '-'")
    return name


def _check_model(name: str) -> str:
    provider, colon, model = name.partition(":")
    if not (_PROVIDER.fullmatch(provider) and colon and model) or re.search(r"\s", model):
        raise ValueError("must be a model id such as 'openai:gpt-6-luna'")
    return name


def _check_variable(name: str) -> str:
    if not _VARIABLE.fullmatch(name):
        # Somebody may have put the key itself here.
        raise ValueError("must be the name of an environment variable, such as TEAM_KEY")
    return name


Text = Annotated[str, Bounds(min_length=1)]
Ascii = Annotated[str, Bounds(min_length=1), After(_check_ascii)]
Switch = Annotated[bool, Bounds(strict=True)]
Whole = Annotated[int, Bounds(strict=True)]
Number = Annotated[float, Bounds(ge=0, allow_inf_nan=False), Before(_number)]
Fraction = Annotated[float, Bounds(ge=0, le=1), Before(_number)]
Seconds = Annotated[float, Bounds(gt=0, allow_inf_nan=False), Before(read_seconds)]
Bytes = Annotated[int, Bounds(gt=0), Before(read_bytes)]
Count = Annotated[int, Bounds(strict=True, gt=0)]
# At most 15 digits, so that a dump as float reads back as the same Decimal.
Dollars = Annotated[Decimal, Bounds(ge=0, max_digits=15), DumpedAsFloat(), Before(_number)]
Task = Annotated[str, After(_task)]
Folder = Annotated[str, Bounds(min_length=1), After(_check_folder)]
ProviderName = Annotated[str, After(_check_provider)]
ToolName = Annotated[str, After(_check_tool)]
ModelId = Annotated[str, After(_check_model)]
Variable = Annotated[str, After(_check_variable)]


class _Strict:
    """What pydantic is told about all of these: no other keys, and no value in an error."""

    __pydantic_config__: ClassVar[dict[str, object]] = {
        "extra": "forbid",
        "hide_input_in_errors": True,
    }


@dataclass(frozen=True)
class Weights(_Strict):
    """How much cost, quality and speed matter, against each other."""

    cost: Number = 1.0
    quality: Number = 1.0
    speed: Number = 1.0

    def __post_init__(self) -> None:
        if not (self.cost or self.quality or self.speed):
            raise ValueError("must not all be 0")


@dataclass(frozen=True)
class CacheSettings(_Strict):
    """The cache of answers. ``dir`` is relative to the session's folder; ttl None is forever."""

    enabled: Switch = True
    dir: Folder = ".orch"
    ttl: Seconds | None = 7 * 86400.0
    limit: Bytes = 10**9


@dataclass(frozen=True)
class ProviderSettings(_Strict):
    """One place where models are. ``api_key_env`` None means that no key is sent.

    ``timeout`` is seconds for one attempt, where it is less than ``limits.attempt``; of models
    with equal scores the one with the lower ``priority`` is taken. Without ``stream`` its answers
    come whole, unless a call asks otherwise.
    """

    type: Text
    base_url: Annotated[str, After(check_url)] | None = None
    api_key_env: Variable | None = None
    api_key: Text | None = field(default=None, repr=False)
    timeout: Seconds | None = None
    max_retries: Annotated[int, Bounds(strict=True, ge=0)] = 2
    # Out of the repr: people put keys of proxies here.
    headers: Annotated[Mapping[str, str], After(_check_headers)] = field(
        default_factory=dict, repr=False
    )
    organization: Ascii | None = None
    priority: Whole = 100
    enabled: Switch = True
    stream: Switch = True
    max_connections: Count = 10
    rate_limit_per_minute: Count | None = None

    def key(self, env: Mapping[str, str]) -> str | None:
        """Find the key: given in Python, else in its variable in `env`."""
        if self.api_key is not None:
            return self.api_key
        variable = env.get(self.api_key_env, "") if self.api_key_env else ""
        return variable.strip() or None


@dataclass(frozen=True)
class PriceSettings(_Strict):
    """Dollars per million tokens; ``cached`` is for input read from the provider's cache."""

    input: Dollars
    output: Dollars
    cached: Dollars | None = None


@dataclass(frozen=True)
class ModelSettings(_Strict):
    """What the user knows better about a model; None leaves what is known otherwise.

    ``path`` is the GGUF file of a model of type local, relative to the session's folder. A model
    whose ``enabled`` is False is never asked; True only outweighs a False of a weaker source.
    """

    path: Folder | None = None
    price: PriceSettings | None = None
    context: Count | None = None
    max_output: Count | None = None
    capabilities: tuple[Text, ...] | None = None
    quality: Mapping[Task, Fraction] = field(default_factory=dict)
    enabled: Switch | None = None


@dataclass(frozen=True)
class Limits(_Strict):
    """How long a call may take, in seconds, and how large its answer may be, in bytes."""

    connect: Seconds = 5.0
    first_token: Seconds = 30.0
    idle: Seconds = 20.0
    attempt: Seconds = 120.0
    call: Seconds = 300.0
    retry_after: Seconds = 30.0
    answer: Bytes = 8 * 10**6


@dataclass(frozen=True)
class BreakerSettings(_Strict):
    """After how many ``failures`` in a row a model or provider is left alone, for how long.

    ``cooldown`` is in seconds, and doubles each time that the probe at its end fails.
    """

    enabled: Switch = True
    failures: Count = 5
    cooldown: Seconds = 30.0


@dataclass(frozen=True)
class BudgetSettings(_Strict):
    """US dollars that may be spent in each period; None is no limit, with 0 only what is free.

    ``task`` is one call with all its attempts, ``pipeline`` one run of a pipeline, ``hour`` the
    last hour of all the user's sessions on this machine. ``unpriced`` says what a limit means for
    models whose price is unknown.
    """

    task: Dollars | None = None
    pipeline: Dollars | None = None
    session: Dollars | None = None
    hour: Dollars | None = None
    unpriced: Literal["refuse", "allow"] = "refuse"


@dataclass(frozen=True)
class Settings(_Strict):
    """All settings of a session, after every layer was heard.

    In the ``mode`` record what is answered is written beside the notebook as well; in replay it is
    read from there, and nobody is asked.
    ``thumbs`` puts two buttons under an answer in a notebook, which rate it.
    ``probe`` looks for Ollama and LM Studio on this machine where no row configures them.
    ``experts`` pins models to tools by name; None takes away a pin that a weaker source set.
    Whether ``strategy`` exists is for the registry of strategies to say.
    """

    preset: Literal["cloud-only", "local-only", "development"] = "development"
    mode: Literal["live", "record", "replay"] = "live"
    strategy: Text = "balanced"
    weights: Weights = Weights()
    budget: BudgetSettings = BudgetSettings()
    fallback: Literal["best", "cheapest", "fail"] = "best"
    stream: Switch = True
    probe: Switch = True
    thumbs: Switch = False
    cache: CacheSettings = CacheSettings()
    providers: Mapping[ProviderName, ProviderSettings] = field(default_factory=dict)
    models: Mapping[ModelId, ModelSettings] = field(default_factory=dict)
    limits: Limits = Limits()
    breaker: BreakerSettings = BreakerSettings()
    experts: Mapping[ToolName, ModelId | None] = field(default_factory=dict)

    @property
    def stated(self) -> dict[str, ModelSettings]:
        """The rows of ``models`` that say more than whether the model is switched on."""
        bare = {name: replace(row, enabled=None) for name, row in self.models.items()}
        nothing = ModelSettings()
        return {n: row for n, row in bare.items() if row != nothing or self.models[n] == nothing}

    @cached_property
    def off(self) -> frozenset[str]:
        """The ids of the models that are switched off."""
        return frozenset(name for name, row in self.models.items() if row.enabled is False)

    def connects_like(self, other: Settings) -> bool:
        """Whether nothing differs that connections, catalog or cache are made from."""
        names = ("preset", "mode", "probe", "cache", "providers", "stated", "limits")
        return all(getattr(self, name) == getattr(other, name) for name in names)
