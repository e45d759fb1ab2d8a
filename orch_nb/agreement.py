"""The final answer of a text, in a form in which two texts can be compared."""

from __future__ import annotations

import ast
import json
import re
from decimal import Decimal

# The final answer stands at the end. What is longer than a paragraph has one only where it is
# marked or concluded; what is longer than a literal anybody compares is not parsed.
_READ, _PHRASE, _WORDS, _LITERAL, _DEPTH = 8_000, 160, 12, 2_000, 40
_NUMBER = r"(?:\d{1,3}(?:,\d{3})+(?!\d)|\d{1,60})(?:\.\d{1,60})?|\.\d{1,60}"
_UNITS = r"(?:%|°|[a-zA-Zµ€£][\w²³/.\-]{0,19}(?: [a-zA-Z][\w²³/.\-]{0,19}){0,3})"
_AMOUNT = re.compile(
    rf"(?:[≈~=]|about|approximately)? ?([-+]?) ?[$€£]? ?([-+]?)({_NUMBER})(?:[eE]([-+]?\d{{1,3}}))?"
    rf"(?:/(\d{{1,30}}))? ?(?:{_UNITS})?[.!]?"
)
_CHOICE = re.compile(
    r"(?:(?:option|choice|answer) )?(?:\(([A-Ja-j])\)|([A-J])[).:])(?:\s.*)?", re.S
)
_LETTER = re.compile(r"(?:option|choice) ([A-Ja-j])", re.IGNORECASE)
_MARK = re.compile(
    r"####[ \t]*(?P<hashes>[^\n]+)"
    r'|"(?:final_)?answer"\s{0,8}:\s{0,8}(?P<json>"(?:[^"\\\n]|\\.){0,2000}"|[^\n}]{1,2000})'
    r"|\b(?:final |correct |right )?(?:answer|option|choice|result|output|solution)\b[*_]{0,3}"
    r"(?: (?:to|of|for) [^.:\n]{1,80}?)??"
    r" ?(?:\bis\b|\bwould be\b|:|=)[*_]{0,3}\s{0,4}:?\s{0,4}(?P<says>[^\n]+)",
    re.IGNORECASE,
)
_FALSE_ENDING = re.compile(r"\.\s+[A-Z]|;|,? (?:because|since|as|so) ")
_REFUSAL = re.compile(
    r"i (?:do not|don.t|can ?not|can.t|am (?:not|unable))\b|i['’]m |sorry\b"
    r"|not (?:enough|sure|possible)\b|(?:it )?can(?:not|.t) be\b"
    r"|(?:none|null|nan|n/a|unknown)$",
    re.IGNORECASE,
)
_CONCLUSION = re.compile(
    r"(?:so|thus|hence|therefore|in total|altogether|in all|overall|finally|this means)\b", re.I
)
_ALL_NUMBERS = re.compile(rf"(?<![\w.,])[-−]?[$€£]?(?:{_NUMBER})(?![\d\w])")
_EQUATED = re.compile(rf"=\s*([-−]?\s?[$€£]?(?:{_NUMBER})(?: ?{_UNITS})?)[.!]?$")
_QUOTES = {'"': '"', "'": "'", "`": "`", "“": "”", "‘": "’"}


def short_answer(text: str) -> str | Decimal | None:
    r"""The final answer of `text`, normalised; None where there is none, or it is no short one.

    A number (without units, currency or separators; a fraction as its quotient) is a `Decimal`;
    a choice its capital letter; a list, tuple, set or dict of Python or JSON its canonical form;
    and a word or a phrase is without quotes, closing dots and, but for names such as "aBc",
    capitals. The last mark counts ("#### 42", ``\boxed{42}``, "The answer is 42",
    ``"answer": "42"``), then the whole of a short text, then what a long one concludes with. An
    empty string in quotes is an answer; "" and "None" are none. Nothing is executed.
    """
    text = text[-_READ:].strip()
    marked = _marked(text)
    if marked is not None:
        return _normal(marked)
    if len(text) <= _LITERAL and (text[:1] in "[({" or text[-1:] in _QUOTES.values()):
        return _normal(text)
    concluded = _concluded(text)
    if concluded is None and "\n" not in text:
        return _normal(text)
    return concluded


def agree(first: str, second: str) -> bool:
    """Whether both texts have a short answer, and the same one.

    Numbers are the same also where one is the other, rounded to two or more decimals.
    """
    one, other = short_answer(first), short_answer(second)
    if one is None or other is None:
        return False
    if isinstance(one, Decimal) and isinstance(other, Decimal):
        return _same(one, other)
    return one == other


def _same(one: Decimal, other: Decimal) -> bool:
    if one == other:
        return True
    places = min(_decimals(one), _decimals(other))
    return places >= 2 and abs(one - other) <= Decimal(1).scaleb(-places) / 2


