"""Evaluations from CSV files: one row a prompt and model."""

from __future__ import annotations

import csv
import gzip
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from orch_nb.errors import InputError
from orch_nb.routing.outcomes import Outcome

_TASKS = ("task", "dataset")
# A prompt may be a whole document.
_LONGEST = 10_000_000


def read_outcomes(paths: Sequence[Path], *, any_name: bool = False) -> list[Outcome]:
    """The outcomes in one file, or in one of prompts and one of outcomes, joined by prompt_id.

    One file has the columns prompt, model, quality (0..1), and may have cost (dollars; empty is
    unknown), task (or dataset) and prompt_id. Of two, the first has prompt_id, prompt and maybe
    task, the second prompt_id, model, quality and maybe cost. Names ending in .gz are unpacked.
    Raises `InputError`, with file and line, for what is missing or wrong. A model is
    ``provider:model``, unless `any_name`.
    """
    if len(paths) > 2:
        raise InputError("--table takes one file, or two: PROMPTS.csv OUTCOMES.csv")
    prompts = _read_prompts(paths[0]) if len(paths) == 2 else None
    outcomes = [
        _outcome(row, place, prompts, any_name)
        for place, row in _rows(
            paths[-1], ("model", "quality", "prompt" if prompts is None else "prompt_id")
        )
    ]
    if not outcomes:
        raise InputError(f"{paths[-1]} holds no outcome; it has only the line of column names")
    return outcomes


def read_answers(path: Path, outcomes: Sequence[Outcome]) -> list[list[str | None]]:
    """What the models answered, a row for each prompt and a column for each model of `collect`.

    The file has the columns prompt_id (or prompt, if the outcomes came without ids), model and
    answer. Raises `InputError` if none of the answers is to one of the prompts.
    """
    rows = {
        prompt_id: row for row, prompt_id in enumerate(dict.fromkeys(o.prompt_id for o in outcomes))
    }
    columns = {model: at for at, model in enumerate(sorted({o.model for o in outcomes}))}
    answers: list[list[str | None]] = [[None] * len(columns) for _ in rows]
    found = False
    for _, row in _rows(path, ("model", "answer")):
        name = row.get("prompt_id") or row.get("prompt") or ""
        model = row["model"].strip()
        if name in rows and model in columns:
            answers[rows[name]][columns[model]] = row["answer"]
            found = True
    if not found:
        raise InputError(f"{path} answers none of the prompts; its prompt_id or prompt must match")
    return answers


def _read_prompts(path: Path) -> dict[str, tuple[str, str]]:
    prompts: dict[str, tuple[str, str]] = {}
    for place, row in _rows(path, ("prompt_id", "prompt")):
        if row["prompt_id"] in prompts:
            raise InputError(f"{place}: prompt_id {row['prompt_id']!r} is there twice; rename one")
        prompts[row["prompt_id"]] = (_task(row), row["prompt"])
    return prompts


def _outcome(
    row: Mapping[str, str],
    place: str,
    prompts: Mapping[str, tuple[str, str]] | None,
    any_name: bool,
) -> Outcome:
    name = row.get("prompt_id") or row["prompt"]
    if prompts is None:
        task, prompt = _task(row), row["prompt"]
    elif name in prompts:
        task, prompt = prompts[name]
    else:
        raise InputError(f"{place}: no prompt has the prompt_id {name!r}; add it to the first file")
    if not prompt.strip():
        raise InputError(f"{place}: the prompt is empty; fill or remove the line")
    model = row["model"].strip()
    provider, _, rest = model.partition(":")
    if not model or not (any_name or (provider and rest)):
        raise InputError(
            f"{place}: column model: {model!r} is no `provider:model`; rename it, or pass "
            "--any-name if it is not to be used for choosing"
        )
    quality = _number(row["quality"], "quality", place)
    if quality > 1:
        raise InputError(f"{place}: column quality: {quality:g} is above 1; scale it to 0..1")
    cost = row.get("cost", "").strip()
    dollars = _number(cost, "cost", place) if cost else float("nan")
    return Outcome(name, task, prompt, model, quality, dollars)


def _task(row: Mapping[str, str]) -> str:
    return next((row[name].strip() for name in _TASKS if row.get(name)), "")


def _number(text: str, column: str, place: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number < float("inf"):
        raise InputError(f"{place}: column {column}: {text!r} is no number of 0 or more")
    return number


def _rows(path: Path, needed: Sequence[str]) -> Iterator[tuple[str, dict[str, str]]]:
    """Each row by column name, with "file, line n" for messages."""
    csv.field_size_limit(_LONGEST)
    with _opened(path) as file:
        reader = csv.DictReader(file, restkey="", restval=None, strict=True)
        columns = reader.fieldnames or ()
        for name in needed:
            if name not in columns:
                has = ", ".join(map(repr, columns)) or "nothing"
                raise InputError(f"{path} has no column {name!r}; its first line names {has}")
        for row in reader:
            place = f"{path}, line {reader.line_num}"
            if "" in row or None in row.values():
                raise InputError(f"{place}: not {len(columns)} fields; quote those with commas")
            yield place, row


@contextmanager
def _opened(path: Path) -> Iterator[TextIO]:
    try:
        with (
            gzip.open(path, "rt", encoding="utf-8-sig", newline="")
            if path.suffix == ".gz"
            else path.open(encoding="utf-8-sig", newline="")
        ) as file:
            yield file
    except UnicodeDecodeError:
        raise InputError(f"{path} is not UTF-8 text; save it as CSV in UTF-8") from None
    except csv.Error as error:
        raise InputError(f"{path} is no CSV file ({error}); check its quotes") from None
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or "damaged"
        raise InputError(f"cannot read {path} ({reason})") from None
