"""Asking for a cell, and showing what comes back: while it grows, and once it is complete."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from orch_nb.errors import InputError, Interrupted, OrchError
from orch_nb.notebook import decisions, display
from orch_nb.notebook.background import BackgroundAnswer, begin, done, outcome, watch
from orch_nb.notebook.diagrams import diagrams
from orch_nb.notebook.formats import FORMATS, asking_for, code_of
from orch_nb.notebook.growing import GrowingAnswer, PrintedAnswer, Unshown
from orch_nb.notebook.rating import thumbs
from orch_nb.notebook.tables import Bundle, Shown
from orch_nb.notebook.variables import find_check, find_class, find_image
from orch_nb.session import Session
from orch_nb.types import CachePolicy, Response

# What `Session.ask` and `Session.select` take under the same name.
_PASSED_ON = (
    *("strategy", "model", "task", "system", "max_tokens", "tool", "verifier"),
    *("max_cost", "max_latency", "min_quality", "local", "provider", "exclude"),
    *("temperature", "seed", "effort", "thread"),
)


@dataclass(frozen=True, slots=True)
class _Asked:
    """An answer, and how its cell wants it shown. ``printed`` is where it was printed already."""

    response: Response
    options: argparse.Namespace
    printed: int | None = None

    def show(self) -> tuple[Bundle, dict[str, Any]]:
        """All of it."""
        bundle, metadata = display.answer(self.response, _lay_out(self.options))
        return self.explained(bundle), metadata

    def explained(self, bundle: Bundle) -> Bundle:
        """`bundle`, with the choice under it where that was asked for."""
        if not self.options.explain:
            return bundle
        return display.below(bundle, decisions.decision(self.response.decision)[0])


class Asking:
    """The answers to the cells of one shell: each is shown once, in its place."""

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._last: _Asked | None = None
        self._unshown = Unshown()
        self._pictured: list[str] = []
        self._rated: list[tuple[Response, Session]] = []
        self._awaited: list[tuple[BackgroundAnswer, Callable[[], Shown]]] = []

    def ask(
        self,
        session: Session,
        prompt: str,
        options: argparse.Namespace,
        variables: dict[str, Any],
    ) -> Response | None:
        """Answer `prompt` as `options` say; None for what is only planned, or in the background.

        Raises as `Session.ask` does.
        """
        if options.dry_run:
            made = session.select(prompt, **passed_on(options, variables))
            display.show(decisions.dry_run(prompt, made))
            return None
        asked = asking_for(options.format, passed_on(options, variables))
        asked["cache"] = cache_policy(options)
        if options.background and options.format == "code":
            raise InputError("--format code writes a cell, which --background is too late for")
        if options.background and is_attended(self._shell, session):
            answer = self._begin(session, prompt, asked, options)
            if options.out:
                variables[options.out] = answer
            return None
        response = self._answer(session, prompt, asked, options)
        if options.out:
            variables[options.out] = done(response) if options.background else response
        if FORMATS[options.format or "markdown"].writes and not options.quiet:
            self._write(code_of(response.text))
        return response

    def _answer(
        self, session: Session, prompt: str, asked: dict[str, Any], options: argparse.Namespace
    ) -> Response:
        if options.quiet:
            return session.ask(prompt, **asked)
        settings = session.settings
        # What is recorded, and replayed, is shown once: nbval knows no output that grows.
        streams = settings.stream and settings.mode == "live" and not options.no_stream
        grow = FORMATS[options.format or "markdown"].grow
        growing = GrowingAnswer(lay_out=grow) if draws(self._shell) else PrintedAnswer()
        try:
            response = session.ask(prompt, on_text=growing.add if streams else None, **asked)
        except Interrupted as stop:
            said = display.footer(stop.response)["text/plain"] if stop.response else ""
            growing.keep(said or "interrupted")
            raise
        except OrchError:
            growing.keep("the answer breaks off here")
            raise
        self._last = _Asked(response, options)
        if isinstance(growing, GrowingAnswer):
            self._unshown.add(response, growing, self._last.show)
            if options.format in (None, "markdown", "code"):
                self._pictured.append(response.text)
            if settings.thumbs and not response.simulated and is_attended(self._shell, session):
                self._rated.append((response, session))
        elif streams:
            growing.clear()
            self._last = _Asked(response, options, printed=self._shell.execution_count)
        return response

    def _begin(
        self, session: Session, prompt: str, asked: dict[str, Any], options: argparse.Namespace
    ) -> BackgroundAnswer:
        answer, progress = begin(session, session.compose(prompt, **asked))
        if options.quiet:
            return answer

        def lay_out(response: Response) -> Shown:
            return _Asked(response, options).show()

        if draws(self._shell):
            watch(answer, progress, lay_out)
        else:
            print("in the background; the answer follows the first cell that ends after it")
            self._awaited.append((answer, lambda: outcome(answer, progress, lay_out)))
        return answer

    def _write(self, code: str) -> None:
        """Put `code` into a new cell; nothing runs it."""
        if code:
            self._shell.set_next_input(code, replace=False)

    def finish_cell(self, *_result: object) -> None:
        """Complete the answers that were not the cell's result; diagrams and thumbs follow them.

        In a terminal, print those that arrived in the background.
        """
        self._unshown.complete()
        texts, self._pictured = self._pictured, []
        for drawn, kept in map(diagrams, texts):
            for bundle in [*drawn, *([display.quiet(kept)] if kept else [])]:
                display.show(bundle)
        answers, self._rated = self._rated, []
        for response, session in answers:
            thumbs(response, session)
        for one in [one for one in self._awaited if one[0].done]:
            self._awaited.remove(one)
            print(one[1]()[0]["text/plain"])

    def show(self, response: Response) -> tuple[Bundle, dict[str, Any]]:
        """What IPython shows of a Response: all of it, or the quiet line if it was just printed."""
        self._unshown.claim(response)
        if self._last is None or self._last.response is not response:
            return display.answer(response)
        bundle, metadata = self._last.show()
        if self._last.printed == self._shell.execution_count:
            bundle = self._last.explained(display.footer(response))
        return bundle, metadata


def draws(shell: Any) -> bool:
    """Whether an output of `shell` can be drawn again; a terminal's cannot."""
    return hasattr(shell, "kernel")


