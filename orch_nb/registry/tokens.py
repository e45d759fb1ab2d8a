"""How many tokens a text has, before any provider has counted."""

from __future__ import annotations


def count_tokens(text: str) -> int:
    """Tokens in `text`, estimated without a tokenizer.

    Four ASCII characters or two others to a token: the vendors' rule of thumb for English, and
    on the safe side for most other scripts.
    """
    ascii_chars = len(text.encode("ascii", "ignore"))
    return -(-ascii_chars // 4) + -(-(len(text) - ascii_chars) // 2)
