"""Arithmetic that a text states, computed again: "12 * 3 = 36" holds, "12 * 3 = 38" does not.

Exact fractions and a parser of our own: nothing of the text is executed. What cannot be read
without doubt (variables, units between the numbers, remainders) is passed over, so that a
statement that holds is not called wrong.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

# Much longer than any answer with worked steps; what lies beyond is not looked at.
_LONGEST = 50_000
_SIDE = 160
# Powers beyond these would take time and space, and nobody writes them out.
_EXPONENT, _BASE_DIGITS = 64, 12
_SIGNS = str.maketrans(
    {"×": "*", "·": "*", "⋅": "*", "÷": "/", "−": "-", "–": "-", "\u00a0": " ", "\t": " "}
)
_TEX = re.compile(r"\\(?:times|cdot)\b|\\\*")
_NUMBER = r"(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?"
_TOKEN = re.compile(rf" *(?:[$€£]? *({_NUMBER})|(\*\*|[-+*/()^%]|x(?=[ \d$(])|of\b))")
_TAIL = re.compile(r"(?:[-+*/()^%$€£ ]|\d(?:[.,]?\d)*|(?<=[\d) ])x(?=[ \d$(])|\bof\b)+$")
_ROUNDED = re.compile(r"≈|~|\b(?:about|approx\w*|round\w*|nearly|almost|roughly)\b", re.IGNORECASE)
_UNSURE = re.compile(r" *(?:[-+*/^(!_\\\w]|[.,:]\d|(?:with )?(?:a )?remainder|mod\b)")
_UNITS = re.compile(r" +[A-Za-z]+(?: +[A-Za-z]+)? *(?:[*/^+]|\bremainder|-? ?\d)")


class _Unreadable(ValueError):
    """What is written is not an expression that can be computed without doubt."""


@dataclass(frozen=True, slots=True)
class _Value:
    """``slack`` is how far, relatively, rounding of what went in may have moved it."""

    number: Fraction
    slack: Fraction = Fraction(0)


def wrong_statements(text: str) -> list[str]:
    """The statements of `text`, "expression = value", that do not hold, in order.

    Understands + - * / ^ (also ×, x, ÷ and "of"), brackets, percent, thousands separators,
    currency signs and chains ("300 / 4 = 75 * 2 = 150"). A value that is shown with decimals may be
    rounded or cut at the last of them, and so may decimals that went into the expression.
    """
    found = []
    for line in text[:_LONGEST].translate(_SIGNS).splitlines():
        if "=" in line:
            plain = _TEX.sub("*", line)
            sides = plain.split("=")
            rounded = _ROUNDED.search(plain) is not None
            found += [
                statement
                for left, right in pairwise(sides)
                if (statement := _wrong(left, right, rounded))
            ]
    return found


def _wrong(left: str, right: str, rounded: bool) -> str:
    """The statement that `left` ends with and `right` begins with if it is wrong, or ""."""
    tail = _TAIL.search(left[-_SIDE:])
    if tail is None or left.endswith(("<", ">", "!", ":")):
        return ""
    before = left[-_SIDE:][: tail.start()]
    expression = tail[0].strip()
    if before and not tail[0].startswith(" ") and re.search(r"[\w.,)\]}!:_\\]$", before):
        return ""
    if len(left) > _SIDE and not before:
        return ""
    try:
        stated, rest = _stated(right)
        value = _Expression(expression).value()
        # A dash before the expression may belong to a list.
        if expression.startswith("-"):
            other = _Expression(expression[1:]).value()
            if _holds(other, stated, rounded):
                return ""
    except (_Unreadable, ZeroDivisionError):
        return ""
    if not re.search(r"[-+*/^x%]|\bof\b", expression) or _holds(value, stated, rounded):
        return ""
    return f"{expression} = {rest}"


def _stated(right: str) -> tuple[list[tuple[Fraction, int]], str]:
    """The readings of the value that `right` begins with, each with its decimals; and its text."""
    head = re.match(rf" *(-? *[$€£]? *-?)({_NUMBER})( *%)?", right[:_SIDE])
    if head is None:
        raise _Unreadable
    rest = right[head.end() : head.end() + 60]
    fraction = re.match(r" */ *(\d{1,12})(?![\d.,*/^])", rest)
    after = rest[fraction.end() :] if fraction else rest
    if _UNSURE.match(after) if not after.startswith(" ") else _doubtful(after):
        raise _Unreadable
    digits = head[2].replace(",", "")
    if len(digits) > _SIDE // 4:
        raise _Unreadable
    number = Fraction(digits) * (-1 if "-" in head[1] else 1)
    decimals = len(digits.partition(".")[2])
    if fraction:
        return [(number / int(fraction[1]), 99)], (head[0] + fraction[0]).strip()
    readings = [(number, decimals)]
    if head[3]:
        readings.append((number / 100, decimals + 2))
    return readings, head[0].strip()


def _doubtful(after: str) -> bool:
    """Whether what follows a value after a space may belong to it."""
    return bool(
        re.match(r" *(?:[-+*/^(\\%]|\d|x\b|R\b|r\d|mod\b|of\b|(?:with )?(?:a )?rem)", after)
        or _UNITS.match(after)
    )


def _holds(value: _Value, stated: list[tuple[Fraction, int]], rounded: bool) -> bool:
    for number, decimals in stated:
        # One unit of the last place covers both rounding and cutting off.
        place = Fraction(1, 10**decimals) if decimals and decimals < 99 else Fraction(0)
        if rounded and not place:
            place = max(Fraction(1), abs(value.number) / 20)
        if abs(value.number - number) <= place + abs(value.number) * value.slack:
            return True
    return False


class _Expression:
    """Sums of products of powers, read from the left by recursive descent."""

    def __init__(self, text: str) -> None:
        self._tokens: list[str] = []
        place = 0
        while text[place:].strip():
            match = _TOKEN.match(text, place)
            if match is None:
                raise _Unreadable
            token = match[1] or {"**": "^", "x": "*", "of": "*"}.get(match[2], match[2])
            self._tokens.append(token)
            place = match.end()
        if "%" in self._tokens and ("+" in self._tokens or "-" in self._tokens):
            raise _Unreadable  # "100 + 10 %" is 110 to some
        if self._tokens.count("(") > 20 or len(self._tokens) > 80:
            raise _Unreadable
        self._place = 0

    def value(self) -> _Value:
        """What all of it comes to. Raises `_Unreadable` or `ZeroDivisionError`."""
        value = self._sum()
        if self._place < len(self._tokens):
            raise _Unreadable
        return value

    def _next(self, *wanted: str) -> str:
        if self._place < len(self._tokens) and self._tokens[self._place] in wanted:
            self._place += 1
            return self._tokens[self._place - 1]
        return ""

    def _sum(self) -> _Value:
        value = self._product()
        while sign := self._next("+", "-"):
            other = self._product()
            number = other.number if sign == "+" else -other.number
            total = value.number + number
            # Absolute slacks add up in a sum.
            off = abs(value.number) * value.slack + abs(number) * other.slack
            value = _Value(total, off / abs(total) if total else off)
        return value

    def _product(self) -> _Value:
        value = self._power()
        while sign := self._next("*", "/"):
            other = self._power()
            number = value.number * other.number if sign == "*" else value.number / other.number
            value = _Value(number, value.slack + other.slack)
        return value

    def _power(self) -> _Value:
        base = self._atom()
        if not self._next("^"):
            return base
        exponent = self._atom().number
        size = len(str(base.number.numerator)) + len(str(base.number.denominator))
        if exponent.denominator != 1 or abs(exponent) > _EXPONENT or size > _BASE_DIGITS:
            raise _Unreadable
        if self._place < len(self._tokens) and self._tokens[self._place] == "^":
            raise _Unreadable
        return _Value(base.number ** int(exponent), base.slack * abs(int(exponent)))

    def _atom(self) -> _Value:
        negative = bool(self._next("-"))
        if self._next("("):
            value = self._sum()
            if not self._next(")"):
                raise _Unreadable
        else:
            value = self._number()
        if self._next("%"):
            value = _Value(value.number / 100, value.slack)
        if negative and self._place < len(self._tokens) and self._tokens[self._place] == "^":
            raise _Unreadable  # -2^2 is 4 to some
        return _Value(-value.number, value.slack) if negative else value

    def _number(self) -> _Value:
        if self._place >= len(self._tokens) or not self._tokens[self._place][0].isdecimal():
            raise _Unreadable
        digits = self._tokens[self._place].replace(",", "")
        self._place += 1
        if len(digits) > _SIDE // 4:
            raise _Unreadable
        decimals = len(digits.partition(".")[2])
        number = Fraction(digits)
        # Two decimals or more may be what was left of a rounding; 0.5 is hardly.
        rounded = decimals >= 2 and number
        return _Value(number, Fraction(1, 2 * 10**decimals) / number if rounded else Fraction(0))
