"""The commands of ``%orch``: words that a prompt may begin with only after ``--``."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from textwrap import wrap
from types import MappingProxyType
from typing import Any

from orch_nb.errors import InputError, UnknownNameError
from orch_nb.notebook.tables import Bundle
from orch_nb.panels.panel import BUILT_IN
from orch_nb.session import Session

_WIDTH = 79  # a terminal's 80 columns, as pydoc and argparse count on
_INDENT = 22
# From which likeness on a word is a slip: one letter more, less or exchanged. Chosen.
_NEAR = 0.8


@dataclass(frozen=True, slots=True)
class Command:
    """One command: what may follow it, what it is for, and what runs it.

    ``completes`` are the words that Tab offers after it; "model" and "provider" stand for names.
    ``show`` names a module of this folder and its function, which are imported when the command is
    run; it takes what follows the command and the session, and where it ``reads`` them the
    notebook's variables.
    """

    usage: str
    help: str
    show: str
    completes: tuple[str, ...] = ()
    reads: bool = False


COMMANDS: Mapping[str, Command] = MappingProxyType(
    {
        "models": Command(
            "[MODEL | add FILE.gguf] [--refresh]",
            "which models there are; of one, every fact and its source",
            "cards.show_models",
            ("--refresh", "add", "model"),
        ),
        "providers": Command(
            "",
            "which providers take part, and whether they were reachable",
            "doctor.show_providers",
        ),
        "doctor": Command("", "what is missing, and what to do about it", "doctor.show_doctor"),
        "keys": Command(
            "[set|remove|test NAME] [--keyring]",
            "which keys there are, masked; store, forget or try one",
            "keys.show_keys",
            ("set", "remove", "test", "--keyring", "provider"),
        ),
        "budget": Command(
            "[PERIOD=DOLLARS …] [unpriced=refuse|allow]",
            "what may be spent, what was, what is left; set limits per task, session or hour",
            "budget.show_budget",
            ("task", "pipeline", "session", "hour", "unpriced"),
        ),
        "eval": Command(
            "[N] | ITEMS [--models A,B] [--check NAME] [--judge MODEL] …",
            "ask several models the prompts of a variable, grade, compare; it changes what is "
            "chosen; or the last evaluation, or the N-th, once more",
            "evaluations.show_evaluation",
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
            "probing.show_probing",
            ("--for", "--max-cost", "--dry-run", "model"),
        ),
        "compare": Command(
            "[N] [vote LETTER]",
            "the last comparison, or the N-th, once more; a vote on one that is blind tells whose "
            "the answers are, and changes what is chosen",
            "comparisons.show_comparison",
            ("vote",),
        ),
        "cancel": Command(
            "", "stop the answers that are under way in the background", "background.show_cancel"
        ),
        "history": Command(
            "[N] [--search WORD] [--all]",
            "the last calls, by number: prompt, model, cost, seconds, and what came of each",
            "history.show_history",
            ("--search", "--all"),
        ),
        "rate": Command(
            "[N] up|down|0..1",
            "how good the last answer, or the N-th, was; it changes what is chosen",
            "rating.show_rating",
            ("up", "down"),
        ),
        "cache": Command(
            "[stats|clear|on|off]",
            "the answers that are kept, and what they saved; forget them, keep them or not",
            "cache.show_cache",
            ("stats", "clear", "on", "off"),
        ),
        "tools": Command(
            "",
            "what --tool may name: its needs, its expert, and the models that can",
            "tools.show_tools",
        ),
        "config": Command(
            "[trust]",
            "the settings in force and where each comes from; trust obeys the orch.yaml that lies "
            "here, although it leads a key elsewhere",
            "config.show_config",
            ("trust",),
        ),
        "panel": Command(
            "[NAME] [--still]",
            "weights, experts, models, budget, cache and costs, to be looked at and changed",
            "panel.show_panel",
            (*BUILT_IN, "--still"),
        ),
        "costs": Command(
            "[NOTEBOOK.ipynb | --all | --days N]",
            "what models cost and how long they took, in this session, in all of them, or in what "
            "a saved notebook says",
            "costs.show_costs",
            ("--all", "--days"),
        ),
        "rerun": Command(
            "[N] [--model ID] …",
            "ask the last call, or the N-th, once more with other options; what differs, word by "
            "word, and in cost and time",
            "rerun.show_rerun",
            ("--model", "--strategy", "--system", "--temperature", "--refresh", "model"),
            reads=True,
        ),
        "report": Command(
            "[--out FILE.html]",
            "models side by side, in charts and a table; and what to do better",
            "report.show_report",
            ("--out",),
        ),
        "why": Command(
            "[N]",
            "why the last call, or the N-th, was answered by whom it was, and what came of it",
            "why.show_why",
        ),
    }
)


def usage() -> str:
    """The commands as text, laid out as argparse does it with the options that stand below."""
    lines: list[str] = []
    for name, command in COMMANDS.items():
        head = f"%orch {name} {command.usage}".strip()
        said = wrap(command.help, _WIDTH - _INDENT)
        if len(head) > _INDENT - 2:
            lines.append(head)
            head = ""
        lines.append(f"{head:<{_INDENT}}{said[0]}")
        lines.extend(" " * _INDENT + more for more in said[1:])
    return "\n".join(lines)


def refuse_mistyped(line: str) -> None:
    """Raise `UnknownNameError` for a `line` of one word that is nearly a command's.

    Taken for a prompt it would be asked, and paid for.
    """
    word, known = line.strip(), [*COMMANDS, "help"]
    if word != "help" and word.isalpha() and get_close_matches(word.lower(), known, cutoff=_NEAR):
        hint = " (a prompt of that one word comes after --)"
        raise UnknownNameError("command", word, known, hint)


def run(name: str, line: str, session: Session, variables: dict[str, Any]) -> Bundle:
    """What the command `name` shows, with `line` behind it. Raises an `OrchError`."""
    try:
        words = shlex.split(line)
    except ValueError:
        raise InputError("a quotation mark is not closed") from None
    command = COMMANDS[name]
    module, _, function = command.show.partition(".")
    show: Callable[..., Bundle] = getattr(import_module(f"{__package__}.{module}"), function)
    return show(words, session, variables) if command.reads else show(words, session)
