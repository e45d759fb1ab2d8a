"""Plain text that is safe to show: nothing hidden, no secret, one line where one is wanted.

Text from models and servers is hostile. What ends in a terminal, an error or a ``text/plain``
output goes through here; HTML is made in `orch_nb.notebook.render`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_CONTROL = {i: f"\\x{i:02x}" for i in [*range(0, 9), 11, 12, *range(14, 32), *range(127, 160)]}
# Soft hyphen, bidi marks and overrides, zero-width and invisible characters, line and paragraph
# separators, interlinear marks, tag characters, variation-selector supplement, lone surrogates.
# Joiners (U+200C, U+200D) stay between characters that need them: Persian, Indic scripts, emoji.
_JOINED = "[\u0600-\u1fff\u2600-\u27bf\ufe0f\U0001f000-\U0001faff]"
_HIDDEN = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff\U000e0000-\U000e0fff\ud800-\udfff]"
    f"|(?<!{_JOINED})[\u200c\u200d]|[\u200c\u200d](?!{_JOINED})"
)
_KEY = re.compile(r"(?i)\b(bearer\s+|sk-|key-|xai-|gsk_|hf_)[\w.~+/=-]{6,}")
_MASK = "•••"
# Characters of what can be a secret, and of the beginning of one. Chosen: fewer tell little, and
# end many a sentence.
_SHORTEST, _BEGINNING = 4, 6


def visible(text: str) -> str:
    """`text` with every control, bidi, zero-width and surrogate character spelled out.

    Tabs and line feeds stay. The result is valid UTF-8 and harmless in a terminal.
    """
    if text.isascii() and text.isprintable():
        return text
    text = text.replace("\r\n", "\n").replace("\r", "\\r").translate(_CONTROL)
    return _HIDDEN.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def one_line(text: str, limit: int = 200) -> str:
    """`text` visible, on one line, and cut to `limit` characters."""
    line = " ".join(visible(text[: limit * 4]).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def mask(text: str, secrets: Iterable[str] = ()) -> str:
    """`text` without the given secrets and without anything that looks like a key.

    Nor with the beginning of a secret at the end, where a text was cut.
    """
    for secret in secrets:
        if len(secret) < _SHORTEST:
            continue
        text = text.replace(secret, _MASK)
        end = len(text.removesuffix("…"))
        for size in range(min(len(secret), end), _BEGINNING - 1, -1):
            if text.startswith(secret[:size], end - size):
                text = text[: end - size] + _MASK
                break
    return _KEY.sub(_MASK, text)
