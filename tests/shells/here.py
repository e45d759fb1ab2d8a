"""An IPython in this process."""

from __future__ import annotations

import atexit
from dataclasses import dataclass
from typing import Any

from IPython.core.completer import provisionalcompleter
from IPython.core.interactiveshell import ExecutionResult, InteractiveShell
from IPython.utils.capture import RichOutput, capture_output
from traitlets.config import Config


@dataclass(frozen=True)
class Cell:
    """One cell that was run in this process."""

    result: ExecutionResult
    printed: str
    outputs: list[RichOutput]

    @property
    def value(self) -> Any:
        """What the cell's last line gave."""
        self.result.raise_error()
        return self.result.result

    @property
    def error(self) -> BaseException | None:
        return self.result.error_before_exec or self.result.error_in_exec


class Shell:
    """An IPython without a terminal."""

    def __init__(self, config: Config) -> None:
        InteractiveShell.clear_instance()
        self.ip = InteractiveShell.instance(config=config)

    def run(self, code: str) -> Cell:
        """Run a cell, with its number as a notebook counts."""
        with capture_output() as captured:
            result = self.ip.run_cell(code, store_history=True)
        return Cell(result, captured.stdout + captured.stderr, captured.outputs)

    def complete(self, code: str, cursor: int | None = None) -> list[str]:
        """What Tab offers."""
        with provisionalcompleter():
            found = self.ip.Completer.completions(code, len(code) if cursor is None else cursor)
            return [completion.text for completion in found]

    def close(self) -> None:
        """End the shell and give its globals back."""
        self.run("%unload_ext orch_nb")
        self.ip.restore_sys_module_state()
        atexit.unregister(self.ip.atexit_operations)
        self.ip.atexit_operations()
        InteractiveShell.clear_instance()
