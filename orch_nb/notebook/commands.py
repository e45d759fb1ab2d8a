"""The commands of ``%orch``: words that a prompt may begin with only after ``--``."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from orch_nb.errors import InputError
from orch_nb.notebook.background import show_cancel
from orch_nb.notebook.budget import show_budget
from orch_nb.notebook.cache import show_cache
from orch_nb.notebook.cards import show_models
from orch_nb.notebook.comparisons import show_comparison
from orch_nb.notebook.config import show_config
from orch_nb.notebook.costs import show_costs
from orch_nb.notebook.doctor import show_doctor, show_providers
from orch_nb.notebook.evaluations import show_evaluation
from orch_nb.notebook.history import show_history
from orch_nb.notebook.keys import show_keys
from orch_nb.notebook.panel import show_panel
from orch_nb.notebook.probing import show_probing
from orch_nb.notebook.rating import show_rating
from orch_nb.notebook.report import show_report
from orch_nb.notebook.rerun import show_rerun
from orch_nb.notebook.tables import Bundle
from orch_nb.notebook.tools import show_tools
from orch_nb.notebook.why import show_why
from orch_nb.panels.panel import BUILT_IN
from orch_nb.session import Session


@dataclass(frozen=True, slots=True)
class Command:
    """One command: what may follow it, what it is for, and what runs it.

    ``completes`` are the words that Tab offers after it; "model" and "provider" stand for names.
    ``show`` takes what follows it and the session, and where it ``reads`` them the notebook's
    variables.
    """

    usage: str
    help: str
    show: Callable[..., Bundle]
    completes: tuple[str, ...] = ()
    reads: bool = False


COMMANDS: Mapping[str, Command] = MappingProxyType(
    {
        "models": Command(
            "[MODEL | add FILE.gguf] [--refresh]",
            "which models there are; of one, every fact and its source",
            show_models,
            ("--refresh", "add", "model"),
        ),
        "providers": Command(
            "", "which providers take part, and whether they were reachable", show_providers
        ),
        "doctor": Command("", "what is missing, and what to do about it", show_doctor),
        "keys": Command(
            "[set|remove|test NAME] [--keyring]",
            "which keys there are, masked; store, forget or try one",
            show_keys,
            ("set", "remove", "test", "--keyring", "provider"),
        ),
        "budget": Command(
            "[PERIOD=DOLLARS …] [unpriced=refuse|allow]",
            "what may be spent, what was, what is left; set limits per task, session or hour",
            show_budget,
            ("task", "pipeline", "session", "hour", "unpriced"),
        ),
        "eval": Command(
            "ITEMS [--models A,B] [--check NAME] [--judge MODEL] …",
            "ask several models the prompts of a variable, grade, compare; it changes what is "
            "chosen",
            show_evaluation,
            (
                *("--models", "--check", "--judge", "--task", "--jobs", "--repeats"),
                *("--max-cost", "--dry-run", "--out"),
            ),
            reads=True,
        ),
        "probe": Command(
            "[MODEL,…] [--for CAPABILITY,…] …",
            "try what models can do: code, reasoning, analysis, context, instructions, json, "
            "vision; it changes what is chosen",
            show_probing,
            ("--for", "--max-cost", "--dry-run", "model"),
        ),
        "compare": Command(
            "[N] [vote LETTER]",
            "the last comparison, or the N-th, once more; a vote on one that is blind tells whose "
            "the answers are, and changes what is chosen",
            show_comparison,
            ("vote",),
        ),
        "cancel": Command("", "stop the answers that are under way in the background", show_cancel),
        "history": Command(
            "[N] [--search WORD] [--all]",
            "the last calls, by number: prompt, model, cost, seconds, and what came of each",
            show_history,
            ("--search", "--all"),
        ),
        "rate": Command(
            "[N] up|down|0..1",
            "how good the last answer, or the N-th, was; it changes what is chosen",
            show_rating,
            ("up", "down"),
        ),
        "cache": Command(
            "[stats|clear|on|off]",
            "the answers that are kept, and what they saved; forget them, keep them or not",
            show_cache,
            ("stats", "clear", "on", "off"),
        ),
        "tools": Command(
            "", "what --tool may name: its needs, its expert, and the models that can", show_tools
        ),
        "config": Command(
            "[trust]",
            "the settings in force and where each comes from; trust obeys the orch.yaml that lies "
            "here, although it leads a key elsewhere",
            show_config,
            ("trust",),
        ),
        "panel": Command(
            "[NAME]",
            "weights, experts, models, budget, cache and costs, to be looked at and changed",
            show_panel,
            BUILT_IN,
        ),
        "costs": Command(
            "[NOTEBOOK.ipynb | --all | --days N]",
            "what models cost and how long they took, in this session, in all of them, or in what "
            "a saved notebook says",
            show_costs,
            ("--all", "--days"),
        ),
        "rerun": Command(
            "[N] [--model ID] …",
            "ask the last call, or the N-th, once more with other options; what differs, word by "
            "word, and in cost and time",
            show_rerun,
            ("--model", "--strategy", "--system", "--temperature", "--refresh", "model"),
            reads=True,
        ),
        "report": Command(
            "[--out FILE.html]",
            "models side by side, in charts and a table; and what to do better",
            show_report,
            ("--out",),
        ),
        "why": Command(
            "[N]",
            "why the last call, or the N-th, was answered by whom it was, and what came of it",
            show_why,
        ),
    }
)


def usage() -> str:
    """The commands as text, one a line."""
    lines = {f"%orch {name} {c.usage}".strip(): c.help for name, c in COMMANDS.items()}
    return "\n".join(f"{line.ljust(20)}  {said}" for line, said in lines.items())


def run(name: str, line: str, session: Session, variables: dict[str, Any]) -> Bundle:
    """What the command `name` shows, with `line` behind it. Raises an `OrchError`."""
    try:
        words = shlex.split(line)
    except ValueError:
        raise InputError("a quotation mark is not closed") from None
    command = COMMANDS[name]
    if command.reads:
        return command.show(words, session, variables)
    return command.show(words, session)
