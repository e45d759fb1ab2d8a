"""The one vocabulary of tasks, for the analyser, the settings and the callers."""

from __future__ import annotations

TASKS = (
    "analysis",
    "chat",
    "code",
    "creative",
    "extraction",
    "math",
    "planning",
    "reasoning",
    "summary",
    "translation",
    "vision",
)
TASK_ALIASES = {
    "analyse": "analysis",
    "analyze": "analysis",
    "data_analysis": "analysis",
    "conversation": "chat",
    "general": "chat",
    "qa": "chat",
    "question_answering": "chat",
    "code_generation": "code",
    "coding": "code",
    "programming": "code",
    "creative_writing": "creative",
    "writing": "creative",
    "data_extraction": "extraction",
    "extract": "extraction",
    "mathematics": "math",
    "plan": "planning",
    "reason": "reasoning",
    "summarisation": "summary",
    "summarization": "summary",
    "summarise": "summary",
    "summarize": "summary",
    "translate": "translation",
    "image": "vision",
}


def canonical_task(name: str) -> str | None:
    """The task that `name` is or is an alias of; None for what is neither."""
    plain = name.strip().lower().replace("-", "_").replace(" ", "_")
    plain = TASK_ALIASES.get(plain, plain)
    return plain if plain in TASKS else None
