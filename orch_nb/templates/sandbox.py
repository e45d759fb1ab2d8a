"""The Jinja2 sandbox in which the expressions of a prompt run.

Beyond Jinja2's own rules, no step makes a result of unreasonable size, and no module is reached:
a module holds the whole machine.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from numbers import Integral
from types import ModuleType
from typing import Any

from jinja2.exceptions import SecurityError
from jinja2.runtime import Context, StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

_MAX_SIZE = 10_000  # characters, items, or bits of a number that an expression makes of nothing
_MAX_JOINED = 1_000_000  # characters added to texts that were there
# Jinja2's filters without those that pad, repeat, escape for HTML, or draw by chance.
_FILTERS = (
    "abs capitalize count d default dictsort first float int items last length list lower map max"
    " min reject rejectattr reverse round select selectattr sort string sum title trim truncate"
    " unique upper"
)
_WIDE = re.compile(r"\d{4,}|\*|:[^}]*\{")  # of a format: a huge width, or one that is an argument
_SEQUENCES = (str, bytes, bytearray, list, tuple)


class Sandbox(ImmutableSandboxedEnvironment):
    """`ImmutableSandboxedEnvironment` with bounded operators, methods and filters."""

    intercepted_binops = frozenset({"*", "**", "%"})

    def __init__(self) -> None:
        # Without the optimizer nothing is computed before it is checked.
        super().__init__(undefined=StrictUndefined, optimized=False)
        self.globals = {"range": _range}
        self.filters = {name: self.filters[name] for name in _FILTERS.split()}
        self.filters["join"] = _join
        del self.tests["in"]  # with the filter ``select`` a loop in a loop

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """`left` `operator` `right`, unless the result would be too large."""
        if operator == "%":
            _check_format(left)
        else:
            _check(_product(left, right) if operator == "*" else _power(left, right))
        return super().call_binop(context, operator, left, right)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Jinja2's rule, and no way into a module."""
        if isinstance(obj, ModuleType) or isinstance(value, ModuleType):
            return False
        return super().is_safe_attribute(obj, attr, value)

    def call(self, context: Context, obj: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Call `obj`, unless it is a method of a string whose result would be too large."""
        method = getattr(obj, "__wrapped__", obj)  # Jinja2 wraps str.format
        owner = getattr(method, "__self__", None)
        if isinstance(owner, (str, bytes)):
            _check_method(owner, method.__name__, args)
        return super().call(context, obj, *args, **kwargs)


def _join(items: Iterable[object], separator: str = "") -> str:
    """Do what Jinja2's filter does, in bounds."""
    texts = [str(item) for item in items]
    _check(len(texts) * len(separator), limit=_MAX_JOINED)
    return separator.join(texts)


def _range(*bounds: int) -> range:
    items = range(*bounds)
    _check(len(items))
    return items


def _product(left: object, right: object) -> int:
    for sequence, times in ((left, right), (right, left)):
        if isinstance(sequence, _SEQUENCES) and isinstance(times, Integral):  # numpy's as well
            return len(sequence) * int(times)
    if isinstance(left, int) and isinstance(right, int):
        return left.bit_length() + right.bit_length()
    return 0


def _power(base: object, exponent: object) -> int:
    if isinstance(base, int) and isinstance(exponent, int):
        return base.bit_length() * exponent
    return 0


def _check_method(owner: str | bytes, name: str, args: tuple[Any, ...]) -> None:
    if name in ("center", "ljust", "rjust", "zfill") and args:
        _check(args[0])
    elif name in ("format", "format_map"):
        _check_format(owner)
    elif name == "replace" and len(args) > 1:
        _check(owner.count(args[0]) * len(args[1]), limit=_MAX_JOINED)
    elif name == "join" and args:
        _check(len(owner) * len(args[0]), limit=_MAX_JOINED)
    elif name in ("expandtabs", "translate"):
        raise SecurityError(f"{name}() is not for prompts")


def _check_format(template: object) -> None:
    if isinstance(template, (str, bytes)) and _WIDE.search(str(template)):
        raise SecurityError("a format this wide is not for prompts")


def _check(size: int, limit: int = _MAX_SIZE) -> None:
    if size > limit:
        raise SecurityError(f"the result would be larger than {limit:,}")
