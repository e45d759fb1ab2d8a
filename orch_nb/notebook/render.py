"""What a model wrote → HTML that is safe in a trusted notebook output.

Jupyter runs what it finds in the outputs of a cell that was just run, Markdown included, and model
text is hostile. So Markdown is parsed here with raw HTML off, only the tags below come out, images
are named and never loaded, links show where they go, hidden characters are spelled out, and a
sanitiser has the last word. ``text/markdown`` is never emitted.
"""

from __future__ import annotations

import html as _html
import re
from functools import cache
from typing import TYPE_CHECKING

from orch_nb.figures import whole
from orch_nb.notebook import formula
from orch_nb.notebook.highlight import CLASSES, highlight
from orch_nb.sanitize import visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    import nh3
    from markdown_it import MarkdownIt
    from markdown_it.renderer import RendererProtocol
    from markdown_it.rules_core import StateCore
    from markdown_it.token import Token
    from markdown_it.utils import EnvType, OptionsDict

_MAX_CHARACTERS = 100_000
_MAX_NESTING = 20
# The parser is quadratic in unpaired marks, and MathJax works in the thread of the page.
_MAX_MARKS = {"$": 2_000, **dict.fromkeys("[*_`~<>&\\", 8_000)}
_MAX_COLOURED = 20_000  # characters of code in one answer; lexers are slower than the parser
_FOLD_FROM = 20_000  # characters; a page or three stay readable in a notebook
_FOLD_AFTER = 6_000

