"""What the answers in a saved notebook cost, as its outputs' metadata says. No kernel is needed.

A notebook may come from anybody: what is read is checked, and counted only if it can be true.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from orch_nb.errors import InputError
from orch_nb.files import read_regular
from orch_nb.sanitize import one_line
from orch_nb.store.account import NOT_ASKED, Payment
from orch_nb.store.overview import CallFigures, Try
from orch_nb.types import Usage

# Bytes. Chosen: a notebook of a thousand pictures; what is larger takes seconds to read.
_LARGEST = 100_000_000
_MANY = 100_000  # answers of one notebook that are counted
# Beyond these a number is nonsense, or takes forever to write out.
_Count = Annotated[int, Field(ge=0, le=2**53)]
_Seconds = Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]
_Dollars = Annotated[Decimal, Field(ge=0, le=1_000_000_000, max_digits=60, decimal_places=30)]
_Name = Annotated[str, Field(min_length=1, max_length=1000)]


@dataclass(frozen=True, slots=True)
class SavedNotebook:
    """The calls whose answers a notebook holds, in its order.

    ``damaged`` counts outputs that claim to be answers but have no numbers that can be true.
    """

    calls: tuple[CallFigures, ...]
    damaged: int = 0


def read_notebook(path: str | os.PathLike[str]) -> SavedNotebook:
    """Read the answers that are saved in the notebook at `path`.

    An answer that is shown twice counts once. Raises `InputError` for what is no notebook, or
    cannot be read.
    """
    name = one_line(str(path))
    try:
        # A link is followed: it is the user who named it.
        content, _ = read_regular(Path(path).expanduser().resolve(), _LARGEST)
    except (OSError, RuntimeError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"{name} cannot be read: {one_line(reason)}") from None
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        raise InputError(f"{name} is no notebook: it holds no JSON that can be read") from None
    if not isinstance(document, dict) or not isinstance(document.get("cells"), list):
        raise InputError(f"{name} is no notebook of version 4: open and save it in JupyterLab")
    return _gathered(document["cells"])


def _gathered(cells: list[Any]) -> SavedNotebook:
    calls: list[CallFigures] = []
    damaged, shown = 0, set()
    for origin in _origins(cells):
        saved = _checked(origin)
        if saved is None:
            damaged += 1
        elif saved in shown and not (saved.cached or saved.simulated):
            continue  # no two calls take the same time to the microsecond
        elif len(calls) < _MANY:
            shown.add(saved)
            calls.append(_figures(saved))
    return SavedNotebook(tuple(calls), damaged)


def _origins(cells: list[Any]) -> Iterator[object]:
    """What stands under ``orch_nb`` in the metadata of outputs; of several answers a list."""
    for cell in cells:
        outputs = cell.get("outputs") if isinstance(cell, dict) else None
        for output in outputs if isinstance(outputs, list) else ():
            metadata = output.get("metadata") if isinstance(output, dict) else None
            found = metadata.get("orch_nb") if isinstance(metadata, dict) else None
            if found is not None:
                yield from found if isinstance(found, list) else (found,)


class _Attempt(BaseModel):
    model_config = ConfigDict(frozen=True)

    model: _Name
    cause: _Name | None = None


class _Saved(BaseModel):
    """The part of `orch_nb.notebook.display.provenance` that is counted."""

    model_config = ConfigDict(frozen=True)

    model: _Name
    cost: _Dollars | None
    billed: _Dollars | None
    seconds: _Seconds
    ttft: _Seconds | None
    input_tokens: _Count
    output_tokens: _Count
    usage_source: Literal["known", "estimated", "unknown"]
    cached: bool
    simulated: bool
    attempts: tuple[_Attempt, ...] = ()
    #: Drafts of a cascade have a cause, and did not fail.
    drafted: bool = False


def _checked(origin: object) -> _Saved | None:
    if not isinstance(origin, dict):
        return None
    try:
        return _Saved.model_validate({**origin, "drafted": origin.get("cascade") is not None})
    except ValidationError:
        return None


def _figures(saved: _Saved) -> CallFigures:
    model = one_line(saved.model)
    seconds = None if saved.simulated else saved.seconds
    if saved.cached:
        return CallFigures(model, cached=True, saved=saved.cost, seconds=seconds)
    failed = tuple(
        Try(one_line(attempt.model), None, one_line(attempt.cause))
        for attempt in saved.attempts
        if attempt.cause and not saved.drafted and attempt.cause not in NOT_ASKED
    )
    usage = Usage(saved.input_tokens, saved.output_tokens, source=saved.usage_source)
    return CallFigures(
        model,
        payments=(Payment(model, saved.billed, usage),),
        tries=(*failed, Try(model, seconds)),
    )
