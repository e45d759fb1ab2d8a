"""A user's assertions about code in an answer, and the running of both.

This is the one place of orch-nb that runs what a model wrote. It does so only when the user gave
assertions, which is their consent, and as `orch_nb.invoke.limited_run` says.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Sequence

from orch_nb.errors import InputError
from orch_nb.invoke import limited_run
from orch_nb.invoke.limited_run import Failure, RunLimits
from orch_nb.invoke.verdict import Verdict
from orch_nb.sanitize import one_line

_LIMITS = RunLimits()
_PYTHON = ("python", "py", "python3")


class Assertions:
    """``assert`` statements that an answer's code must pass.

    Parameters
    ----------
    source
        One block of Python, or several to be run one after the other, after the answer's code and
        in its module. It fails by an assertion, or by raising.
    limits
        What one run may take.
    platform
        As `sys.platform` has it.

    Raises
    ------
    InputError
        The source is no Python, asserts nothing, or Windows would have to run it.
    """

    def __init__(
        self,
        source: str | Sequence[str],
        limits: RunLimits = _LIMITS,
        platform: str = sys.platform,
    ) -> None:
        if platform == "win32":
            raise InputError(
                "assertions need Linux, macOS or WSL: Windows has no limits for what they run; "
                "give a function as the check"
            )
        parts = [source] if isinstance(source, str) else list(source)
        if not all(isinstance(part, str) for part in parts):
            raise InputError('assertions are text, such as "assert add(2, 2) == 4"')
        self.source, self._limits = "\n".join(parts), limits
        try:
            tree = ast.parse(self.source)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            raise InputError(f"the assertions are no Python: {one_line(str(error))}") from None
        if not any(isinstance(node, ast.Assert | ast.Raise) for node in ast.walk(tree)):
            raise InputError('the assertions assert nothing; write "assert add(2, 2) == 4"')

    async def __call__(self, text: str) -> Verdict:
        """Run the code of the answer `text`, then the assertions, in a child process.

        When cancelled, the child is gone.
        """
        try:
            failure = await limited_run.run(code_blocks(text), self.source, self._limits)
        except OSError as error:
            said = error.strerror or type(error).__name__
            return Verdict(False, f"the assertions cannot be run here: {one_line(said)}")
        if failure is None:
            return Verdict(True, "assertions hold")
        return Verdict(False, one_line(self._reason(failure), 160))

    def _reason(self, failure: Failure) -> str:
        if failure.where == "time":
            return f"its code took longer than {self._limits.seconds:g} s"
        if failure.where == "end":
            return f"its code ended its process ({failure.said})"
        raised = f"{failure.kind}: {failure.said}" if failure.said else failure.kind
        if failure.where == "syntax":
            return f"no Python in the answer ({raised})"
        if failure.where != "assertions":
            return f"its code raised {raised}"
        lines = self.source.splitlines()
        line = lines[failure.line - 1].strip() if 0 < failure.line <= len(lines) else "an assertion"
        broken = failure.kind == "AssertionError"
        return f"{line} does not hold" if broken else f"{line} raised {raised}"


def code_blocks(text: str) -> list[str]:
    """The Python in an answer: its fenced blocks, or all of it where there is none.

    Where some blocks are marked as Python, the others are left out. Whether it parses is seen in
    the child process: deeply nested text can exhaust the stack of the one that parses it.
    """
    from markdown_it import MarkdownIt  # noqa: PLC0415 - loads on first use

    fences = [token for token in MarkdownIt().parse(text) if token.type == "fence"]
    marked = [(token.info.lower().split() or [""], token.content) for token in fences]
    python = [content for (language, *_), content in marked if language in _PYTHON]
    unmarked = [content for (language, *_), content in marked if not language]
    return python or unmarked or [text]
