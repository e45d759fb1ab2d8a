"""The recording beside a notebook: one JSON file a request, meant to be committed."""

from __future__ import annotations

import json
import os
import tempfile
import warnings
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from orch_nb.errors import InputError, RecordingError
from orch_nb.files import read_regular
from orch_nb.sanitize import mask, one_line
from orch_nb.settings import Settings
from orch_nb.store.recorded import Entry, RecordedAnswer, fixed, read_entry, whole, write_entry
from orch_nb.store.requested import describe, digest, reworded
from orch_nb.types import Decision, Request, Response, Usage

#: Where it lies, seen from the notebook.
FOLDER = ".orch/recording"
_LARGEST = 32 << 20  # bytes of one file; an answer is capped far below
# Files that are looked through for what was nearly asked, so that the error can name it. Chosen.
_LOOKED_THROUGH = 500
# The cache, in the same folder, keeps all of it out of git; the recording belongs there.
_IGNORED = "*\n"
_IGNORED_BUT = "*\n!/recording/\n!/recording/*.json\n"

Part = Literal["answers", "selected", "tokens"]


class RecordingWarning(UserWarning):
    """An answer could not be recorded. It is given."""


class Recording:
    """The files of one notebook's folder.

    The n-th time that a session asks the same, the n-th answer that was recorded is given, and
    after the last of them the last. Recording begins anew with each session: what it asks replaces
    what was recorded of the same request, and what it does not ask stays.

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

    def answer(self, request: Request, settings: Settings) -> Response:
        """The next answer to `request`. Raises `RecordingError` for none, or a damaged one."""
        name, entry = self._found(request, settings)
        if not entry.answers:
            raise RecordingError(_missing(request, "only the choice of a model was recorded"))
        return entry.answers[self._turn(name, "answers", len(entry.answers))].restored()

    def decision(self, request: Request, settings: Settings) -> Decision:
        """The next decision for `request`, else that of its answer; raises as `answer` does."""
        name, entry = self._found(request, settings)
        if not entry.selected and not entry.answers:
            raise RecordingError(_missing(request, "the choice of a model was not recorded"))
        made = entry.selected or (entry.answers[0].decision,)
        return fixed(made[self._turn(name, "selected", len(made))])

    def tokens(self, request: Request, settings: Settings) -> Usage:
        """The input tokens of `request` as they were counted; raises as `answer` does."""
        _, entry = self._found(request, settings)
        if entry.tokens is None:
            raise RecordingError(_missing(request, "its tokens were not counted"))
        return entry.tokens

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
            data, _ = read_regular(self._folder / f"{name}.json", _LARGEST)
            return read_entry(data)
        except FileNotFoundError:
            raise
        except OSError as error:
            raise RecordingError(_damaged(name, error.strerror or str(error))) from None
        except ValueError as error:
            raise RecordingError(_damaged(name, str(error))) from None

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
                data = json.loads(read_regular(path, _LARGEST)[0])
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
            if part != "tokens":
                before = getattr(entry, part) if (name, part) in self._begun else ()
                value = (*before, value)
            changed: dict[str, Any] = {part: value}
            data = write_entry(replace(entry, **changed), self._portable)
            kept = read_entry(data)
            if self._holds_secret(json.loads(data)):
                self._warn("an answer holds a key and is not recorded")
                return None
            self._write(name, data)
        except OSError as error:
            reason = one_line(error.strerror or str(error))
            self._warn(f"answers are not recorded: {FOLDER} cannot be written ({reason})")
            return None
        except (InputError, ValueError, RecursionError) as error:
            self._warn(f"an answer is not recorded: {one_line(str(error))}")
            return None
        self._entries[name] = kept
        self._begun.add((name, part))
        return kept

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

    def _write(self, name: str, data: bytes) -> None:
        self._prepare()
        path = self._folder / f"{name}.json"
        try:
            if read_regular(path, _LARGEST)[0] == data:
                return
        except OSError:
            pass  # there is none, or none that is good
        handle, temporary = tempfile.mkstemp(".tmp", f"{name}.", self._folder)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            Path(temporary).chmod(0o644)  # as everything that is committed
            Path(temporary).replace(path)
        finally:
            Path(temporary).unlink(missing_ok=True)

    def _prepare(self) -> None:
        """Make the folders; git is to see the recording, and nothing else of theirs."""
        above = self._folder.parent
        if above.is_symlink() or self._folder.is_symlink():
            # It came with the notebook, and leads out of its folder.
            raise OSError(f"{FOLDER} is a link")
        above.mkdir(mode=0o700, exist_ok=True)
        self._folder.mkdir(exist_ok=True)
        ignore = above / ".gitignore"
        known = not ignore.is_symlink() and ignore.is_file()
        if not known or ignore.read_bytes() == _IGNORED.encode():
            ignore.unlink(missing_ok=True)
            ignore.write_text(_IGNORED_BUT, encoding="utf-8")

    def _warn(self, said: str) -> None:
        if said not in self._warned:
            self._warned.add(said)
            warnings.warn(said, RecordingWarning, stacklevel=2)


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
