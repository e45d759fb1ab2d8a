r"""Formulas in Markdown (``$…$``, ``$$…$$``, ``\(…\)``, ``\[…\]``): for MathJax, or shown as code.

JupyterLab's MathJax typesets whatever looks like TeX in an HTML output. Its commands can link, set
styles that load, define macros that explode, or draw boxes larger than the screen, so a formula
that holds one of them is shown as its source.
"""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markdown_it import MarkdownIt
    from markdown_it.renderer import RendererProtocol
    from markdown_it.rules_block import StateBlock
    from markdown_it.rules_inline import StateInline
    from markdown_it.token import Token
    from markdown_it.utils import EnvType, OptionsDict

_CLOSING = {"$": "$", "$$": "$$", "\\(": "\\)", "\\[": "\\]"}
_MAX_CHARACTERS = 4_000
_MAX_LINES = 100
_MAX_BRACES = 400
# From MathJax's packages html, require, newcommand, unicode, bbox, enclose, action, color,
# mathtools and setoptions, and from KaTeX. Colour boxes are here because MathJax copies the name
# of the colour into a style attribute.
_UNSAFE = re.compile(
    r"\\(?:href|url|class|cssId|style|data|html[A-Za-z]*|includegraphics|require|unicode|mmlToken"
    r"|[gex]?def|let|futurelet|global|csname|(?:re)?new(?!line\b)[A-Za-z]*|provide[A-Za-z]*"
    r"|[Dd]eclare[A-Za-z]*|Newextarrow|mathtoolsset|setOptions|[Rr]ule|Space|f?colorbox|definecolor"
    r"|bbox|enclose|toggle|mathtip|texttip|tooltip|ref|eqref)(?![A-Za-z])"
    # A length of three digits and more, as in ``\hspace{99999em}`` or ``\\[99999em]``.
    r"|(?<![.\d])\d{3,}(?:\.\d*)?\s*(?:e[mx]|p[txc]|in|[cm]m|mu)(?![A-Za-z])"
)
_LABEL = re.compile(r"\\label\s*\{[^{}]*\}")


def install(markdown: MarkdownIt) -> None:
    """Teach `markdown` the four ways to write a formula."""
    from mdit_py_plugins.dollarmath import dollarmath_plugin  # noqa: PLC0415  on first use

    # Pandoc's rules, so that "$5 and $6" stays money.
    dollarmath_plugin(
        markdown,
        allow_labels=False,
        allow_space=False,
        allow_digits=False,
        allow_blank_lines=False,
        double_inline=True,
    )
    markdown.inline.ruler.before("escape", "math_bracket", _bracketed)
    # The plugin's own block rule cannot interrupt a paragraph and knows no brackets.
    interrupts = ["paragraph", "reference", "blockquote", "list"]
    markdown.block.ruler.at("math_block", _block, {"alt": interrupts})
    for name in ("math_inline", "math_inline_double", "math_block"):
        markdown.add_render_rule(name, _render)


def _bracketed(state: StateInline, silent: bool) -> bool:
    opening = state.src[state.pos : state.pos + 2]
    if opening not in ("\\(", "\\["):
        return False
    start = state.pos + 2
    limit = min(state.posMax, start + _MAX_CHARACTERS)
    end = state.src.find(_CLOSING[opening], start, limit)
    if end <= start:
        return False
    if not silent:
        token = state.push("math_inline", "math", 0)
        token.content, token.markup = state.src[start:end], opening
    state.pos = end + 2
    return True


def _block(state: StateBlock, start: int, stop: int, silent: bool) -> bool:
    if state.is_code_block(start):
        return False
    text = _line(state, start)
    opening, text = text[:2], text[2:]
    if opening not in ("$$", "\\["):
        return False
    closing, lines = _CLOSING[opening], []
    for number in range(start + 1, min(stop, start + _MAX_LINES) + 1):
        if closing in text:
            break
        lines.append(text)
        text = _line(state, number) if number < stop else ""
        if not text or state.sCount[number] < state.blkIndent:
            return False
    if text.find(closing) != len(text) - 2:  # not closed, or more text follows on the line
        return False
    lines.append(text[:-2])
    if not silent:
        token = state.push("math_block", "math", 0)
        token.block, token.content, token.markup = True, "\n".join(lines), opening
        token.map = [start, start + len(lines)]
        state.line = start + len(lines)
    return True


def _line(state: StateBlock, number: int) -> str:
    return state.src[state.bMarks[number] + state.tShift[number] : state.eMarks[number]].strip()


def _render(
    _: RendererProtocol, tokens: Sequence[Token], index: int, __: OptionsDict, ___: EnvType
) -> str:
    token = tokens[index]
    # Labels become ids in the page, and one that is met twice is an error in MathJax.
    content = _LABEL.sub("", token.content)
    closing = _CLOSING[token.markup]
    source = escape(token.markup + content + closing)
    unsafe = len(content) > _MAX_CHARACTERS or content.count("{") > _MAX_BRACES
    if unsafe or _UNSAFE.search(content):
        return f"<pre>{source}</pre>\n" if token.block else f"<code>{source}</code>"
    return f"<p>{source}</p>\n" if token.block else f"<span>{source}</span>"
