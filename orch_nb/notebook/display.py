"""What is shown of answers, as safe HTML and as plain text.

Every output has a text form that says the same, for terminals and for places without HTML.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from IPython.display import display

from orch_nb import figures
from orch_nb.notebook import render
from orch_nb.notebook.tables import PREFORMATTED, QUIET, Bundle
from orch_nb.sanitize import one_line, visible
from orch_nb.types import Response, ToolCall, Usage

_TICKS = re.compile("`+")
_CONNECT = (
    "This is no real answer. To connect a model, set OPENAI_API_KEY or ANTHROPIC_API_KEY and "
    "restart the kernel, or name a server in orch.yaml."
)


def answer(
    response: Response, lay_out: Callable[[str], Bundle] | None = None
) -> tuple[Bundle, dict[str, Any]]:
    """A complete answer with the quiet line under it, and its provenance as metadata.

    `lay_out` says how its text is shown; None takes it for Markdown, and an object for JSON.
    """
    return below(said(response, lay_out), footer(response)), {"orch_nb": provenance(response)}


def said(response: Response, lay_out: Callable[[str], Bundle] | None = None) -> Bundle:
    """A complete answer by itself."""
    if lay_out is None:
        lay_out = words if response.parsed is None else json_code
    shown = lay_out(response.text)
    if not response.calls:
        return shown
    calls = _calls(response.calls)
    return below(shown, calls) if response.text.strip() else calls


def words(text: str) -> Bundle:
    """Markdown of a model."""
    return {"text/html": render.html(text), "text/plain": visible(text)}


def json_code(text: str) -> Bundle:
    """An answer in JSON, as code."""
    try:
        text = json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except ValueError:  # it came in a fence of its own
        return words(text)
    return code(text, "json")


def code(text: str, language: str) -> Bundle:
    """One block of code, coloured."""
    fence = "`" * max(3, 1 + max(map(len, _TICKS.findall(text)), default=0))
    return {
        "text/html": render.html(f"{fence}{language}\n{text}\n{fence}"),
        "text/plain": visible(text),
    }


def plain(text: str) -> Bundle:
    """Text as it was written, laid out in nothing but its own lines."""
    return {
        "text/html": f"<pre {PREFORMATTED}>{render.escape(text)}</pre>",
        "text/plain": visible(text),
    }


def _calls(calls: Sequence[ToolCall]) -> Bundle:
    """The tools that the model asks for."""
    lines = ["not run:"]
    for call in calls:
        arguments = json.dumps(call.arguments, ensure_ascii=False)
        lines.append(one_line(f"{call.name}({arguments})", 4000))
    return plain("\n".join(lines))


def footer(response: Response) -> Bundle:
    """What stands under an answer."""
    lines = [summary(response)]
    if response.decision.notice:
        lines.append(one_line(response.decision.notice, 600))
    if response.simulated and response.decision.source != "explicit model":
        lines.append(_CONNECT)
    return quiet(lines)


def quiet(lines: Sequence[str]) -> Bundle:
    """Lines that stand back behind what they belong to: text of any kind, made visible and cut."""
    shown = [one_line(line, 600) for line in lines]
    divided = "".join(f"<div>{render.escape(line)}</div>" for line in shown)
    return {"text/html": f"<div {QUIET}>{divided}</div>", "text/plain": "\n".join(shown)}


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
