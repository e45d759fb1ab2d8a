"""The magics: a line and a cell become a request, the session answers, the answer is shown."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast

from IPython.core.magic import (
    Magics,
    line_cell_magic,
    line_magic,
    magics_class,
    no_var_expand,
)
from traitlets import Any as Setting
from traitlets import TraitError, validate

from orch_nb.current import session
from orch_nb.errors import InputError, OrchError
from orch_nb.notebook import commands, display
from orch_nb.notebook.asking import Asking, passed_on
from orch_nb.notebook.option_tables import ASKING, PIPELINES, SELECTING
from orch_nb.notebook.options import Options
from orch_nb.sanitize import visible
from orch_nb.session import Session
from orch_nb.templates.template import fill
from orch_nb.types import Decision, Response

if TYPE_CHECKING:
    from orch_nb.notebook.chaining import Chaining
    from orch_nb.notebook.comparing import Comparing
    from orch_nb.notebook.pipelines import Piping
    from orch_nb.workflows.chains.chain import ChainResult
    from orch_nb.workflows.comparison import Comparison
    from orch_nb.workflows.pipeline.outcome import Run

ORCH = Options("%orch", ASKING)
SELECT = Options("%orch_select", SELECTING)
PIPELINE = Options("%%orch_pipeline", PIPELINES)
RUN = Options("%orch_run", PIPELINES)

USAGE = f"""\
%%orch [options]      the cell below the line is the prompt
%orch [options] PROMPT
%orch help            this text
{commands.usage()}

A prompt that begins with one of these words stands after --.
{{{{ expression }}}} in a prompt is filled from the notebook's variables, once.

{ORCH.help}

Examples:
  %%orch --strategy cost
  Explain {{{{ df.describe() }}}} in two sentences.

  answer = %orch -m openai:gpt-6-luna --temperature 0 Name three rivers.
  %orch_select Translate this letter      (ranks the models, asks none)
"""
SELECT_USAGE = f"""\
%orch_select [options] PROMPT    rank the models for a prompt, ask none
%%orch_select [options]          the same for the cell below the line
%orch_select options             make them this session's defaults
%orch_select                     show the defaults

{SELECT.help}
"""
PIPELINE_USAGE = f"""\
%%orch_pipeline [options]    run the pipeline that is written in YAML below the line
%orch_run [options] FILE     run the pipeline in a file

{PIPELINE.help}

Example:
  %%orch_pipeline --input topic=rivers
  inputs: {{topic: }}
  steps:
    - {{id: outline, prompt: "Outline {{{{ topic }}}} in three lines"}}
    - {{id: part, prompt: "Write about {{{{ item }}}}", for_each: "{{{{ outline.lines }}}}"}}
