"""What is shown of answers, as safe HTML and as plain text.

Every output has a text form that says the same, for terminals and for places without HTML.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from IPython.display import DisplayHandle, display

from orch_nb import figures
from orch_nb.notebook import render
from orch_nb.notebook.tables import QUIET, Bundle
from orch_nb.sanitize import one_line, visible
from orch_nb.types import Response, ToolCall, Usage

PREFORMATTED = 'style="margin:.2em 0 .6em;padding:0;white-space:pre-wrap;overflow-wrap:anywhere"'
_TICKS = re.compile("`+")
_CONNECT = (
    "This is no real answer. To connect a model, set OPENAI_API_KEY or ANTHROPIC_API_KEY and "
    "restart the kernel, or name a server in orch.yaml."
)
# Seconds between two looks of a growing answer; each sends the whole text again.
_PACE = 0.1


def answer(response: Response) -> tuple[Bundle, dict[str, Any]]:
    """A complete answer with the quiet line under it, and its provenance as metadata."""
    return below(said(response), footer(response)), {"orch_nb": provenance(response)}


def said(response: Response) -> Bundle:
    """A complete answer by itself."""
    words = _words(response.text) if response.parsed is None else _object(response.text)
    if not response.calls:
        return words
    calls = _calls(response.calls)
    return below(words, calls) if response.text.strip() else calls


def _words(text: str) -> Bundle:
    return {"text/html": render.html(text), "text/plain": visible(text)}


def _object(text: str) -> Bundle:
    """An answer in JSON, as code."""
    try:
        text = json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except ValueError:  # it came in a fence of its own
        return _words(text)
    fence = "`" * max(3, 1 + max(map(len, _TICKS.findall(text)), default=0))
    return {
        "text/html": render.html(f"{fence}json\n{text}\n{fence}"),
        "text/plain": visible(text),
    }


def _calls(calls: Sequence[ToolCall]) -> Bundle:
    """The tools that the model asks for."""
    lines = ["not run:"]
    for call in calls:
        arguments = json.dumps(call.arguments, ensure_ascii=False)
        lines.append(one_line(f"{call.name}({arguments})", 4000))
    text = "\n".join(lines)
    return {"text/html": f"<pre {PREFORMATTED}>{render.escape(text)}</pre>", "text/plain": text}


def footer(response: Response) -> Bundle:
    """What stands under an answer."""
    lines = [summary(response)]
    if response.decision.notice:
        lines.append(one_line(response.decision.notice, 600))
    if response.simulated and response.decision.source != "explicit model":
        lines.append(_CONNECT)
    return {"text/html": _quiet(lines), "text/plain": "\n".join(lines)}


def _quiet(lines: Sequence[str]) -> str:
    divided = "".join(f"<div>{render.escape(line)}</div>" for line in lines)
    return f"<div {QUIET}>{divided}</div>"


def below(first: Bundle, second: Bundle) -> Bundle:
    """Both as one output, `second` under `first`."""
    return {
        "text/html": first["text/html"] + second["text/html"],
        "text/plain": f"{first['text/plain']}\n\n{second['text/plain']}",
    }


def summary(response: Response) -> str:
    """The quiet line under an answer."""
    # The names of models are a server's words.
    return one_line(f"{response.model} · {measured(response)}", 1000)


def measured(response: Response) -> str:
    """What stands in it besides the model: dollars, seconds, tokens, and what was special."""
    about = "" if response.usage.source == "known" or not response.cost else "~"
    parts = [
        about + figures.dollars(response.cost),
        figures.seconds(response.seconds),
        _tokens(response.usage),
    ]
    if response.cached:
        parts.append("cached")
    if response.simulated:
        parts.append("simulated")
    if response.finish == "length":
        parts.append("cut short, raise --max-tokens")
    if response.finish == "interrupted":
        parts.append("interrupted")
    if response.trail:
        parts.append(response.trail)
    return one_line(" · ".join(parts), 1000)


def _tokens(usage: Usage) -> str:
    """Tokens in → out; a tilde where we counted and not the provider."""
    about = "" if usage.source == "known" else "~"
    return f"{about}{usage.input_tokens}→{usage.output_tokens} tokens"


def provenance(response: Response) -> dict[str, Any]:
    """Where an answer came from, as plain JSON; money as text, so that no digit is lost."""
    usage, decision = response.usage, response.decision
    plan = decision.cascade
    return {
        "model": visible(response.model),
        "strategy": decision.strategy,
        "source": decision.source,
        "reason": visible(decision.reason),
        "notice": visible(decision.notice),
        "cascade": None if plan is None else _readable(asdict(plan)),
        "cost": None if response.cost is None else str(response.cost),
        "billed": None if response.paid is None else str(response.paid),
        "seconds": response.seconds,
        "ttft": response.ttft,
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cached_tokens": usage.cached_tokens,
        "usage_source": usage.source,
        "cached": response.cached,
        "simulated": response.simulated,
        "finish": response.finish,
        "attempts": [{"model": visible(a.model), "cause": a.cause} for a in response.attempts],
    }


def _readable(plan: dict[str, Any]) -> dict[str, Any]:
    return plan | {
        "drafts": [visible(model) for model in plan["drafts"]],
        "strong": visible(plan["strong"]),
    }


def show(bundle: Bundle) -> None:
    """Display `bundle` as an output of the running cell."""
    display(bundle, raw=True)  # type: ignore[no-untyped-call]


# Of no form at all, so that it takes no line, and nbval finds the same with and without streaming.
_EMPTY: Bundle = {}
# Joiners and half a line end: what they are depends on the character that follows.
_OPEN = "\u200c\u200d\r"


class GrowingOutput:
    """A place in the output that is drawn again and again, but not too often.

    What is the cell's result in the end is shown there, and the place is emptied: so the saved
    notebook holds it once, where nbval and nbconvert look for it. All else is completed in place.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._handle: DisplayHandle | None = None
        self._next = 0.0

    @property
    def due(self) -> bool:
        """Whether the last time was long enough ago."""
        return self._clock() >= self._next

    def draw(self, make: Callable[[], Bundle]) -> None:
        """Show what `make` gives."""
        started = self._clock()
        if self._handle is None:
            self._handle = display(_EMPTY, raw=True, display_id=True)  # type: ignore[no-untyped-call]
        self._handle.update(make(), raw=True)
        spent = self._clock() - started
        # What is long is drawn less often, so that drawing never takes most of the time.
        self._next = self._clock() + max(_PACE, 3 * spent)

    def clear(self) -> None:
        """Empty the place: it is shown elsewhere."""
        if self._handle is not None:
            self._handle.update(_EMPTY, raw=True)  # type: ignore[no-untyped-call]

    def complete(self, bundle: Bundle, metadata: dict[str, Any]) -> None:
        """Show all of it, here or, if nothing was drawn yet, as an output of its own."""
        if self._handle is None:
            display(bundle, raw=True, metadata=metadata)  # type: ignore[no-untyped-call]
        else:
            self._handle.update(bundle, raw=True, metadata=metadata)  # type: ignore[no-untyped-call]


