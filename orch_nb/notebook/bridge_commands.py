"""What JupyterLab asks for, read strictly: a page may send anything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from orch_nb.errors import InputError, OrchError
from orch_nb.notebook.bridge_state import ranking
from orch_nb.notebook.options import Options
from orch_nb.session import Session

Reply = dict[str, Any]
_LONGEST = 100_000  # characters of a prompt that is ranked while it is written


class _Command(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class _Weights(_Command):
    cost: Annotated[float, Field(ge=0, le=1e6)]
    quality: Annotated[float, Field(ge=0, le=1e6)]
    speed: Annotated[float, Field(ge=0, le=1e6)]


class Hello(_Command):
    """Somebody looks: send everything."""

    type: Literal["hello"]


class Set(_Command):
    """Other defaults for the rest of the session."""

    type: Literal["set"]
    strategy: str | None = None
    weights: _Weights | None = None


class Pin(_Command):
    """Another expert for a tool; None takes the pin away."""

    type: Literal["pin"]
    tool: str
    model: str | None


class Switch(_Command):
    """A model, or a provider, on or off."""

    type: Literal["switch"]
    name: str
    on: bool


class Rank(_Command):
    """The ranking of a prompt that is being written; ``line`` is the line of its magic."""

    type: Literal["rank"]
    request: int
    line: Annotated[str, Field(max_length=_LONGEST)] = ""
    prompt: Annotated[str, Field(max_length=_LONGEST)]


class Refresh(_Command):
    """Ask the providers anew which models they have."""

    type: Literal["refresh"]


class Stop(_Command):
    """Stop every call that is under way."""

    type: Literal["stop"]


_ANY: TypeAdapter[Any] = TypeAdapter(
    Annotated[Hello | Set | Pin | Switch | Rank | Refresh | Stop, Field(discriminator="type")]
)


def obey(session: Session, data: Mapping[str, Any], line: Options) -> Reply | None:
    """Do what `data` says, and give what is to be answered, if anything is.

    `line` reads the options of a prompt cell's first line. Raises `OrchError`; then nothing was
    changed.
    """
    try:
        command = _ANY.validate_python(dict(data))
    except ValidationError as error:
        said = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(map(str, said["loc"]))
        problem = f"JupyterLab sent what is not known here ({place}: {said['msg']})"
        raise InputError(problem) from None
    if isinstance(command, Set):
        session.change(**_changes(command))
    elif isinstance(command, Pin):
        if command.model is not None:
            session.experts.pin({command.tool: command.model})
        else:
            session.experts.unpin(command.tool)
    elif isinstance(command, Switch):
        session.switch(command.name, on=command.on)
    elif isinstance(command, Rank):
        return _rank(session, command, line)
    elif isinstance(command, Refresh):
        session.refresh()
    elif isinstance(command, Stop):
        session.stop()
    return None


def _changes(command: Set) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    if command.strategy is not None:
        changes["strategy"] = command.strategy
    if command.weights is not None:
        changes["weights"] = command.weights.model_dump()
    return changes


def _rank(session: Session, command: Rank, line: Options) -> Reply:
    """What would be chosen; the expressions of a prompt are left as they are written."""
    if not command.prompt.strip():
        return ranking(command.request, InputError("the prompt is empty"))
    magic, _, words = command.line.strip().partition(" ")
    try:
        options, _rest = line.parse(words if magic.startswith("%") else command.line)
        wanted = ("model", "strategy", "task", "tool", "max_tokens", "system")
        limits = ("max_cost", "max_latency", "min_quality", "local", "provider", "exclude")
        given = {name: getattr(options, name) for name in (*wanted, *limits)}
        call = session.compose(command.prompt, **given)
        (found,) = session.preview([call.request])
    except OrchError as error:
        found = error
    return ranking(command.request, found)
