"""``{{ expression }}`` in a prompt, filled once from the notebook's variables.

Nothing else is syntax: single braces, JSON, code, ``{% %}``, ``{# #}`` and LaTeX stay as they are,
and what was filled in is never looked at again. Expressions are Jinja2's, in its immutable
sandbox: no statements, no private attributes, no modules, no results of unreasonable size.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

from orch_nb.errors import TemplateError
from orch_nb.sanitize import one_line

if TYPE_CHECKING:
    from jinja2.sandbox import SandboxedEnvironment

_MAX_VALUE = 20_000  # characters
_MAX_EXPRESSION = 1_000  # characters
_MAX_EXPRESSIONS = 200
_MAX_ROWS, _MAX_COLUMNS, _MAX_CELL = 20, 12, 200
_LITERAL = "literal braces are written {{ '{{' }}"
# What IPython itself puts into the namespace.
_IPYTHON = frozenset({"In", "Out", "exit", "get_ipython", "open", "quit"})
# Strings first, so that braces in them do not count.
_PIECE = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[\[({]|[\])}]""", re.S)


def fill(text: str, namespace: Mapping[str, object]) -> str:
    """`text` with every ``{{ expression }}`` replaced by its value in `namespace`.

    Text without ``{{`` comes back as it is. See `Template`.
    """
    return text if "{{" not in text else Template(text).fill(namespace)


class Template:
    """A text whose ``{{ expression }}`` are read once, and filled as often as wanted.

    Raises
    ------
    TemplateError
        An expression is no expression, or too long, or there are too many.
    """

    def __init__(self, text: str) -> None:
        self._parts: list[str | Expression] = []
        known: dict[str, Expression] = {}
        position = 0
        for start, end in _expressions(text):
            source = text[start + 2 : end - 2]
            if source not in known:
                line = text.count("\n", 0, start) + 1
                if len(known) == _MAX_EXPRESSIONS:
                    raise TemplateError(f"line {line}: more than {_MAX_EXPRESSIONS} expressions")
                known[source] = Expression(source, line)
            self._parts += text[position:start], known[source]
            position = end
        self._parts.append(text[position:])
        self._expressions = tuple(known.values())

    @property
    def names(self) -> frozenset[str]:
        """The names that it needs."""
        return frozenset().union(*(expression.names for expression in self._expressions))

    def members(self, name: str) -> frozenset[str]:
        """The members of `name` that its expressions take; see `Expression.members`."""
        return frozenset().union(*(each.members(name) for each in self._expressions))

    def fill(self, namespace: Mapping[str, object], *, whole: bool = False) -> str:
        """The text with the values that its expressions have in `namespace`.

        A pandas table becomes the first 20 rows and 12 columns in Markdown, any other value its
        ``str()``, cut at 20 000 characters unless `whole`; both say so in the text.

        Raises
        ------
        TemplateError
            An expression is unsafe or too large, a name is unknown, or a value cannot be shown.
        """
        values = {id(each): each.text(namespace, whole=whole) for each in self._expressions}
        parts = (part if isinstance(part, str) else values[id(part)] for part in self._parts)
        return "".join(parts)


class Expression:
    """One expression, compiled in the sandbox; ``line`` is where it stands in the text.

    Raises `TemplateError`.
    """

    def __init__(self, source: str, line: int = 1) -> None:
        from jinja2 import nodes  # noqa: PLC0415  few prompts have one

        self._line, self._shown = line, one_line(source.strip(), 60)
        sandbox = _sandbox()
        with self._telling():
            self._tree = sandbox.parse("{{" + source + "}}")
            # No expression binds a name. `jinja2.meta` would compute what is constant, in a time
            # that grows with the cube of its signs.
            names = {node.name for node in self._tree.find_all(nodes.Name)}
            #: The names that it needs.
            self.names = frozenset(names - {*sandbox.globals})
            self._run = sandbox.compile_expression(source, undefined_to_none=False)

    def members(self, name: str) -> frozenset[str]:
        """The members of `name` that it takes: ``a`` of ``name.a`` and ``name["a"]``."""
        from jinja2 import nodes  # noqa: PLC0415  as above

        taken = [(node.attr, node.node) for node in self._tree.find_all(nodes.Getattr)]
        for node in self._tree.find_all(nodes.Getitem):
            if isinstance(node.arg, nodes.Const) and isinstance(node.arg.value, str):
                taken.append((node.arg.value, node.node))
        return frozenset(
            member for member, of in taken if isinstance(of, nodes.Name) and of.name == name
        )

    def value(self, namespace: Mapping[str, object]) -> Any:
        """Its value in `namespace`."""
        from jinja2 import Undefined  # noqa: PLC0415  as above

        with self._telling():
            found = self._run(self._scope(namespace))
            # What is not there, or not allowed, says so when it is used.
            return str(found) if isinstance(found, Undefined) else found

    def text(self, namespace: Mapping[str, object], *, whole: bool = False) -> str:
        """Its value as it stands in the text."""
        with self._telling():
            text = _text(self._run(self._scope(namespace)))
            return text if whole else _cut(text)

    def _scope(self, namespace: Mapping[str, object]) -> dict[str, object]:
        return {name: _look_up(name, namespace, self._line) for name in sorted(self.names)}

    @contextmanager
    def _telling(self) -> Iterator[None]:
        """Make one line of whatever is wrong."""
        import jinja2  # noqa: PLC0415  as above

        problem = ""
        try:
            yield
        except TemplateError:
            raise
        except jinja2.TemplateSyntaxError as error:
            problem = f"{error.message}; {_LITERAL}"
        except jinja2.TemplateError as error:
            problem = str(error)
        except Exception as error:  # noqa: BLE001 - the user's own objects run here, and may raise it
            problem = f"{type(error).__name__}: {one_line(str(error), 300)}"
        if problem:
            said = one_line(problem, 400)
            raise TemplateError(f"line {self._line}: {{{{ {self._shown} }}}}: {said}")


