"""Code in colours: source text → spans with one of six class names.

The colours are JupyterLab's own editor colours, so they follow its theme.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pygments.lexer import Lexer

# Lexers are regular expressions, many of them quadratic in runs without or of nothing but white
# space: only languages that were tried on hostile input, and only sources that look like code.
_LANGUAGES = {
    "bash": "bash", "sh": "bash", "shell": "bash", "zsh": "bash",
    "c": "c", "cpp": "cpp", "c++": "cpp", "css": "css",
    "dockerfile": "docker", "go": "go", "html": "html",
    "javascript": "javascript", "js": "javascript", "json": "json",
    "julia": "julia", "kotlin": "kotlin", "latex": "latex", "tex": "latex", "make": "make",
    "markdown": "markdown", "md": "markdown", "php": "php", "python": "python", "py": "python",
    "python3": "python", "ipython": "python", "r": "r", "ruby": "ruby", "rust": "rust",
    "rs": "rust", "scala": "scala", "sql": "sql", "swift": "swift", "toml": "toml",
    "typescript": "typescript", "ts": "typescript", "xml": "xml", "yaml": "yaml", "yml": "yaml",
}  # fmt: skip
_MAX_CHARACTERS = 8_000
_DEGENERATE = re.compile(r"\s{200}|\S{200}")
CLASSES = {
    "Comment": "orch-comment",
    "Keyword": "orch-keyword",
    "Literal.String": "orch-string",
    "Literal.Number": "orch-number",
    "Name.Builtin": "orch-builtin",
    "Name.Function": "orch-def",
    "Name.Class": "orch-def",
    "Operator.Word": "orch-keyword",
}


# While an answer streams in, its finished blocks are asked for again at every update.
@lru_cache(maxsize=64)
def highlight(source: str, language: str) -> str:
    """`source` as HTML: escaped, and coloured where `language` is known and it is not too long."""
    name = _LANGUAGES.get(language.lower())
    if name is None or len(source) > _MAX_CHARACTERS or _DEGENERATE.search(source):
        return escape(source)
    runs: list[tuple[str, list[str]]] = []
    for kind, text in _lexer(name).get_tokens(source):
        css = _css(str(kind))
        if not runs or (runs[-1][0] != css and not text.isspace()):
            runs.append((css, []))
        runs[-1][1].append(text)
    return "".join(
        f'<span class="{css}">{escape("".join(texts))}</span>' if css else escape("".join(texts))
        for css, texts in runs
    )


@cache
def _lexer(name: str) -> Lexer:
    from pygments.lexers import get_lexer_by_name  # noqa: PLC0415  on first use

    return get_lexer_by_name(name, stripnl=False, ensurenl=False)


@cache
def _css(kind: str) -> str:
    kind = kind.removeprefix("Token.")
    return next((css for name, css in CLASSES.items() if f"{kind}.".startswith(f"{name}.")), "")
