"""Asking for a cell, and showing what comes back: while it grows, and once it is complete."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from orch_nb.errors import InputError, Interrupted, OrchError
from orch_nb.notebook import decisions, display
from orch_nb.notebook.tables import Bundle
from orch_nb.notebook.variables import find_check, find_class, find_image
from orch_nb.session import Session
from orch_nb.types import CachePolicy, Response

# What `Session.ask` and `Session.select` take under the same name.
_PASSED_ON = (
    *("strategy", "model", "task", "system", "max_tokens", "tool", "verifier"),
    *("max_cost", "max_latency", "min_quality", "local", "provider", "exclude"),
    *("temperature", "seed", "effort"),
)


class Asking:
    """The answers to the cells of one shell: each is shown once, in its place."""

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._printed: tuple[Response, int] | None = None
        self._explained: Response | None = None
        self._unshown: list[tuple[Response, display.GrowingAnswer]] = []

    def ask(
        self,
        session: Session,
        prompt: str,
        options: argparse.Namespace,
        variables: dict[str, Any],
    ) -> Response | None:
        """Answer `prompt` as `options` say; None where the cell is to show nothing.

        Raises as `Session.ask` does.
        """
        asked = passed_on(options, variables) | {"cache": _cache_policy(options)}
        response = self._answer(session, prompt, asked, options)
        if options.out:
            variables[options.out] = response
        self._explained = response if options.explain else None
        return None if options.quiet else response

    def _answer(
        self, session: Session, prompt: str, asked: dict[str, Any], options: argparse.Namespace
    ) -> Response:
        if options.quiet:
            return session.ask(prompt, **asked)
        settings = session.settings
        # What is recorded, and replayed, is shown once: nbval knows no output that grows.
        streams = settings.stream and settings.mode == "live" and not options.no_stream
        terminal = not hasattr(self._shell, "kernel")
        growing = display.PrintedAnswer() if terminal else display.GrowingAnswer()
        try:
            response = session.ask(prompt, on_text=growing.add if streams else None, **asked)
        except Interrupted as stop:
            said = display.footer(stop.response)["text/plain"] if stop.response else ""
            growing.keep(said or "interrupted")
            raise
        except OrchError:
            growing.keep("the answer breaks off here")
            raise
        if isinstance(growing, display.GrowingAnswer):
            self._unshown.append((response, growing))
        elif streams:
            growing.clear()
            self._printed = response, self._shell.execution_count
        return response

    def finish_cell(self, *_result: object) -> None:
        """Complete the answers that were not the cell's result: in a loop, or put into a name."""
        unshown, self._unshown = self._unshown, []
        for response, growing in unshown:
            growing.complete(*display.answer(response))

    def show(self, response: Response) -> tuple[Bundle, dict[str, Any]]:
        """What IPython shows of a Response: all of it, or the quiet line if it was just printed."""
        for shown in [pair for pair in self._unshown if pair[0] is response]:
            self._unshown.remove(shown)
            shown[1].clear()
        bundle, metadata = display.answer(response)
        if self._printed is not None and self._printed == (response, self._shell.execution_count):
            bundle = display.footer(response)
        if response is self._explained:
            bundle = display.below(bundle, decisions.decision(response.decision)[0])
        return bundle, metadata


def passed_on(options: argparse.Namespace, variables: Mapping[str, object]) -> dict[str, Any]:
    """What `Session.ask` and `Session.select` are to know of `options`."""
    asked = {name: getattr(options, name) for name in _PASSED_ON if name in options}
    if options.check is not None:
        asked["check"] = find_check(options.check, variables)
    asked["images"] = [find_image(text, variables) for text in options.image or ()]
    if options.schema is not None:
        asked["schema"] = find_class(options.schema, variables)
    return asked


def _cache_policy(options: argparse.Namespace) -> CachePolicy:
    if options.no_cache and options.refresh:
        raise InputError("--no-cache and --refresh exclude each other; give one of them")
    if options.no_cache:
        return "bypass"
    return "refresh" if options.refresh else "use"