_TAGS = {
    *("a", "br", "code", "em", "s", "small", "span", "strong"),
    *("blockquote", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre", "ul"),
    *("table", "tbody", "td", "th", "thead", "tr"),
}
_ALIGNED = {"text-align:center": "orch-center", "text-align:right": "orch-right"}
_LINK = re.compile(
    r"(?:https?://(?P<host>[\w.-]{1,100}(?::\d{1,5})?)(?:[/?#]|$)|mailto:)", re.A | re.I
)
_SPLIT = re.compile(r"[$\\]")

# JupyterLab's variables follow its theme; the fallbacks are readable on white and on black.
# The class is doubled to weigh more than JupyterLab's own rules for outputs.
STYLE = """<style>
.orch-answer{overflow-wrap:anywhere;contain:paint}
.orch-answer.orch-answer>:last-child{margin-bottom:0}
.orch-answer.orch-answer :is(pre,pre code){white-space:pre;overflow-wrap:normal}
.orch-answer.orch-answer pre{overflow:auto;max-height:60em;margin:.6em 0;padding:.5em .7em;
 border-radius:3px;background:var(--jp-cell-editor-background,rgba(128,128,128,.12))}
.orch-answer.orch-answer pre code{background:none}
.orch-answer.orch-answer table{display:block;overflow-x:auto;max-width:100%;margin:.6em 0}
.orch-answer.orch-answer :is(td,th){text-align:left;overflow-wrap:normal}
.orch-answer.orch-answer .orch-center{text-align:center}
.orch-answer.orch-answer .orch-right{text-align:right}
.orch-answer summary{cursor:pointer}
.orch-comment{color:var(--jp-mirror-editor-comment-color,#5a8a8a);font-style:italic}
.orch-keyword{color:var(--jp-mirror-editor-keyword-color,#2e8b2e);font-weight:bold}
.orch-string{color:var(--jp-mirror-editor-string-color,#c0504d)}
.orch-number{color:var(--jp-mirror-editor-number-color,#2f8a5b)}
.orch-builtin{color:var(--jp-mirror-editor-builtin-color,#2e8b2e)}
.orch-def{color:var(--jp-mirror-editor-def-color,#4a7fd6)}
</style>"""


def html(text: str, *, streaming: bool = False) -> str:
    """`text`, Markdown of a model, as one safe HTML element with its style.

    A long answer is folded after its first part unless it is still `streaming`. What is longer
    than 100 000 characters is cut, what would take the parser too long is shown as plain text,
    and both are said.
    """
    shown = visible(text[:_MAX_CHARACTERS])
    said = ""
    if len(text) > _MAX_CHARACTERS:
        most, written = whole(_MAX_CHARACTERS), whole(len(text))
        said = notice(f"cut here: {most} of {written} characters are shown")
    if any(shown.count(mark) > limit for mark, limit in _MAX_MARKS.items()):
        body = f"<pre>{_html.escape(shown)}</pre>"
        said += notice("shown as plain text: it holds too many marks to lay out")
    else:
        body = _body(shown, fold=not streaming and len(shown) > _FOLD_FROM)
    return f'{STYLE}<div class="orch-answer">{body}{said}</div>'


def escape(text: str) -> str:
    """One run of plain text as HTML for the inside of an element: nothing hidden, no formula."""
    # MathJax looks for formulas within one element at a time, so a mark of its own ends there.
    return _SPLIT.sub(r"<span>\g<0></span>", _html.escape(visible(text)))


def host_of(target: str) -> str | None:
    """Where a link leads: its host, or all of a mail address; None for what is no plain link."""
    match = _LINK.match(target)
    return (match["host"] or target[:100]) if match else None


def notice(message: str) -> str:
    """A line of ours within an answer."""
    return f"<p><em>… {message}</em></p>"


def _body(text: str, *, fold: bool) -> str:
    markdown, clean = _markdown(), _cleaner().clean
    tokens = markdown.parse(text)
    split = _fold(tokens, text) if fold else len(tokens)
    head, tail = tokens[:split], tokens[split:]
    counts: dict[str, int] = {}
    body = clean(markdown.renderer.render(head, markdown.options, counts))
    if tail:
        rest = clean(markdown.renderer.render(tail, markdown.options, counts))
        body += f"<details><summary>… the rest of the answer</summary>{rest}</details>"
    return body


def _fold(tokens: Sequence[Token], text: str) -> int:
    """Index of the first top-level block that starts beyond the part to be seen at once."""
    line = text.count("\n", 0, _FOLD_AFTER)
    for index, token in enumerate(tokens):
        if token.level == 0 and token.nesting >= 0 and index and token.map and token.map[0] > line:
            return index
    return len(tokens)


@cache
def _markdown() -> MarkdownIt:
    from markdown_it import MarkdownIt  # noqa: PLC0415  loading the extension must stay cheap

    options = {"html": False, "linkify": False, "maxNesting": _MAX_NESTING}
    markdown = MarkdownIt("commonmark", options).enable(["table", "strikethrough"])
    # Every target counts as a link here, so that `_mark` can say which ones it took away.
    markdown.validateLink = lambda url: True  # type: ignore[method-assign]
    markdown.core.ruler.push("orch_mark", _mark)
    formula.install(markdown)
    rules = {
        "text": _text,
        "code_inline": _code,
        "image": _image,
        "fence": _block,
        "code_block": _block,
        "link_close": _link_close,
    }
    for name, rule in rules.items():
        markdown.add_render_rule(name, rule)
    return markdown


@cache
def _cleaner() -> nh3.Cleaner:
    import nh3  # noqa: PLC0415  as above

    return nh3.Cleaner(
        tags=_TAGS,
        clean_content_tags=set(),
        attributes={"a": {"href"}, "ol": {"start"}},
        allowed_classes={
            "span": set(CLASSES.values()),
            "td": set(_ALIGNED.values()),
            "th": set(_ALIGNED.values()),
        },
        set_tag_attribute_values={"a": {"target": "_blank"}},
        link_rel="noopener noreferrer nofollow",
        url_schemes={"http", "https", "mailto"},
        url_relative="deny",
    )


def _mark(state: StateCore) -> None:
    """Judge every link, name the target of each, and turn the alignment of cells into classes."""
    for token in state.tokens:
        if token.type in ("td_open", "th_open"):
            css = _ALIGNED.get(str(token.attrs.get("style")))
            token.attrs = {"class": css} if css else {}
        opened = None
        for child in token.children or ():
            if child.type == "link_open":
                opened = child
            elif child.type == "link_close" and opened:
                target = str(opened.attrs.get("href", ""))
                host = host_of(target)
                if host:
                    opened.attrs = {"href": target}
                    child.meta["note"] = host
                else:
                    opened.attrs, opened.tag, child.tag = {}, "span", "span"
                    child.meta["note"] = f"link removed: {target[:100]}"


def _text(
    _: RendererProtocol, tokens: Sequence[Token], index: int, __: OptionsDict, ___: EnvType
) -> str:
    return escape(tokens[index].content)


def _code(
    _: RendererProtocol, tokens: Sequence[Token], index: int, __: OptionsDict, ___: EnvType
) -> str:
    return f"<code>{_html.escape(tokens[index].content)}</code>"


def _block(
    _: RendererProtocol, tokens: Sequence[Token], index: int, __: OptionsDict, counts: EnvType
) -> str:
    token = tokens[index]
    language = token.info.split(maxsplit=1)[0] if token.info.strip() else ""
    counts["coloured"] = counts.get("coloured", 0) + len(token.content)
    if counts["coloured"] > _MAX_COLOURED:
        language = ""
    return f"<pre><code>{highlight(token.content, language)}</code></pre>\n"


def _image(
    _: RendererProtocol, tokens: Sequence[Token], index: int, __: OptionsDict, ___: EnvType
) -> str:
    token = tokens[index]
    label = f"{token.content[:200]} {str(token.attrs.get('src', ''))[:200]}"
    return f"<code>[image not loaded: {_html.escape(visible(label))}]</code>"


def _link_close(
    _: RendererProtocol, tokens: Sequence[Token], index: int, __: OptionsDict, ___: EnvType
) -> str:
    token = tokens[index]
    return f"</{token.tag}> <small>({escape(token.meta.get('note', ''))})</small>"
