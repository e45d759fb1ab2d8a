"""Strategies with their weights under a name: built in, or kept in the user's folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import isfinite
from pathlib import Path
from typing import Any

from orch_nb.errors import InputError, UnknownNameError
from orch_nb.files import read_regular, write_private
from orch_nb.sanitize import one_line

FILE_NAME = "presets.json"
_LARGEST = 64_000  # bytes: hundreds of presets
_LONGEST = 40  # characters of a name
_TERMS = ("cost", "quality", "speed")


@dataclass(frozen=True, slots=True)
class Preset:
    """A strategy, and the weights of cost, quality and speed."""

    strategy: str
    weights: Mapping[str, float]


def _weighted(cost: float, quality: float, speed: float) -> Preset:
    return Preset("weighted", {"cost": cost, "quality": quality, "speed": speed})


#: Chosen, not measured: each gives one of the three as much as the two others together, and more.
BUILT_IN: Mapping[str, Preset] = {
    "all three alike": Preset("balanced", dict.fromkeys(_TERMS, 1.0)),
    "cost first": _weighted(0.6, 0.3, 0.1),
    "quality first": _weighted(0.1, 0.8, 0.1),
    "speed first": _weighted(0.2, 0.2, 0.6),
}


class Presets(Mapping[str, Preset]):
    """All presets by name, those of the file as they are there now.

    A file that is damaged, or that somebody else may have written, has none.
    """

    def __init__(self, home: Path) -> None:
        self._path = home / FILE_NAME

    def __getitem__(self, name: str) -> Preset:
        known = self._all()
        if name not in known:
            raise UnknownNameError("preset", name, tuple(known))
        return known[name]

    def __iter__(self) -> Any:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())

    def save(self, name: str, preset: Preset) -> None:
        """Keep `preset` as `name`, in place of one that has it. Raises `InputError`."""
        name = name.strip()
        if not name or name in BUILT_IN or one_line(name, _LONGEST) != name:
            raise InputError(
                f"{one_line(name, _LONGEST)!r} cannot be the name of a preset: give one of up to "
                f"{_LONGEST} characters that no built-in one has"
            )
        self._write({**self._own(), name: preset})

    def remove(self, name: str) -> None:
        """Forget the preset `name`. Raises `InputError` for one that is built in."""
        own = self._own()
        if name not in own:
            raise InputError(f"{one_line(name, _LONGEST)!r} is no preset of yours")
        del own[name]
        self._write(own)

    def _all(self) -> dict[str, Preset]:
        return {**BUILT_IN, **self._own()}

    def _own(self) -> dict[str, Preset]:
        try:
            content, _ = read_regular(self._path, _LARGEST)
            rows = json.loads(content)
        except (OSError, ValueError, RecursionError):
            return {}
        read = {name: _read(row) for name, row in rows.items()} if isinstance(rows, dict) else {}
        return {
            name: preset
            for name, preset in read.items()
            if preset is not None and name not in BUILT_IN and one_line(name, _LONGEST) == name
        }

    def _write(self, own: Mapping[str, Preset]) -> None:
        rows = {name: asdict(preset) for name, preset in own.items()}
        content = json.dumps(rows, ensure_ascii=False, indent=1).encode()
        if len(content) > _LARGEST:
            raise InputError("there are too many presets; remove one first")
        try:
            write_private(self._path, content)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise InputError(f"the preset was not kept: {one_line(reason)}") from None


def _read(row: object) -> Preset | None:
    """A row of the file, None if it is no preset."""
    if not isinstance(row, dict) or not isinstance(row.get("strategy"), str):
        return None
    weights = row.get("weights")
    if not isinstance(weights, dict) or set(weights) != set(_TERMS):
        return None
    numbers = [weights[term] for term in _TERMS]
    if any(isinstance(n, bool) or not isinstance(n, int | float) for n in numbers):
        return None
    if any(not isfinite(n) or n < 0 for n in numbers) or not any(numbers):
        return None
    return Preset(row["strategy"], {term: float(weights[term]) for term in _TERMS})
