"""A provider as a whole file: it answers in capitals. And a strategy, as a whole function."""

from collections.abc import Iterator

from orch_nb.routing.strategies import Column, Table, Weights
from orch_nb.types import Delta, Request, TaskProfile, Usage


class Shout:
    def stream(self, request: Request, model: str) -> Iterator[Delta]:
        words = request.prompt.upper().split()
        for word in words:
            yield Delta(f"{word} ")
        yield Delta(usage=Usage(len(words), len(words)), finish="stop")

    def list_models(self) -> list[str]:
        return ["loud"]


def finest(profile: TaskProfile, table: Table, weights: Weights) -> Column:
    """The best answer, whatever it costs."""
    return table.quality
