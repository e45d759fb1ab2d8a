"""What is recorded of the models of a session: one file beside the answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, ClassVar, Literal

from orch_nb.store.recorded import first_error, laid_out
from orch_nb.store.requested import plain, reworded
from orch_nb.types import ModelCard, Rejection

#: The name of the file, where those of requests are hexadecimal.
FILE = "models"
_VERSION: Literal[1] = 1


@dataclass(frozen=True)
class RecordedModels:
    """The models as they were listed, None where nobody asked for them.

    ``places`` are the addresses of their providers, ``absent`` the providers that could not be
    asked. ``pins`` has the ids that bare names meant when they were pinned.
    """

    __pydantic_config__: ClassVar[dict[str, object]] = {
        "extra": "forbid",
        "hide_input_in_errors": True,
    }

    cards: tuple[ModelCard, ...] | None = None
    places: Mapping[str, str] = field(default_factory=dict)
    absent: tuple[Rejection, ...] = ()
    pins: Mapping[str, str] = field(default_factory=dict)
    version: Literal[1] = _VERSION

    def pinned(self, name: str) -> str | None:
        """The id that the bare `name` means; None where that is not known, or not one."""
        if name in self.pins:
            return self.pins[name]
        found = [card.id for card in self.cards or () if card.name == name]
        return found[0] if len(found) == 1 else None


def write_models(models: RecordedModels, portable: Callable[[str], str] = str) -> bytes:
    """`models` as JSON, laid out in lines; what they say goes through `portable`."""
    data = reworded(plain(replace(models, cards=None)), portable)
    if models.cards is not None:
        data["cards"] = reworded([plain(card, {}) for card in models.cards], portable)
    return (laid_out({**data, "version": _VERSION}) + "\n").encode()


def read_models(data: bytes) -> RecordedModels:
    """The models that `data` holds. Raises `ValueError`, in a few words, for what holds none."""
    from pydantic import ValidationError  # noqa: PLC0415 - 0.1 s, for those who replay

    try:
        models: RecordedModels = _adapter().validate_json(data)
    except ValidationError as error:
        raise ValueError(first_error(error)) from None
    return models


@cache
def _adapter() -> Any:
    from pydantic import TypeAdapter  # noqa: PLC0415

    return TypeAdapter(RecordedModels)