def is_attended(shell: Any, session: Session) -> bool:
    """Whether somebody may see later what is not there yet when the cell ends.

    Who runs a notebook from its first cell to its last (nbclient, nbconvert, nbval, papermill) is
    nobody to answer a question, and saves what is there then; so does a recording.
    """
    if session.settings.mode != "live":
        return False
    if not draws(shell):
        return True
    return bool(shell.kernel.get_parent()["content"].get("allow_stdin", True))


def _lay_out(options: argparse.Namespace) -> Callable[[str], Bundle] | None:
    return None if options.format is None else FORMATS[options.format].lay_out


def passed_on(options: argparse.Namespace, variables: Mapping[str, object]) -> dict[str, Any]:
    """What `Session.ask` and `Session.select` are to know of `options`."""
    asked = {name: getattr(options, name) for name in _PASSED_ON if name in options}
    if options.check is not None:
        asked["check"] = find_check(options.check, variables)
    asked["images"] = [find_image(text, variables) for text in options.image or ()]
    if options.schema is not None:
        asked["schema"] = find_class(options.schema, variables)
    return asked


def cache_policy(options: argparse.Namespace) -> CachePolicy:
    """What `options` say of the cache. Raises `InputError` where they contradict each other."""
    if options.no_cache and options.refresh:
        raise InputError("--no-cache and --refresh exclude each other; give one of them")
    if options.no_cache:
        return "bypass"
    return "refresh" if options.refresh else "use"
