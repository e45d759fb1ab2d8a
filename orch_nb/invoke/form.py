"""The form that an answer is to have: from a class to a JSON schema, and from text to the class."""

from __future__ import annotations

import re
from typing import Any

from orch_nb.errors import BrokenAnswer, InputError
from orch_nb.types import Schema

_FENCE = re.compile(r"\s*```(?:json)?\s*\n(.*)\n\s*```\s*", re.DOTALL)
_NAME = re.compile(r"[^A-Za-z0-9_]+")


class Form:
    """A pydantic model, dataclass or TypedDict that an answer is validated into.

    Raises `InputError` when there is no JSON schema of an object for it.
    """

    def __init__(self, kind: Any) -> None:
        from pydantic import PydanticUserError, TypeAdapter  # noqa: PLC0415 - loads on first use
        from pydantic.errors import PydanticInvalidForJsonSchema  # noqa: PLC0415

        name = getattr(kind, "__name__", None) or str(kind)
        try:
            self._adapter = TypeAdapter(kind)
            schema = self._adapter.json_schema()
        except (PydanticUserError, PydanticInvalidForJsonSchema):
            schema = {}
        if schema.get("type") != "object":
            raise InputError(f"{name} is no pydantic model, dataclass or TypedDict to answer in")
        self.schema = Schema(_NAME.sub("_", name)[:64], strict(schema))

    def read(self, model: str, text: str) -> Any:
        """`text` as the class. Raises `BrokenAnswer` naming the first thing that does not fit."""
        from pydantic import ValidationError  # noqa: PLC0415

        fenced = _FENCE.fullmatch(text)
        try:
            return self._adapter.validate_json(fenced[1] if fenced else text)
        except ValidationError as error:
            first = error.errors(include_url=False, include_context=False, include_input=False)[0]
            place = ".".join(map(str, first["loc"])) or "the answer"
            raise BrokenAnswer(
                model, f"the answer is no {self.schema.name}: {place}: {first['msg']}"
            ) from None


def strict(schema: Any) -> Any:
    """`schema` as services want it for constrained answers: closed objects, no defaults.

    Every property is required, as
    https://platform.openai.com/docs/guides/structured-outputs demands; the class still decides
    which may be null.
    """
    if isinstance(schema, list):
        return [strict(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: strict(value) for key, value in schema.items() if key != "default"}
    if closed.get("type") == "object" and isinstance(closed.get("properties"), dict):
        closed["additionalProperties"] = False
        closed["required"] = list(closed["properties"])
    return closed