class GrowingAnswer(GrowingOutput):
    """An answer while it arrives."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(clock)
        self._parts: list[str] = []

    def add(self, text: str) -> None:
        """Take a piece of the answer, and draw all of it if it is time."""
        self._parts.append(text)
        if self.due:
            self.draw(self._grown)

    def keep(self, note: str) -> None:
        """Leave what has arrived, with `note` under it."""
        if self._parts:
            self.draw(lambda: self._grown(note))

    def _grown(self, note: str = "") -> Bundle:
        text = "".join(self._parts)
        html, plain = render.html(text, streaming=True), visible(text)
        if note:
            html += _quiet(note.splitlines())
            plain += f"\n\n{visible(note)}"
        return {"text/html": html, "text/plain": plain}


class PrintedAnswer:
    """An answer while it arrives in a terminal: printed piece by piece."""

    def __init__(self) -> None:
        self._printed = False
        self._held = ""

    def add(self, text: str) -> None:
        """Print a piece of the answer but for its end, which the next piece may belong to."""
        text = self._held + text
        closed = text.rstrip(_OPEN)
        # `visible` looks at both sides of a joiner, so the character before it stays as well.
        cut = max(0, len(closed) - (2 if closed.endswith("\r\n") else 1))
        self._print(text[:cut])
        self._held = text[cut:]

    def clear(self) -> None:
        """Print the rest and end the line."""
        self._print(self._held)
        self._held = ""
        if self._printed:
            print()

    def keep(self, note: str) -> None:
        """Print the rest, and `note` on a line of its own."""
        self.clear()
        if self._printed:
            print(visible(note))

    def _print(self, text: str) -> None:
        if text:
            self._printed = True
            print(visible(text), end="", flush=True)
