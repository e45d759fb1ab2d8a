"""The options of the magics: tables, from which the parser, the help and completion are made."""

from __future__ import annotations

import keyword
import math

from orch_nb.errors import InputError, UnknownNameError
from orch_nb.notebook.options import Option


def _variable(text: str) -> str:
    if not text.isidentifier() or keyword.iskeyword(text):
        raise InputError(f"{text!r} is no name for a variable; use letters, digits and _")
    return text


def _weights(text: str) -> dict[str, float]:
    weights: dict[str, float] = {}
    for part in text.split(","):
        name, equals, number = part.partition("=")
        if name.strip() not in ("cost", "quality", "speed"):
            raise UnknownNameError("weight", name.strip(), ("cost", "quality", "speed"))
        if not equals:
            raise InputError(f"{part.strip()!r} has no number; write cost=6,quality=3,speed=1")
        weights[name.strip()] = _number(number)
    return weights


def _pin(text: str) -> tuple[str, str]:
    tool, equals, model = text.partition("=")
    if not (tool and equals and model):
        raise InputError(f"{text!r} is no pin; write TOOL=MODEL, such as sql=openai:gpt-6-luna")
    return tool, model


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise InputError(f"{text!r} is no number")
    return number


def _models(text: str) -> int | list[str]:
    if text.isdecimal():
        return _whole(text)
    models = [name.strip() for name in text.split(",")]
    if not all(models):
        raise InputError(f"{text!r} is no list of models; write A,B,C, or a number")
    return models


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise InputError(f"{text!r} is no whole number") from None


def _form(text: str) -> str:
    if text not in FORMS:
        raise UnknownNameError("format", text, FORMS)
    return text


FORMS = ("markdown", "text", "code", "json", "html", "latex")
CHOOSING = (
    Option(("-s", "--strategy"), "NAME", "how to choose the model", completes="strategy"),
    Option(
        ("-m", "--model"),
        "ID",
        "ask this model: provider:model, or a name that only one provider has",
        completes="model",
    ),
    Option(
        ("--task",),
        "KIND",
        "what the prompt is about, where its words do not say",
        completes="task",
    ),
    Option(
        ("--tool",),
        "TOOL",
        "ask the model that is pinned to this tool; may be given again",
        completes="tool",
        repeated=True,
    ),
    Option(("--max-cost",), "DOLLARS", "only models whose answer should cost no more", _number),
    Option(("--max-latency",), "SECONDS", "only models that should need no longer", _number),
    Option(
        ("--min-quality",), "Q", "only models of which this quality (0 to 1) is expected", _number
    ),
    Option(("--local",), None, "only models on this machine"),
    Option(
        ("--provider",),
        "NAME",
        "only models of this provider; may be given again",
        completes="provider",
        repeated=True,
    ),
    Option(
        ("--exclude",),
        "NAME",
        "no model of this provider, or not this model; may be given again",
        completes="excluded",
        repeated=True,
    ),
    Option(
        ("--check",),
        "CHECK",
        "for the strategy cascade: a function of the notebook, or an assertion, for the answer",
        completes="variable",
    ),
    Option(
        ("--verifier",),
        "ID",
        "for the strategy cascade: the model that judges the first answer",
        completes="model",
    ),
    Option(("--system",), "TEXT", "instructions that stand before the prompt"),
    Option(("--max-tokens",), "N", "cut the answer after this many tokens", _whole),
    Option(
        ("--image",),
        "IMAGE",
        "a picture that goes along: a variable or a path; may be given again",
        completes="variable",
        repeated=True,
    ),
    Option(
        ("--schema",),
        "CLASS",
        "answer in this class of the notebook: pydantic, dataclass or TypedDict",
        completes="class",
    ),
)
ASKING = (
    *CHOOSING,
    Option(("--temperature",), "T", "passed to the model; 0 is the most predictable", _number),
    Option(
        ("--seed",), "N", "passed to the model: the same draws again, where it has that", _whole
    ),
    Option(("--effort",), "LEVEL", "how long to think: low, medium or high", completes="effort"),
    Option(
        ("--thread",),
        "NAME",
        "go on with this conversation: each model sees its own part of it",
        completes="thread",
    ),
    Option(
        ("--compare",),
        "MODELS",
        "ask several side by side: A,B,C, or how many of the best",
        _models,
        "models",
    ),
    Option(("--blind",), None, "with --compare: without names, until you vote"),
    Option(
        ("--chain",),
        "NAME",
        "have roles do it, planner, context, executor, reviewer: default, code, planning, "
        "analysis, or auto",
        completes="chain",
    ),
    Option(
        ("--priority",),
        "WHAT",
        "with --chain: balanced, cost, quality, or speed, which leaves the reviewer out",
        completes="priority",
    ),
    Option(("-o", "--out"), "VAR", "put the Response into this variable", _variable, "variable"),
    Option(
        ("-f", "--format"),
        "FORM",
        "ask for, and show, the answer as markdown, text, code (also put into a new cell), json, "
        "html or latex",
        _form,
        "format",
    ),
    Option(("--dry-run",), None, "show the filled-in prompt and the choice, and send nothing"),
    Option(("--explain",), None, "show the choice under the answer"),
    Option(("--no-cache",), None, "neither look the answer up nor keep it"),
    Option(("--refresh",), None, "ask again, and replace the answer that was kept"),
    Option(("--no-stream",), None, "show the answer once, when it is complete"),
    Option(("--quiet",), None, "show nothing; what it is assigned to, or --out, has the answer"),
    Option(
        ("--background",),
        None,
        "go on at once, and show the answer when it is there; with --out a handle to wait for",
    ),
)
SELECTING = (
    *CHOOSING,
    Option(
        ("--pin",),
        "TOOL=ID",
        "make this model the expert of the tool; may be given again",
        _pin,
        "tool",
        repeated=True,
    ),
    Option(("--unpin",), "TOOL", "take the tool's pin away", completes="tool", repeated=True),
    Option(("--weights",), "LIST", "cost=6,quality=3,speed=1 for the strategy weighted", _weights),
)

PIPELINES = (
    Option(
        ("--input",),
        "NAME=VALUE",
        "an input: a text, or NAME={variable} of the notebook; may be given again",
        repeated=True,
    ),
    Option(("--dry-run",), None, "show steps, models and costs, and send nothing"),
    Option(
        ("--resume",), "VAR", "go on with this Run: what it has is not asked again", str, "variable"
    ),
    Option(("-o", "--out"), "VAR", "put the Run into this variable", _variable, "variable"),
    Option(("--quiet",), None, "show nothing; what it is assigned to, or --out, has the answer"),
)