def _expressions(text: str) -> Iterator[tuple[int, int]]:
    """Where each ``{{ … }}`` starts and ends; braces within it are balanced."""
    start = text.find("{{")
    while start >= 0:
        end = _end(text, start + 2)
        yield start, end
        start = text.find("{{", end)


def _end(text: str, position: int) -> int:
    line = text.count("\n", 0, position) + 1
    depth, limit = 0, min(len(text), position + _MAX_EXPRESSION + 2)
    for piece in _PIECE.finditer(text, position, limit):
        if depth == 0 and text.startswith("}}", piece.start()):
            return piece.start() + 2
        depth += {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}.get(piece[0], 0)
    raise TemplateError(
        f"line {line}: {{{{ is not closed by }}}} within {_MAX_EXPRESSION:,} characters; {_LITERAL}"
    )


def _look_up(name: str, namespace: Mapping[str, object], line: int) -> object:
    if name.startswith("_") or name in _IPYTHON:
        raise TemplateError(f"line {line}: {name!r} is not for prompts; use a variable of your own")
    if name in namespace:
        return namespace[name]
    public = [known for known in namespace if not known.startswith("_")]
    near = difflib.get_close_matches(name, public, n=1, cutoff=0.6)
    hint = f"did you mean {near[0]}?" if near else _LITERAL
    raise TemplateError(one_line(f"line {line}: {name!r} is not defined; {hint}", 300))


@cache
def _sandbox() -> SandboxedEnvironment:
    from orch_nb.templates.sandbox import Sandbox  # noqa: PLC0415  it imports jinja2

    return Sandbox()


def _text(value: object) -> str:
    # By name, because pandas is not ours to import.
    kinds = {(c.__module__.partition(".")[0], c.__name__) for c in type(value).__mro__}
    if ("pandas", "Series") in kinds:
        return _table(_frame(value))
    return _table(value) if ("pandas", "DataFrame") in kinds else str(value)


def _frame(series: Any) -> Any:
    return series.to_frame("value" if series.name is None else series.name)


def _table(frame: Any) -> str:
    """Show the first rows and columns of a DataFrame as a Markdown table."""
    rows, columns = frame.shape
    head = frame.iloc[:_MAX_ROWS, :_MAX_COLUMNS]
    header = ["" if head.index.name is None else head.index.name, *head.columns]
    lines = [header, ["---"] * len(header), *head.itertuples(name=None)]
    table = "\n".join("| " + " | ".join(map(_cell, line)) + " |" for line in lines)
    if rows <= _MAX_ROWS and columns <= _MAX_COLUMNS:
        return table
    shown = f"{len(head):,} of {rows:,} rows, {head.shape[1]} of {columns:,} columns"
    return f"{table}\n\n[cut: {shown}]"


def _cell(value: object) -> str:
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    text = " ".join(text.split()).replace("|", "\\|")
    return text if len(text) <= _MAX_CELL else text[:_MAX_CELL] + "…"


def _cut(text: str) -> str:
    if len(text) <= _MAX_VALUE:
        return text
    return f"{text[:_MAX_VALUE]}\n[cut: {_MAX_VALUE:,} of {len(text):,} characters]"
