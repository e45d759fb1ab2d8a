"""The recording beside a notebook: one JSON file a request, meant to be committed.

Beside them is one of the models that were listed.
"""

from __future__ import annotations

import json
import warnings
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from orch_nb.errors import InputError, OrchError, RecordingError
from orch_nb.sanitize import mask, one_line
from orch_nb.settings import Settings
from orch_nb.store.recorded import Entry, RecordedAnswer, fixed, read_entry, whole, write_entry
from orch_nb.store.recorded_error import RecordedError
from orch_nb.store.recorded_file import read_file, write_file
from orch_nb.store.recorded_models import FILE, RecordedModels, read_models, write_models
from orch_nb.store.requested import describe, digest, reworded
from orch_nb.types import Attempt, Decision, Request, Response, Usage

#: Where it lies, seen from the notebook.
FOLDER = ".orch/recording"
# Files that are looked through for what was nearly asked, so that the error can name it. Chosen.
_LOOKED_THROUGH = 500

Part = Literal["answers", "selected", "tokens"]


class RecordingWarning(UserWarning):
    """An answer could not be recorded. It is given."""


class Recording:
    """The files of one notebook's folder.

    The n-th time that a session asks the same, the n-th answer or error is given that was recorded,
    and after the last of them the last. Recording begins anew with each session: what it asks
    replaces what was recorded of the same request, and what it does not ask stays.

    Parameters
    ----------
    directory
        The notebook's folder. Nothing is made in it before the first answer is recorded.
    mode
        What it is there for.
    """

    def __init__(self, directory: Path, mode: Literal["record", "replay"] = "replay") -> None:
        self._folder = directory / FOLDER
        self.mode = mode
        #: Texts that are never written: what holds one of them is not recorded.
        self.secrets: Collection[str] = ()
        self._directory = directory.absolute()
        self._given: Counter[tuple[str, Part]] = Counter()
        self._entries: dict[str, Entry] = {}
        self._begun: set[tuple[str, Part]] = set()
        self._warned: set[str] = set()

    # Replaying

    def answer(self, request: Request, settings: Settings) -> Response | RecordedError:
        """The next answer to `request`, or its failure. Raises `RecordingError` for none."""
        name, entry = self._found(request, settings)
        if not (asked := entry.asked()):
            raise RecordingError(_missing(request, "only the choice of a model was recorded"))
        given = asked[self._turn(name, "answers", len(asked))]
        return given if isinstance(given, RecordedError) else given.restored()

    def decision(self, request: Request, settings: Settings) -> Decision:
        """The next decision for `request`, else that of its answer; or raises its failure."""
        name, entry = self._found(request, settings)
        made = entry.chosen() or [answer.decision for answer in entry.answers[:1]]
        if not made:
            raise RecordingError(_missing(request, "the choice of a model was not recorded"))
        given = made[self._turn(name, "selected", len(made))]
        if isinstance(given, RecordedError):
            raise given.restored()
        return fixed(given)

    def tokens(self, request: Request, settings: Settings) -> Usage:
        """The input tokens of `request` as they were counted; raises as `answer` does."""
        _, entry = self._found(request, settings)
        if entry.tokens is None:
            raise RecordingError(_missing(request, "its tokens were not counted"))
        return entry.tokens

    def models(self) -> RecordedModels:
        """What was recorded of models. Raises `RecordingError` for a damaged file."""
        try:
            return read_models(read_file(self._folder, FILE))
        except FileNotFoundError:
            return RecordedModels()
        except (OSError, ValueError) as error:
            raise RecordingError(_damaged(FILE, _reason(error))) from None

    def _turn(self, name: str, part: Part, count: int) -> int:
        index = min(self._given[name, part], count - 1)
        self._given[name, part] += 1
        return index

    def _found(self, request: Request, settings: Settings) -> tuple[str, Entry]:
        name, shown = _named(request, settings)
        try:
            entry = self._read(name)
        except FileNotFoundError:
            nearest = self._nearest(shown)
            raise RecordingError(_missing(request, nearest)) from None
        if entry.request != shown:
            raise RecordingError(_damaged(name, "it belongs to another request"))
        return name, entry

    def _read(self, name: str) -> Entry:
        try:
            return read_entry(read_file(self._folder, name))
        except FileNotFoundError:
            raise
        except (OSError, ValueError) as error:
            raise RecordingError(_damaged(name, _reason(error))) from None

    def _nearest(self, described: Mapping[str, Any]) -> str:
        """What differs from what was recorded for the same prompt, "" where there is nothing."""
        for other in self._requests():
            if other.get("messages") == described["messages"]:
                differing = sorted({*_differing(other, described)})
                return f"it was recorded with another {', '.join(differing)}" if differing else ""
        return ""

    def _requests(self) -> Iterator[Mapping[str, Any]]:
        for path in sorted(self._folder.glob("*.json"))[:_LOOKED_THROUGH]:
            try:
                data = json.loads(read_file(self._folder, path.stem))
            except (OSError, ValueError, RecursionError):
                continue  # it is not the one that was asked for
            if isinstance(data, dict) and isinstance(data.get("request"), dict):
                yield data["request"]

    # Recording

    def keep_answer(self, request: Request, settings: Settings, response: Response) -> Response:
        """`response` as it is to be replayed, and written; as it is, where it cannot be.

        That costs a `RecordingWarning`.
        """
        entry = self._keep(request, settings, "answers", RecordedAnswer.of(response))
        if entry is None:
            return response
        return replace(entry.answers[-1].restored(), parsed=response.parsed, replayed=False)

    def keep_error(
        self,
        request: Request,
        settings: Settings,
        error: OrchError,
        *,
        attempts: tuple[Attempt, ...] = (),
        decision: Decision | None = None,
        text: str = "",
    ) -> None:
        """Write that there was `error` in the place of an answer, and what led to it."""
        failed = RecordedError.of(error, 0, attempts=attempts, decision=decision, text=text)
        self._keep(request, settings, "answers", failed)

    def keep_refusal(self, request: Request, settings: Settings, error: OrchError) -> None:
        """Write that there was `error` in the place of a decision."""
        self._keep(request, settings, "selected", RecordedError.of(error, 0))

    def keep_decision(self, request: Request, settings: Settings, decision: Decision) -> Decision:
        """`decision` as it is to be replayed; as `keep_answer` does."""
        entry = self._keep(request, settings, "selected", decision.kept())
        return decision if entry is None else fixed(entry.selected[-1])

    def keep_tokens(self, request: Request, settings: Settings, usage: Usage) -> None:
        """Write how many tokens `request` has, as `keep_answer` does."""
        self._keep(request, settings, "tokens", usage)

    def _keep(
        self, request: Request, settings: Settings, part: Part, value: object
    ) -> Entry | None:
        """The entry with `value`, as it was written; None where it was not."""
        try:
            name, shown = _named(request, settings)
            entry = self._entries.get(name) or self._earlier(name, shown)
            changed = _with(entry, part, value, anew=(name, part) not in self._begun)
            data = write_entry(changed, self._portable)
            kept = read_entry(data)
        except (InputError, ValueError, RecursionError) as error:
            self._warn(f"an answer is not recorded: {one_line(str(error))}")
            return None
        if not self._write(name, data):
            return None
        self._entries[name] = kept
        self._begun.add((name, part))
        return kept

    def keep_models(self, **changed: Any) -> None:
        """Write `changed` fields of `RecordedModels`, with what was recorded of them before."""
        try:
            before = self.models()
        except RecordingError:
            before = RecordedModels()
        try:
            data = write_models(replace(before, **changed), self._portable)
            read_models(data)
        except ValueError as error:
            self._warn(f"the models are not recorded: {one_line(str(error))}")
            return
        self._write(FILE, data)

    def _write(self, name: str, data: bytes) -> bool:
        if self._holds_secret(json.loads(data)):
            self._warn("an answer holds a key and is not recorded")
            return False
        try:
            write_file(self._folder, name, data)
        except OSError as error:
            reason = one_line(_reason(error))
            self._warn(f"answers are not recorded: {FOLDER} cannot be written ({reason})")
            return False
        return True

    def _portable(self, text: str) -> str:
        """`text` as it may stand on another machine: without the paths of this one, and keys."""
        for path, name in ((self._directory, "."), (Path.home(), "~")):
            if path != Path(path.anchor):
                text = text.replace(str(path), name)
        return mask(text)

    def _earlier(self, name: str, described: Mapping[str, Any]) -> Entry:
        """What an earlier session recorded, where that can be read."""
        try:
            entry = self._read(name)
        except (OSError, RecordingError):
            return Entry(described)
        return entry if entry.request == described else Entry(described)

    def _holds_secret(self, value: Any) -> bool:
        if isinstance(value, str):
            return any(secret in value for secret in self.secrets)
        if isinstance(value, dict):
            return any(map(self._holds_secret, (*value, *value.values())))
        return isinstance(value, list) and any(map(self._holds_secret, value))

    def _warn(self, said: str) -> None:
        if said not in self._warned:
            self._warned.add(said)
            warnings.warn(said, RecordingWarning, stacklevel=2)


