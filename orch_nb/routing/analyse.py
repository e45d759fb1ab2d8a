"""What a prompt asks for and will take, read from its text: no model, no download."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from orch_nb.registry.tokens import count_tokens
from orch_nb.routing.difficulty import difficulty
from orch_nb.routing.expected import output_tokens
from orch_nb.routing.language import language_of
from orch_nb.routing.task_classifier import classifier, vocabulary
from orch_nb.routing.task_rules import marks, said_for, sure_kind
from orch_nb.routing.wording import Wording, read
from orch_nb.types import Request, TaskProfile


class Given(NamedTuple):
    """All that the analyser reads of a request; of equal ones the profile is the same.

    ``others`` are the texts that are sent along, ``task`` is the kind that the caller stated, and
    ``limit`` the most tokens that the answer may have.
    """

    prompt: str
    others: tuple[str, ...]
    task: str | None
    images: bool
    limit: int | None
    needs: frozenset[str]

    @classmethod
    def of(cls, request: Request) -> Given:
        """What is read of `request`."""
        wants, (*before, last), system = request.wants, request.messages, request.system
        others = [message.content for message in before]
        images = bool(last.images) or any(message.images for message in before)
        return cls(
            last.content,
            (*others, system) if system else tuple(others),
            wants.task,
            images,
            request.parameters.max_tokens,
            _needs(request, images=images),
        )


def analyse(request: Request) -> TaskProfile:
    """Kind, needs, tokens, difficulty and language of what `request` asks for, with evidence."""
    return profile_of(Given.of(request))


def profile_of(given: Given) -> TaskProfile:
    """What `analyse` says to all requests of which `given` is read."""
    wording = read(given.prompt)
    kind, said = _kind(given, wording)
    asked_in = count_tokens(given.prompt)
    expected, asked = output_tokens(kind, wording, asked_in)
    level, reasons = difficulty(kind, given.prompt, wording)
    language = language_of(wording)
    evidence = [f"{kind}: {said}", f"difficulty {level}" + (f": {reasons}" if reasons else "")]
    if asked:
        evidence.append(f"answer of about {expected} tokens: {asked!r}")
    if language:
        evidence.append(f"language: {language}")
    return TaskProfile(
        kind=kind,
        input_tokens=asked_in + sum(map(count_tokens, given.others)),
        output_tokens=expected if given.limit is None else min(expected, given.limit),
        longest=given.limit,
        needs=given.needs,
        evidence=tuple(evidence),
        difficulty=level,
        language=language,
    )


def _kind(given: Given, wording: Wording) -> tuple[str, str]:
    """The kind and what spoke for it: said by the caller, seen in the request, or learned."""
    if given.task is not None:
        return given.task, "stated"
    if given.images:
        return "vision", "an image"
    found = marks(wording)
    if sure := sure_kind(found):
        kind, mark = sure
        return kind, _shown([mark], kind, wording)
    if not wording.words:
        return "chat", "no words"
    kind, spoke = classifier().classify([*found, *vocabulary(wording)])
    return kind, _shown(spoke, kind, wording) or "no mark of another kind"


def _shown(spoke: Sequence[str], kind: str, wording: Wording) -> str:
    """The features that spoke most, as people read them: words in quotes, and what was seen."""
    named = f"<{kind}>", f"<opens: {kind}>"
    shown = []
    if named[0] in spoke or named[1] in spoke:
        shown = [repr(word) for word in said_for(kind, wording)[:2]]
    for feature in spoke:
        if feature.startswith("<"):
            shown += [] if feature in named else [feature[1:-1].rpartition(": ")[2]]
        else:
            shown.append(repr(feature.removeprefix("^")))
    return ", ".join(dict.fromkeys(shown))


def _needs(request: Request, *, images: bool) -> frozenset[str]:
    """The capabilities that a model must have for `request`."""
    needs = request.wants.needs | request.wants.requires.capabilities
    if images:
        needs |= {"vision"}
    if request.schema is not None:
        needs |= {"json"}
    if request.tools:
        needs |= {"tools"}
    return needs
