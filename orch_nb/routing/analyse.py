"""What kind of task a prompt is, read from its words: no model, no download."""

from __future__ import annotations

import re

from orch_nb.registry.tokens import count_tokens
from orch_nb.types import Request, TaskProfile

# Output tokens that an answer of each kind usually takes: round figures for an estimate that is
# shown as one, replaced by --max-tokens where that is smaller.
_EXPECTED_OUTPUT = {
    "chat": 250,
    "code": 500,
    "math": 300,
    "summary": 200,
    "translation": 250,
    "extraction": 150,
    "analysis": 500,
    "creative": 600,
    "planning": 500,
    "reasoning": 600,
    "vision": 250,
}
_MARKS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(pattern, re.IGNORECASE))
    for kind, pattern in (
        (
            "code",
            r"```|\b(def|class|import)\s+\w+|\b(python|javascript|typescript|rust|sql|bash|regex)\b"
            r"|\b(write|fix|debug|refactor|implement)\b.{0,40}\b(code|function|script|class|query|test|bug)",
        ),
        (
            "translation",
            r"\btranslat(e|ion)\b"
            r"|\b(in|into|to) (english|german|french|spanish|chinese|japanese)\b",
        ),
        ("summary", r"\bsummari[sz]e|\bsummary\b|\btl;?dr\b|\bin (one|two|three|\d+) sentences?\b"),
        ("extraction", r"\bextract\b|\blist (all|every|the)\b|\bas (json|csv|a table)\b|\bparse\b"),
        (
            "math",
            r"\b(calculate|compute|solve|integral|derivative|equation|prove|theorem)\b|\d\s*[-+*/^]\s*\d",
        ),
        ("analysis", r"\b(analy[sz]e|analysis|compare|explain why|evaluate|pros and cons)\b"),
        ("creative", r"\b(poem|story|haiku|lyrics|slogan|limerick)\b"),
    )
)


def analyse(request: Request) -> TaskProfile:
    """The kind of task, and how many tokens it is expected to read and write."""
    kind, evidence = _kind(request)
    expected = _EXPECTED_OUTPUT[kind]
    limit = request.parameters.max_tokens
    texts = [message.content for message in request.messages] + [request.system or ""]
    return TaskProfile(
        kind=kind,
        input_tokens=sum(count_tokens(text) for text in texts),
        output_tokens=expected if limit is None else min(expected, limit),
        longest=limit,
        needs=_needs(request),
        evidence=(f"{kind}: {evidence}",),
    )


def _kind(request: Request) -> tuple[str, str]:
    if request.wants.task is not None:
        return request.wants.task, "stated"
    if any(message.images for message in request.messages):
        return "vision", "an image"
    for name, pattern in _MARKS:
        if found := pattern.search(request.prompt):
            return name, f"{found[0][:40]!r}"
    return "chat", "no mark of another kind"


def _needs(request: Request) -> frozenset[str]:
    """The capabilities that a model must have for `request`."""
    needs = {
        "vision": any(message.images for message in request.messages),
        "json": request.schema is not None,
        "tools": bool(request.tools),
    }
    return frozenset(name for name, needed in needs.items() if needed)