"""

_TRAITS = ("strategy", "preset", "mode", "fallback", "stream")


@magics_class
class OrchMagics(Magics):
    """Ask language models from cells. Settings here outweigh ``orch.yaml``; see ``%config``."""

    # Of any type: the settings say in one line what is wrong. `%config` leaves a value of the wrong
    # type in IPython's configuration, and with a typed trait nothing could be loaded any more.
    strategy = Setting(None, help="How to choose the model where a cell does not say.").tag(
        config=True
    )
    preset = Setting(
        None, help="Which providers take part: cloud-only, local-only, development."
    ).tag(config=True)
    mode = Setting(
        None,
        help="Whether answers are recorded, or replayed from the recording: live, record, replay.",
    ).tag(config=True)
    fallback = Setting(None, help="What follows a model that failed: best, cheapest or fail.").tag(
        config=True
    )
    stream = Setting(None, help="Whether answers are shown while they arrive.").tag(config=True)

    _made = False

    def __init__(self, shell: Any) -> None:
        super().__init__(shell)
        self.asking = Asking(shell)
        self._adopted: Session | None = None
        self._made = True  # what the configuration file says is checked with the first use

    @property
    def session(self) -> Session:
        """The session, which is made with the first use: a wrong setting fails the cell then."""
        current = session()
        if current is not self._adopted:
            self._adopt()
        return current

    @property
    def _variables(self) -> dict[str, Any]:
        return cast(Any, self.shell).user_ns  # type: ignore[no-any-return]

    @validate(*_TRAITS)
    def _check(self, proposal: dict[str, Any]) -> object:
        """Take a new value, or refuse it: then ``%config`` shows and keeps the old one."""
        if self._made:
            try:
                self._adopt({proposal["trait"].name: proposal["value"]})
            except OrchError as error:
                raise TraitError(str(error)) from None
        return proposal["value"]

    def _adopt(self, change: Mapping[str, object] = MappingProxyType({})) -> None:
        given = {name: getattr(self, name) for name in _TRAITS} | dict(change)
        current = session()
        current.adopt({name: value for name, value in given.items() if value is not None})
        self._adopted = current

    @no_var_expand
    @line_cell_magic
    def orch(
        self, line: str, cell: str | None = None
    ) -> Response | Comparison | ChainResult | None:
        """Ask the best model and show its answer."""
        word, _, words = line.strip().partition(" ")
        if cell is None and line.split() == ["config", "trust"]:
            from orch_nb.notebook.config import trust  # noqa: PLC0415 - here alone

            display.show(trust())
            return None
        if cell is None and word in commands.COMMANDS:
            display.show(commands.run(word, words, self.session, self._variables))
            return None
        if cell is None and word == "help" and len(words.split()) < 2:
            _help(words.strip())
            return None
        if cell is None:
            commands.refuse_mistyped(line)
        options, rest = ORCH.parse(line)
        if cell is not None and rest:
            raise InputError(f"{rest!r} is no option; the prompt stands in the cell below the line")
        written = _written(rest, cell)
        if not written.strip():
            print(USAGE)
            return None
        prompt = fill(written, self._variables)
        alone = options.compare is None and options.chain is None
        if alone and options.priority is not None:
            raise InputError("--priority belongs to --chain; name the chain with it")
        if alone and options.blind:
            raise InputError("--blind belongs to --compare; name the models with it")
        part: Asking | Comparing | Chaining = self.asking
        if not alone:
            part = self.chaining if options.compare is None else self.comparing
        made = part.ask(self.session, prompt, options, self._variables)
        return None if options.quiet and cell is not None else made

    @no_var_expand
    @line_cell_magic
    def orch_select(self, line: str, cell: str | None = None) -> Decision | None:
        """Rank the models for a prompt without asking any; without a prompt, set defaults."""
        options, rest = SELECT.parse(line)
        if cell is None and line.strip() == "help":
            print(SELECT_USAGE)
            return None
        prompt = fill(_written(rest, cell), self._variables)
        if not prompt.strip():
            if cell is None:
                self._set_defaults(options)
            else:
                print(SELECT_USAGE)
            return None
        for flag in ("weights", "pin", "unpin"):
            if getattr(options, flag) is not None:
                raise InputError(
                    f"--{flag} changes the session's defaults; give it without a prompt"
                )
        return self.session.select(prompt, **passed_on(options, self._variables))

    @no_var_expand
    @line_cell_magic
    def orch_pipeline(self, line: str, cell: str | None = None) -> Run | None:
        """Run the pipeline that is written in YAML below the line."""
        options, rest = PIPELINE.parse(line)
        if cell is None or not cell.strip():
            print(PIPELINE_USAGE)
            return None
        if rest:
            raise InputError(f"{rest!r} is no option; the pipeline stands below the line")
        made = self.piping.run(self.session, f"{cell}\n", options, self._variables)
        return None if options.quiet else made

    @no_var_expand
    @line_magic
    def orch_run(self, line: str) -> Run | None:
        """Run the pipeline in a file."""
        options, given = RUN.parse_around(line)
        if not given or given == "help":
            print(PIPELINE_USAGE)
            return None
        return self.piping.run(self.session, given, options, self._variables)

    @cached_property
    def comparing(self) -> Comparing:
        """The comparisons of this shell."""
        from orch_nb.notebook.comparing import Comparing  # noqa: PLC0415 - what few cells need

        return Comparing(self.shell)

    @cached_property
    def piping(self) -> Piping:
        """The pipelines of this shell; their grammar is only read where there is one."""
        from orch_nb.notebook.pipelines import Piping  # noqa: PLC0415 - imports pydantic

        return Piping(self.shell)

    @cached_property
    def chaining(self) -> Chaining:
        """The chains of this shell."""
        from orch_nb.notebook.chaining import Chaining  # noqa: PLC0415 - imports pydantic

        return Chaining(self.shell)

    def finish_cell(self, *result: object) -> None:
        """Complete what was not the cell's result."""
        made = ("asking", "comparing", "piping", "chaining")
        for name in [name for name in made if name in vars(self)]:
            getattr(self, name).finish_cell(*result)

    orch.__doc__ = USAGE
    orch_select.__doc__ = SELECT_USAGE
    orch_pipeline.__doc__ = orch_run.__doc__ = PIPELINE_USAGE

    def _set_defaults(self, options: argparse.Namespace) -> None:
        lasting = ("strategy", "weights", "pin", "unpin")
        for option in SELECT.options:
            if option.name not in lasting and getattr(options, option.name) not in (None, False):
                flag = option.flags[-1]
                raise InputError(f"{flag} holds for one prompt; write the prompt after it")
        current = self.session
        changes = {"strategy": options.strategy, "weights": options.weights}
        changes = {name: value for name, value in changes.items() if value is not None}
        with current.using(**changes):  # which says what is wrong with them, and changes nothing
            current.experts.pin(dict(options.pin or ()))
            current.experts.unpin(*options.unpin or ())
        if changes:
            current.change(**changes)
        weights = current.weights
        pins = ", ".join(f"{tool}={model}" for tool, model in current.experts.items())
        said = [
            f"strategy {current.strategy}",
            f"weights cost={weights.cost:g}, quality={weights.quality:g}, speed={weights.speed:g}",
            f"preset {current.settings.preset}",
            f"fallback {current.settings.fallback}",
            f"experts {pins}" if pins else "no experts pinned",
        ]
        print(visible(" · ".join(said)))


def _help(topic: str) -> None:
    from orch_nb.notebook import manual  # noqa: PLC0415 - here alone

    if topic:
        display.show(manual.show_topic(topic))
    else:
        print(f"{USAGE}\n{manual.topics_line()}")


def _written(rest: str, cell: str | None) -> str:
    """The prompt as it was written; IPython ends every cell with a line feed of its own."""
    return rest if cell is None else cell.removesuffix("\n")
