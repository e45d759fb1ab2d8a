"""What ``%load_ext orch_nb`` adds to a shell, and ``%unload_ext`` takes away again."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from tokenize import DEDENT, INDENT, TokenInfo
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from IPython.core.inputtransformer2 import (
    TokenTransformBase,
    assemble_continued_line,
    find_end_of_continued_line,
)

from orch_nb._version import __version__
from orch_nb.current import close_session
from orch_nb.errors import InputError, OrchError
from orch_nb.notebook import decisions
from orch_nb.notebook.bridge import Bridge
from orch_nb.notebook.completion import matcher
from orch_nb.notebook.magics import ORCH, PIPELINE, RUN, SELECT, OrchMagics
from orch_nb.notebook.tables import Shown
from orch_nb.session import Session
from orch_nb.store.recording import FOLDER
from orch_nb.store.report import Report
from orch_nb.types import Decision, Response

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from orch_nb.workflows.evaluation import Evaluation
    from orch_nb.workflows.pipeline.plan import PipelinePlan

_MAGICS = {"orch": ORCH, "orch_select": SELECT, "orch_pipeline": PIPELINE, "orch_run": RUN}
# Results that the parts of the magics show, by class: neither is imported before there is one.
_BY_NAME = {
    ("orch_nb.workflows.comparison", "Comparison"): "comparing",
    ("orch_nb.workflows.pipeline.outcome", "Run"): "piping",
    ("orch_nb.workflows.chains.chain", "ChainResult"): "chaining",
}
_EVALUATION = ("orch_nb.workflows.evaluation", "Evaluation")
_PLAN = ("orch_nb.workflows.pipeline.plan", "PipelinePlan")
_NAMES = "|".join(_MAGICS)
_EMPTY_CELL = re.compile(rf"\s*%%({_NAMES})\b[^\n]*\s*\Z")
_CALL = re.compile(rf"((?:[\w.]+\s*=\s*)?)%({_NAMES})[ \t]+(?=[^\s?])")


class Extension:
    """All traces of orch-nb in one shell."""

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell
        self.magics = OrchMagics(shell)
        self._bridge: Bridge | None = None
        self._matcher = matcher(_MAGICS, lambda: self.magics.session, shell.user_ns)

    def load(self) -> None:
        """Add magics, displays and completion, and say what was found."""
        shell: Any = self._shell
        shell.register_magics(self.magics)
        bundles = shell.display_formatter.mimebundle_formatter
        bundles.for_type(Response, self.magics.asking.show)
        bundles.for_type(Decision, decisions.decision)
        bundles.for_type(Report, _report)
        bundles.for_type_by_name(*_EVALUATION, _evaluation)
        bundles.for_type_by_name(*_PLAN, _plan)
        for (module, name), part in _BY_NAME.items():
            bundles.for_type_by_name(module, name, self._shown_by(part))
        shell.Completer.custom_matchers.append(self._matcher)
        shell.input_transformers_cleanup.append(_explain_empty_cell)
        shell.input_transformer_manager.token_transformers.append(_Call)
        shell.events.register("post_run_cell", self.magics.finish_cell)
        if hasattr(shell, "kernel"):
            self._bridge = Bridge(shell, lambda: self.magics.session, ORCH)
            self._bridge.open()
        try:
            print(describe(self.magics.session))
        except OrchError as error:
            # The magics must be there all the same: `%orch config trust` may be the way out.
            print(f"orch_nb {__version__} is loaded, but {error}")

    def _shown_by(self, part: str) -> Callable[[Any], Shown]:
        return lambda made: getattr(self.magics, part).show(made)

    def unload(self) -> None:
        """Take everything away and close the session."""
        shell: Any = self._shell
        if self._bridge is not None:
            self._bridge.close()
        for magics in shell.magics_manager.magics.values():
            for name in _MAGICS:
                magics.pop(name, None)
        shell.magics_manager.registry.pop(OrchMagics.__name__, None)
        shell.configurables[:] = [c for c in shell.configurables if c is not self.magics]
        bundles = shell.display_formatter.mimebundle_formatter
        for kind in (Response, Decision, Report):
            bundles.pop(kind, None)
        for module, name in (*_BY_NAME, _EVALUATION, _PLAN):
            bundles.deferred_printers.pop((module, name), None)
            bundles.pop(f"{module}.{name}", None)
        shell.Completer.custom_matchers.remove(self._matcher)
        shell.input_transformers_cleanup.remove(_explain_empty_cell)
        shell.input_transformer_manager.token_transformers.remove(_Call)
        shell.events.unregister("post_run_cell", self.magics.finish_cell)
        close_session()


def _report(made: Report) -> Shown:
    from orch_nb.notebook.report import report_bundle  # noqa: PLC0415 - imports the charts

    return report_bundle(made)


def _evaluation(made: Evaluation) -> Shown:
    from orch_nb.notebook.evaluations import evaluation_bundle  # noqa: PLC0415 - likewise

    return evaluation_bundle(made)


def _plan(made: PipelinePlan) -> Shown:
    from orch_nb.notebook.pipelines import plan_bundle  # noqa: PLC0415 - imports pydantic

    return plan_bundle(made), {}


def describe(session: Session) -> str:
    """One line on what takes part."""
    settings = session.settings
    if settings.mode != "live":
        # The same while it is recorded and wherever it is replayed, whatever is there to be asked.
        named = f"mode record/replay: answers in {FOLDER}"
        return f"orch_nb {__version__} · {named} · strategy {settings.strategy}"
    real = session.providers
    parts = [
        f"orch_nb {__version__}",
        f"providers: {', '.join(real)}" if real else "no provider is configured, sim answers",
        f"{len(session.catalog.ids())} known models",
        f"strategy {settings.strategy}",
    ]
    if settings.cache.enabled:
        parts.append(f"answers kept in {_short(settings.cache.dir)}")
    return " · ".join(parts)


def _short(folder: str) -> str:
    path = Path(folder)
    home = Path.home()
    return f"~/{path.relative_to(home)}" if path.is_relative_to(home) else str(path)


def _explain_empty_cell(lines: list[str]) -> list[str]:
    """IPython refuses a cell magic without a cell before we see it; show the usage instead."""
    found = _EMPTY_CELL.match("".join(lines))
    return lines if found is None else [f"%{found[1]} help\n"]


# IPython's word for what it leaves out where it asks whether a cell is complete: in a terminal the
# first line of a cell is not, and the next one follows.
_explain_empty_cell.has_side_effects = True  # type: ignore[attr-defined]


class _Call(TokenTransformBase):
    """Our line magics, before IPython takes one that ends with "?" for a request for help."""

    priority = 1

    @classmethod
    def find(cls, tokens_by_line: list[list[TokenInfo]]) -> _Call | None:
        """The first of our calls; tokens keep what looks like one within a string out."""
        for tokens in tokens_by_line:
            first = next((t for t in tokens if t.type not in (INDENT, DEDENT)), None)
            if first is not None and _CALL.match(first.line, first.start[1]):
                return cls(first.start)
        return None

    def transform(self, lines: list[str]) -> list[str]:
        """The lines with that call in Python."""
        start, column = self.start_line, self.start_col
        end = find_end_of_continued_line(lines, start)
        text = assemble_continued_line(lines, (start, column), end)
        found = _CALL.match(text)
        if found is None:
            raise SyntaxError(text)  # IPython's word for "not mine"
        (target, name), line = found.groups(), text[found.end() :]
        call = f"get_ipython().run_line_magic({name!r}, {line!r})"
        if not target and _is_quiet(name, line):
            call += " and None"  # what it gives is nobody's, and is not to be shown
        return [*lines[:start], f"{lines[start][:column]}{target}{call}\n", *lines[end + 1 :]]


def _is_quiet(name: str, line: str) -> bool:
    """Whether the magic `name` is asked, on its `line`, to show nothing."""
    options = _MAGICS[name]
    read = options.parse_around if name == "orch_run" else options.parse
    try:
        return bool(getattr(read(line)[0], "quiet", False))
    except InputError:  # the call says what is wrong
        return False


_loaded: WeakKeyDictionary[Any, Extension] = WeakKeyDictionary()


def load(shell: InteractiveShell) -> None:
    """Add orch-nb to `shell`, anew if it is there already."""
    unload(shell)
    extension = _loaded[shell] = Extension(shell)
    extension.load()


def unload(shell: InteractiveShell) -> None:
    """Take orch-nb away from `shell`, if it is there."""
    extension = _loaded.pop(shell, None)
    if extension is not None:
        extension.unload()
