"""The session's experts: which model is pinned to which tool."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from orch_nb.errors import InputError, UnknownNameError

Pins = Mapping[str, str | None]
_EXAMPLE = "openai:gpt-6-luna"


class Experts(Mapping[str, str]):
    """Pinned models by tool, as the settings have them now; a view, not a copy.

    Parameters
    ----------
    pinned
        Gives the settings' pins; None stands for a pin that was taken away.
    resolve
        Gives the id of the model that a tool and a name mean, or raises why it cannot be pinned.
    change
        Makes the given pins the session's.
    """

    def __init__(
        self,
        pinned: Callable[[], Pins],
        resolve: Callable[[str, str], str],
        change: Callable[[Pins], None],
    ) -> None:
        self._pinned, self._resolve, self._change = pinned, resolve, change

    def __getitem__(self, tool: str) -> str:
        model = self._pinned().get(tool)
        if model is None:
            raise KeyError(tool)
        return model

    def __iter__(self) -> Iterator[str]:
        return (tool for tool, model in self._pinned().items() if model is not None)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def pin(self, models: Mapping[str, str] = MappingProxyType({}), /, **more: str) -> None:
        """Pin models to tools: ``pin(sql="anthropic:claude-haiku-4-5")``; all of them, or none.

        Raises `UnknownNameError` for a model that its provider does not have, `InputError` for one
        that cannot do what the tool needs, and `SettingsError` for a name that no tool can have.
        """
        wanted = {**models, **more}
        for tool, model in wanted.items():
            if not isinstance(model, str):
                raise InputError(f"the expert of {tool} must be a model id, such as {_EXAMPLE!r}")
        if wanted:
            self._change({tool: self._resolve(tool, model) for tool, model in wanted.items()})

    def unpin(self, *tools: str) -> None:
        """Take pins away. Raises `UnknownNameError` for a tool that has none."""
        for tool in tools:
            if tool not in self:
                raise UnknownNameError("pinned tool", tool, tuple(self))
        if tools:
            self._change(dict.fromkeys(tools))

    def __repr__(self) -> str:
        return f"Experts({dict(self)})"
