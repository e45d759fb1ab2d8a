"""How many tokens a text has, before any provider has counted."""

from __future__ import annotations

# Thousandths of a token for each character, by the first byte of its UTF-8 form. Fitted (least
# squares on the relative error) on 2026-11-21 to the mean of three published tokenizers, OpenAI's
# cl100k_base and o200k_base and DeepSeek's, over 29 texts: prompts in English, Python, TypeScript,
# Markdown, JSON, CSV, logs, tables of df.describe(), and the Universal Declaration of Human Rights
# in 14 languages. Errors then: at most 11 % for all but Arabic (-13 %), Greek (-22 %), Hebrew
# (-28 %) and Russian (+35 %), on which these tokenizers differ twofold themselves. The rule of
# thumb, four characters to a token, is 54 % low on tables, 62 % on CSV, 40 to 55 % on Chinese.
_WEIGHTS = {
    "letter": 236,
    "digit": 744,
    "space": 75,
    "sign": 603,
    "accented": 2100,  # Latin: an accent often splits a word
    "alphabet": 507,  # Greek, Cyrillic, Hebrew, Arabic
    "indic": 664,  # Devanagari to Thai, and typographic signs
    "wide": 884,  # Kana, Han, Hangul
    "rare": 2383,  # Emoji and the like
}
_CODES = {name: bytes([number]) for number, name in enumerate(_WEIGHTS, start=1)}
_CHARGES = [(_CODES[name], weight) for name, weight in _WEIGHTS.items()]
_ASCII = 4  # of the classes, the first


def count_tokens(text: str) -> int:
    """Tokens in `text`, estimated without a tokenizer; 0 only for no text.

    What a provider counts differs by tokenizer, so what it has counted corrects this by a factor.
    """
    classes = text.encode("utf-8", "surrogatepass").translate(_CLASS_OF_BYTE)
    charges = _CHARGES[:_ASCII] if len(classes) == len(text) else _CHARGES
    total = sum([weight * classes.count(code) for code, weight in charges])
    return -(-total // 1000)


def _class(byte: int) -> bytes:
    character = chr(byte)
    if byte < 0x80:
        if character.isalpha():
            return _CODES["letter"]
        if character.isdigit():
            return _CODES["digit"]
        return _CODES["space" if character.isspace() else "sign"]
    # A byte that continues a character counts nothing.
    for first, name in ((0xF0, "rare"), (0xE3, "wide"), (0xE0, "indic"), (0xCA, "alphabet")):
        if byte >= first:
            return _CODES[name]
    return _CODES["accented"] if byte >= 0xC0 else b"\0"


_CLASS_OF_BYTE = b"".join(map(_class, range(256)))
