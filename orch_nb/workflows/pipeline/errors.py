"""What can be wrong with a pipeline, and how a run of one can end."""

from __future__ import annotations

from orch_nb.errors import InputError
from orch_nb.sanitize import one_line


class PipelineError(InputError):
    """A pipeline that cannot work. ``line`` is where; nothing was sent."""

    def __init__(self, message: str, *, source: str = "pipeline", line: int | None = None) -> None:
        self.source, self.line = source, line
        where = source + (f", line {line}" if line is not None else "")
        super().__init__(one_line(f"{where}: {message}", 600))


class Problem(Exception):
    """What is wrong at one place: the keys and positions that lead there."""

    def __init__(self, path: tuple[str | int, ...], message: str) -> None:
        super().__init__(message)
        self.path = path
