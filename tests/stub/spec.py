"""What to answer: a name and its arguments, written ``name?key=value&key=value``."""

from __future__ import annotations

import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass

#: Arguments of every answer: the text itself, or its length in words; seconds before each piece;
#: how many of the input tokens came from the provider's cache.
ANSWER = frozenset({"text", "words", "delay", "cached"})
STATUS = frozenset({"retry_after", "retry_after_ms", "code", "msg", "body"})

#: Each name with its own arguments. Any status from 300 to 599 is a name too, with `STATUS`.
NAMES: Mapping[str, frozenset[str]] = {
    "ok": frozenset(),
    # before a model is reached: nothing is billed
    "quota": frozenset(),  # the account has no money left
    "context": frozenset(),  # the prompt is too long
    "close": frozenset(),  # FIN before any byte
    "reset": frozenset(),  # RST before any byte
    "redirect": frozenset({"to", "status"}),  # to the sink, or to=self
    "html": frozenset(),  # 200 and a login page
    "notjson": frozenset(),  # 200 and a line of text, said to be JSON
    "error200": frozenset(),  # 200 and an error object
    # time
    "hang": frozenset(),  # never a byte
    "hang_headers": frozenset(),  # 200, headers, and no more
    "slow": frozenset({"s"}),  # s seconds, then ok
    "drip": frozenset({"n"}),  # n bytes, delay seconds, n bytes ...
    # the body
    "empty": frozenset(),
    "truncated": frozenset(),  # Content-Length promises more
    "bad_gzip": frozenset(),
    "json_for_stream": frozenset(),  # plain JSON where a stream was asked for
    "stream_for_json": frozenset(),  # a stream, whatever was asked for
    "wrong_wire": frozenset(),  # another provider's format
    "deep": frozenset({"n"}),  # n nested arrays in an extra field
    # what the answer says
    "refuse": frozenset({"by"}),  # by=model (its own words) or by=filter
    "length": frozenset(),  # cut at the token limit
    "tool": frozenset({"name", "arguments"}),  # a call for each line of `arguments`, no text
    "empty_choices": frozenset(),
    "null_content": frozenset(),
    "no_usage": frozenset(),
    "bad_usage": frozenset({"kind"}),  # neg, str, nan, huge, float, null, bool or list
    "bad_utf8": frozenset(),
    "surrogate": frozenset(),  # lone surrogates, escaped
    "nul": frozenset(),  # NUL and other control characters
    "u2028": frozenset(),  # raw U+2028, U+2029 and U+0085
    "big": frozenset({"mb"}),  # in pieces of a KiB
    "bigline": frozenset({"mb"}),  # in one piece
    # in the middle: after `after` pieces (at the latest after the last one), or half the body
    "reset_mid": frozenset({"after"}),
    "close_mid": frozenset({"after"}),
    "hang_mid": frozenset({"after"}),
    # streams only
    "err_mid": frozenset({"after", "code", "msg"}),  # the wire's error event
    "garbage_mid": frozenset({"after"}),  # a line of broken JSON
    "no_done": frozenset({"keep"}),  # clean end after `keep` of the events that follow the text
    "split_utf8": frozenset(),  # each byte by itself
    "crlf": frozenset(),
    "pings": frozenset({"n"}),  # n comments, `delay` seconds apart, before the text
    "unknown_event": frozenset(),
}
STREAM_ONLY = frozenset(
    {"err_mid", "garbage_mid", "no_done", "split_utf8", "crlf", "pings", "unknown_event"}
)


#: What an argument may be, where that is a word; `_TEXT` may be anything, the rest are numbers.
_WORDS: Mapping[str, frozenset[str]] = {
    "body": frozenset({"json", "html", "empty", "echo_key"}),
    "by": frozenset({"model", "filter"}),
    "kind": frozenset({"neg", "str", "nan", "huge", "float", "null", "bool", "list"}),
    "to": frozenset({"sink", "self"}),
}
_TEXT = frozenset({"text", "name", "arguments", "code", "msg", "retry_after", "retry_after_ms"})


@dataclass(frozen=True, slots=True)
class Spec:
    """A parsed spec."""

    name: str
    values: Mapping[str, str]

    @property
    def status(self) -> int | None:
        """The HTTP status that the name is, if it is one."""
        return int(self.name) if self.name.isdigit() else None

    def number(self, key: str, default: float) -> float:
        return float(self.values.get(key, default))

    def count(self, key: str, default: int) -> int:
        return int(self.values.get(key, default))


def parse(text: str) -> Spec:
    """Read a spec. Raises ValueError for names, arguments and values that do not exist."""
    name, _, query = text.partition("?")
    values = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))
    if name.isdigit() and 300 <= int(name) <= 599:
        known = STATUS
    elif name in NAMES:
        known = NAMES[name] | ANSWER
    else:
        raise ValueError(f"no fault is called {name!r}")
    if unknown := sorted(values.keys() - known):
        raise ValueError(f"{name} takes no {', '.join(unknown)}; it takes {sorted(known)}")
    for key, value in values.items():
        if key in _WORDS and value not in _WORDS[key]:
            raise ValueError(f"{key} is one of {sorted(_WORDS[key])}, not {value!r}")
        if key not in _WORDS and key not in _TEXT:
            float(value)
    return Spec(name, values)


def write(name: str, /, **values: object) -> str:
    """The spec as text, with every value quoted."""
    query = urllib.parse.urlencode({k: str(v) for k, v in values.items()}, errors="surrogatepass")
    return f"{name}?{query}" if query else name