def _decimals(number: Decimal) -> int:
    exponent = number.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _marked(text: str) -> str | None:
    """What stands at the last mark."""
    last, place = None, -1
    for match in _MARK.finditer(text):
        last, place = match, match.start()
    boxed = _boxed(text, place)
    if boxed is not None:
        return boxed
    if last is None:
        return None
    if last["json"]:
        return _unescaped(last["json"].rstrip(", \t"))
    if last["hashes"]:
        return last["hashes"]
    said = last["says"].strip()
    end = None if said[:1] in ("[", "(", "{", *_QUOTES) else _FALSE_ENDING.search(said)
    return said[: end.start()] if end else said


def _boxed(text: str, after: int) -> str | None:
    r"""What the last ``\boxed{…}`` behind the place `after` holds."""
    start = text.rfind("\\boxed{")
    if start <= after and (start < 0 or start + 200 < after):
        return None
    depth = 0
    for place in range(start + 6, len(text)):
        depth += {"{": 1, "}": -1}.get(text[place], 0)
        if depth == 0:
            return text[start + 7 : place]
    return None


def _unescaped(value: str) -> str:
    try:
        inner = json.loads(value)
    except (ValueError, RecursionError):
        return value
    return inner if isinstance(inner, str) else value


def _normal(text: str) -> str | Decimal | None:
    text = _bare(text)
    if text[:1] in _QUOTES and len(text) > 1 and _QUOTES[text[0]] == text[-1]:
        inner = text[1:-1]
        if not inner.strip():
            return repr(inner)
        if text[0] not in inner:
            text = inner.strip()
    if (literal := _literal(text)) is not None:
        return literal
    if (choice := _CHOICE.fullmatch(text) or _LETTER.fullmatch(text)) is not None:
        return next(group for group in choice.groups() if group).upper()
    if (number := _number(text)) is not None:
        return number
    return _phrase(text)


def _bare(text: str) -> str:
    """`text` without the marks of Markdown and TeX around it."""
    text = text.strip().replace("−", "-").replace("\\$", "$").replace("\\%", "%")
    text = re.sub(r"^(?:\\\(|\\\[|\$\$)|(?:\\\)|\\\]|\$\$)[.]?$", "", text).strip()
    text = re.sub(r"^\$([^$]+)\$\.?$", r"\1", text)
    text = re.sub(r"\\(?:text|mathrm|mathbf|textbf)\{([^{}]{0,200})\}", r"\1", text)
    text = re.sub(r"\\d?frac\{(\d{1,30})\}\{(\d{1,30})\}", r"\1/\2", text)
    return re.sub(r"^[*_]{1,3}(?=\S)|(?<=\S)[*_]{1,3}(?=[.]?$)", "", text).strip()


def _literal(text: str) -> str | None:
    """The canonical form of a list, tuple, set, dict or bytes; None for anything else."""
    if not re.match(r"[\[({]|b['\"]", text) or len(text) > _LITERAL or not _shallow(text):
        return None
    try:
        value = ast.literal_eval(text)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            return None
    if isinstance(value, list | tuple | dict | set | bytes):
        # Sets have no order of their own.
        return repr(value) if not isinstance(value, set) else f"set {sorted(value, key=repr)}"
    return None


def _shallow(text: str) -> bool:
    """Whether no bracket or sign is nested deeper than a parser takes."""
    depth = deepest = 0
    for character in text:
        depth += (character in "[({") - (character in "])}")
        deepest = max(deepest, depth)
    return deepest <= _DEPTH and re.search(r"[-+~]\s*[-+~]\s*[-+~]", text) is None


def _number(text: str) -> Decimal | None:
    equated = _EQUATED.search(text[-80:]) if "=" in text else None
    match = _AMOUNT.fullmatch(equated[1].strip() if equated else text)
    if match is None or len(text) > _PHRASE:
        return None
    sign, other, digits, exponent, divisor = match.groups()
    number = Decimal(f"{digits.replace(',', '')}e{exponent or 0}")
    if divisor:
        if not int(divisor):
            return None
        number /= int(divisor)
    # + 0 makes -0 to 0.
    return (-number if "-" in (sign + other) else number) + 0


def _phrase(text: str) -> str | None:
    phrase = " ".join(text.split()).rstrip(".!").rstrip()
    words = phrase.split()
    if not phrase or len(phrase) > _PHRASE or len(words) > _WORDS or _REFUSAL.match(phrase):
        return None
    if phrase.lower() in ("yes", "no", "true", "false"):
        return phrase.lower()
    usual = all(word in (word.lower(), word.capitalize()) for word in words)
    # A single capital is a choice, and not the word "a".
    return phrase.lower() if usual and len(phrase) > 1 else phrase


def _concluded(text: str) -> str | Decimal | None:
    """The number that the last line comes to, where it comes to one and only one."""
    line = text[-600:].rpartition("\n")[2].strip()
    sentence = re.split(r"(?<=[^\d\s]\.)\s+(?=[A-Z])", line)[-1]
    if (equated := _EQUATED.search(sentence)) is not None:
        return _number(equated[1].strip())
    numbers = _ALL_NUMBERS.findall(sentence.replace("**", ""))
    if len(numbers) == 1 and _CONCLUSION.match(sentence):
        return _number(numbers[0].replace("−", "-"))
    return None