def _with(entry: Entry, part: Part, value: object, *, anew: bool) -> Entry:
    """`entry` with `value` as the last of its `part`, or the only one."""
    if part == "tokens":
        return replace(entry, tokens=value)  # type: ignore[arg-type]
    failed: Literal["errors", "refused"] = "errors" if part == "answers" else "refused"
    given, errors = ((), ()) if anew else (getattr(entry, part), getattr(entry, failed))
    if isinstance(value, RecordedError):
        errors = (*errors, replace(value, after=len(given)))
    else:
        given = (*given, value)
    changed: dict[str, Any] = {part: given, failed: errors}
    return replace(entry, **changed)


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)


def _named(request: Request, settings: Settings) -> tuple[str, dict[str, Any]]:
    """The name of the file of `request`, and what is written of the request in it."""
    described = describe(request, settings)
    return digest(described), reworded(described, lambda text: whole(mask(text)))


def _differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> Iterator[str]:
    for name in one.keys() | other.keys():
        mine, theirs = one.get(name), other.get(name)
        if mine == theirs:
            continue
        if name in ("wants", "parameters", "requires"):
            both = [part if isinstance(part, Mapping) else {} for part in (mine, theirs)]
            yield from _differing(*both)
        else:
            yield one_line(name, 40)


def _missing(request: Request, why: str) -> str:
    asked = one_line(mask(request.prompt), 80)
    said = f"{asked!r} is not in {FOLDER}{f' ({why})' if why else ''}"
    return f"{said}; run it once with ORCH_MODE=record"


def _damaged(name: str, why: str) -> str:
    said = one_line(f"{FOLDER}/{name}.json is damaged ({why})", 400)
    return f"{said}; restore it, or delete it and run with ORCH_MODE=record"
