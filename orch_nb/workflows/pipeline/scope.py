"""What expressions in a pipeline see: inputs and what came of steps, as plain data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from orch_nb.errors import InputError, UnknownNameError
from orch_nb.types import Response
from orch_nb.workflows.pipeline import words
from orch_nb.workflows.pipeline.spec import Spec

#: Names that no input and no step may have: what expressions call everything by.
RESERVED = ("inputs", "steps", "item", "index")

#: What expressions can take of a step, and of one with ``for_each``.
OF_STEP = ("text", "parsed", "lines", "model", "cost", "seconds", "ran")
OF_MANY = ("text", "parsed", "ran")

Scope = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Output:
    """What came of one prompt: its text, and the data where a schema was asked for.

    False, and empty, where the step was skipped. ``cost`` is in dollars, None unknown.
    """

    text: str = ""
    parsed: Any = None
    model: str = ""
    cost: float | None = None
    seconds: float | None = None
    ran: bool = False

    @classmethod
    def of(cls, response: Response) -> Output:
        """What expressions see of `response`."""
        parsed = response.parsed
        dump = getattr(parsed, "model_dump", None)
        return cls(
            response.text,
            parsed if dump is None else dump(mode="json"),
            response.model,
            None if response.cost is None else float(response.cost),
            response.seconds,
            ran=True,
        )

    @property
    def lines(self) -> list[str]:
        """The lines of the text that hold something, without the marks of a list."""
        stripped = (line.strip().lstrip("-*•").strip() for line in self.text.splitlines())
        return [line for line in stripped if line]

    def __bool__(self) -> bool:
        return self.ran

    def __str__(self) -> str:
        return self.text


class Outputs(tuple[Output, ...]):
    """What came of a step with ``for_each``, in the order of its items."""

    __slots__ = ()

    @property
    def text(self) -> str:
        """All texts, with an empty line between them."""
        return "\n\n".join(map(str, self))

    @property
    def parsed(self) -> list[Any]:
        """The data of each, None where there is none."""
        return [one.parsed for one in self]

    @property
    def ran(self) -> bool:
        """Whether it ran for any item."""
        return any(one.ran for one in self)

    def __str__(self) -> str:
        return self.text


class Pending:
    """Stands in a plan for what is not known before the step has run.

    Parameters
    ----------
    step
        Its id.
    length
        Words that its text is expected to have, so that what follows is priced by its length.
    """

    def __init__(self, step: str, length: int) -> None:
        self._step, self._length = step, length

    def __getattr__(self, name: str) -> Pending:
        if name.startswith("_"):
            raise AttributeError(name)
        return self

    def __getitem__(self, key: object) -> Pending:
        return self

    def __iter__(self) -> Iterator[Pending]:
        return iter((self,))

    def __len__(self) -> int:
        return 1

    def __str__(self) -> str:
        return " ".join([f"[output of {self._step}]", *["word"] * self._length])


def read_inputs(spec: Spec, given: Mapping[str, object]) -> dict[str, object]:
    """The inputs by name: as given, or else their defaults.

    Raises `InputError` for one that is missing or no plain data, `UnknownNameError` for one that
    the pipeline does not have.
    """
    if not isinstance(given, Mapping):
        raise InputError(f"inputs are a map by their names, not {type(given).__name__}")
    for name in given:
        if name not in spec.inputs:
            raise UnknownNameError("input", str(name), spec.inputs)
    missing = [name for name, one in spec.inputs.items() if one.required and name not in given]
    if missing:
        raise InputError(f"the pipeline needs {', '.join(missing)}: give it as an input")
    read = {name: one.default for name, one in spec.inputs.items()}
    for name, value in given.items():
        try:
            read[name] = words.default(value)
        except ValueError as error:
            raise InputError(f"input {name} {error}") from None
    return read


def scope_of(inputs: Mapping[str, object], outputs: Mapping[str, object]) -> dict[str, object]:
    """The names that expressions know, inputs and steps by their own names as well."""
    return {**inputs, **outputs, "inputs": dict(inputs), "steps": dict(outputs)}
