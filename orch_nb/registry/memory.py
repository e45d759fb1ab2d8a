"""What providers listed when they were last asked, kept for the next session.

``listings.json`` in the user's folder (0600): by name, type and address of the provider, never
with a key. What is damaged or of another version is nothing remembered.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from orch_nb.files import read_regular, write_private
from orch_nb.registry.discovery import MODELS
from orch_nb.types import ModelCard

if TYPE_CHECKING:
    from pydantic import TypeAdapter

_VERSION = 1
_NAME = "listings.json"
_BYTES = 16_000_000
_PLACES = 100
# What was loaded then says nothing about now.
_PASSING = {1: {"__all__": {"cards": {"__all__": {"loaded", "sources"}}}}}


@dataclass(frozen=True, slots=True)
class Remembered:
    """What a provider listed at `at`, seconds since the epoch; nothing if it could not."""

    at: float
    reachable: bool
    cards: tuple[ModelCard, ...] = ()


class Memory:
    """The file in the folder that `home` names; the folder is found when it is first needed."""

    def __init__(self, home: Callable[[], Path]) -> None:
        self._home = home

    def load(self) -> dict[str, Remembered]:
        """What is remembered, by place."""
        try:
            content, _ = read_regular(self._home() / _NAME, _BYTES)
        except OSError:
            return {}
        from pydantic import ValidationError  # noqa: PLC0415 - 0.1 s of CPU

        try:
            version, rows = _adapter().validate_json(content)
        except ValidationError:
            return {}
        return rows if version == _VERSION else {}

    def save(self, news: Mapping[str, Remembered]) -> None:
        """Remember `news`, and forget what is oldest where there is too much.

        A folder that cannot be written costs no more than asking again next time.
        """
        known = sorted({**self.load(), **news}.items(), key=lambda item: -item[1].at)
        kept: dict[str, Remembered] = {}
        left = MODELS
        for place, row in known[:_PLACES]:
            if len(row.cards) <= left:
                kept[place] = row
                left -= len(row.cards)
        content = _adapter().dump_json((_VERSION, kept), exclude=_PASSING, exclude_defaults=True)
        with suppress(OSError):
            write_private(self._home() / _NAME, content)


@cache
def _adapter() -> TypeAdapter[tuple[int, dict[str, Remembered]]]:
    from pydantic import TypeAdapter  # noqa: PLC0415

    return TypeAdapter(tuple[int, dict[str, Remembered]])
