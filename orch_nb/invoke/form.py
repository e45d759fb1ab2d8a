"""The form that an answer is to have: from a class to a JSON schema, and from text to the class."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any

from orch_nb.errors import BrokenAnswer, InputError
from orch_nb.types import Schema

_NAME = re.compile(r"[^A-Za-z0-9_]+")
_SAYS_WHAT = {"type", "anyOf", "allOf", "$ref", "enum", "const"}


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
            schema = _at_root(self._adapter.json_schema())
        except (PydanticUserError, PydanticInvalidForJsonSchema) as error:
            if error.code == "typed-dict-version":
                raise InputError(
                    f"{name}: before Python 3.12, take TypedDict from typing_extensions"
                ) from None
            schema = {}
        if schema.get("type") != "object":
            raise InputError(f"{name} is no pydantic model, dataclass or TypedDict to answer in")
        self.schema = Schema(_NAME.sub("_", name)[:64], strict(schema, name))

    def read(self, model: str, text: str) -> Any:
        """`text` as the class. Raises `BrokenAnswer` naming the first thing that does not fit."""
        from pydantic import ValidationError  # noqa: PLC0415

        written = _unfenced(text)
        try:
            parsed = self._adapter.validate_json(written)
            json.loads(written, parse_float=_finite, parse_constant=_finite)
        except ValidationError as error:
            first = error.errors(include_url=False, include_context=False, include_input=False)[0]
            place = ".".join(map(str, first["loc"])) or "the answer"
            said = f"{place}: {first['msg']}"
        except ValueError as error:
            said = str(error)
        else:
            return parsed
        raise BrokenAnswer(model, f"the answer is no {self.schema.name}: {said}")


def strict(schema: Mapping[str, Any], place: str) -> dict[str, Any]:
    """`schema` as services want it for constrained answers: closed objects, no defaults, no oneOf.

    Every property is required, as
    https://platform.openai.com/docs/guides/structured-outputs demands; the class still decides
    which may be null. Raises `InputError` where anything may stand, which no service can hold a
    model to; `place` names the schema there.
    """
    closed: dict[str, Any] = {}
    for key, value in schema.items():
        if key in ("properties", "$defs"):
            closed[key] = {name: strict(part, f"{place}.{name}") for name, part in value.items()}
        elif key in ("anyOf", "oneOf"):
            closed["anyOf"] = [strict(part, place) for part in value]
        elif key == "items":
            closed[key] = strict(value, f"{place}[]")
        elif key not in ("default", "discriminator"):
            closed[key] = value
    if closed.get("type") == "object" and "properties" in closed:
        closed["additionalProperties"] = False
        closed["required"] = list(closed["properties"])
    elif closed.get("type") == "object" or not closed.keys() & _SAYS_WHAT:
        raise InputError(f"{place} may hold anything; give it a type with named fields")
    if "$ref" in closed and len(closed) > 1:  # beside a reference nothing may stand
        closed["anyOf"] = [{"$ref": closed.pop("$ref")}]
    return closed


def _at_root(schema: dict[str, Any]) -> dict[str, Any]:
    """`schema` without a reference at its root, which is what a class that holds itself has."""
    name = str(schema.get("$ref", "")).removeprefix("#/$defs/")
    return {**schema["$defs"][name], "$defs": schema["$defs"]} if name else schema


def _finite(digits: str) -> float:
    """A number as JSON has them; pydantic takes 1e999 for infinity, and NaN for a number."""
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(f"{digits[:40]} is no finite number")
    return number


def _unfenced(text: str) -> str:
    """JSON without the fence that some models put around it."""
    stripped = text.strip()
    first, _, rest = stripped.partition("\n")
    if first.rstrip() in ("```", "```json") and rest.endswith("```"):
        return rest.removesuffix("```")
    return text
