"""HTML that a model wrote → HTML that is safe in a trusted notebook output.

Structure and words stay. Scripts, styles, forms, frames, classes, ids and every attribute that
could load or run something go; images are named, links show where they go, hidden characters are
spelled out, and no formula is typeset. The sanitiser works on the parsed tree, comes first so that
what follows meets well-formed HTML only, and has the last word.
"""

from __future__ import annotations

import html as _html
import re
from functools import cache
from typing import TYPE_CHECKING

from orch_nb.figures import whole
from orch_nb.notebook.render import STYLE, escape, host_of, notice
from orch_nb.sanitize import visible

if TYPE_CHECKING:
    import nh3

_MAX_CHARACTERS = 100_000
# Each of these costs an element: the browser goes as deep as the text does.
_MAX_MARKS = dict.fromkeys("<$\\", 5_000)
_TAGS = {
    *("a", "abbr", "b", "br", "cite", "code", "del", "dfn", "em", "i", "ins", "kbd", "mark", "q"),
    *("s", "samp", "small", "span", "strong", "sub", "sup", "time", "u", "var", "wbr"),
    *("article", "aside", "blockquote", "details", "div", "dd", "dl", "dt", "figcaption", "figure"),
    *("footer", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "nav", "ol", "p"),
    *("pre", "section", "summary", "ul"),
    *("caption", "table", "tbody", "td", "tfoot", "th", "thead", "tr"),
}
_ATTRIBUTES = {
    "a": {"href"},
    "ol": {"start"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan"},
}
# A tag as the sanitiser writes it: quotation marks within a value are always escaped.
_TAG = re.compile(r'<(/?)([a-z0-9]+)((?: [a-z-]+="[^"]*")*)>')
_VALUE = re.compile(r' (alt|src|href)="([^"]*)"')
_SPLIT = re.compile(r"[$\\]")


def html(text: str) -> str:
    """`text`, HTML of a model, as one safe HTML element with its style.

    What is longer than 100 000 characters is cut, what holds too many marks is shown as its source,
    and both are said.
    """
    source = text[:_MAX_CHARACTERS]
    said = ""
    if len(text) > _MAX_CHARACTERS:
        most, written = whole(_MAX_CHARACTERS), whole(len(text))
        said = notice(f"cut here: {most} of {written} characters are shown")
    if any(source.count(mark) > limit for mark, limit in _MAX_MARKS.items()):
        body = f"<pre>{_html.escape(visible(source))}</pre>"
        said += notice("shown as its source: it holds too many marks to lay out")
    else:
        tidy = visible(_cleaner(images=True).clean(source))
        body = _cleaner(images=False).clean(_rewritten(tidy))
    return f'{STYLE}<div class="orch-answer">{body}{said}</div>'


def _rewritten(tidy: str) -> str:
    """Images named, links with their host, and nothing that MathJax would take for a formula."""
    parts: list[str] = []
    target, end = "", 0
    for tag in _TAG.finditer(tidy):
        parts.append(_SPLIT.sub(r"<span>\g<0></span>", tidy[end : tag.start()]))
        end = tag.end()
        values = {name: _html.unescape(value) for name, value in _VALUE.findall(tag[3])}
        if tag[2] == "img":
            label = f"{values.get('alt', '')[:200]} {values.get('src', '')[:200]}".strip()
            parts.append(f"<code>[image not loaded: {_html.escape(label)}]</code>")
            continue
        parts.append(tag[0])
        if tag[2] == "a" and not tag[1]:
            target = values.get("href", "").strip()
        elif tag[2] == "a":
            where = host_of(target) or "link removed"
            parts.append(f" <small>({escape(where)})</small>")
    parts.append(_SPLIT.sub(r"<span>\g<0></span>", tidy[end:]))
    return "".join(parts)


@cache
def _cleaner(*, images: bool) -> nh3.Cleaner:
    import nh3  # noqa: PLC0415  loading the extension must stay cheap

    return nh3.Cleaner(
        tags=_TAGS | ({"img"} if images else set()),
        clean_content_tags={"script", "style", "title", "template", "svg", "math", "iframe"},
        attributes=_ATTRIBUTES | ({"img": {"alt", "src"}} if images else {}),
        set_tag_attribute_values={"a": {"target": "_blank"}},
        link_rel="noopener noreferrer nofollow",
        url_schemes={"http", "https", "mailto"},
        url_relative="deny",
    )
