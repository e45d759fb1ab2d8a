"""From a class to a schema that services take, and from hostile text to the class."""

from __future__ import annotations

import sys
import typing
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any, Literal, NotRequired, Optional

import pytest
from anthropic import transform_schema
from pydantic import BaseModel, Field
from typing_extensions import TypedDict

from orch_nb.errors import BrokenAnswer, InputError
from orch_nb.invoke.form import Form


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Cat(BaseModel):
    kind: Literal["cat"]
    default: int = 9  # a name that JSON schema knows as well


class Dog(BaseModel):
    kind: Literal["dog"]
    colour: Colour = Field(Colour.RED, description="of its coat")


BLUE_DOG = Dog(kind="dog", colour=Colour.BLUE)


class House(BaseModel):
    pets: list[Annotated[Cat | Dog, Field(discriminator="kind")]] = []
    owner: str | None = None
    rooms: int = Field(1, ge=1)


class Node(BaseModel):
    name: str = ""
    kids: list[Node] = []


@dataclass
class Point:
    x: float
    y: float = 0.0


class Row(TypedDict):
    name: str
    size: NotRequired[int]


def objects(schema: Any) -> list[dict[str, Any]]:
    """Every schema of an object in `schema`."""
    if isinstance(schema, list):
        return [found for item in schema for found in objects(item)]
    if not isinstance(schema, dict):
        return []
    inner = [found for item in schema.values() for found in objects(item)]
    return [schema, *inner] if schema.get("type") == "object" else inner


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        (House, {"pets", "owner", "rooms"}),
        (Node, {"name", "kids"}),
        (Point, {"x", "y"}),
        (Row, {"name", "size"}),
    ],
)
def test_schemas_are_strict(kind: Any, fields: set[str]) -> None:
    schema = Form(kind).schema
    assert schema.name == kind.__name__
    assert schema.schema["type"] == "object"
    assert schema.schema["properties"].keys() == fields
    for found in objects(schema.schema):
        assert found["additionalProperties"] is False
        assert set(found["required"]) == found["properties"].keys()
    transform_schema(dict(schema.schema))  # and Anthropic's SDK can read it


def test_nothing_is_left_that_services_refuse() -> None:
    schema = Form(House).schema.schema
    cat, dog = schema["$defs"]["Cat"], schema["$defs"]["Dog"]
    assert cat["properties"].keys() == {"kind", "default"}
    assert "default" not in cat["properties"]["default"]
    reference = {"anyOf": [{"$ref": "#/$defs/Colour"}], "description": "of its coat"}
    assert dog["properties"]["colour"] == reference
    pets = schema["properties"]["pets"]["items"]
    assert pets == {"anyOf": [{"$ref": "#/$defs/Cat"}, {"$ref": "#/$defs/Dog"}]}
    assert schema["$defs"]["Colour"]["enum"] == ["red", "blue"]
    assert {"type": "null"} in schema["properties"]["owner"]["anyOf"]


class Bag(BaseModel):
    inner: dict[str, int]


class Anything(BaseModel):
    things: list[Any]


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (int, "int is no pydantic model, dataclass or TypedDict to answer in"),
        (list[int], "list is no pydantic model"),
        ("Place", "Place is no pydantic model"),
        (object(), "is no pydantic model"),
        (Bag, "Bag.inner may hold anything"),
        (Anything, "Anything.things[] may hold anything"),
    ],
)
def test_what_is_no_form_is_said(kind: Any, message: str) -> None:
    with pytest.raises(InputError) as caught:
        Form(kind)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="pydantic reads typing.TypedDict there")
def test_a_typed_dict_that_cannot_be_read_says_which_can() -> None:
    class Old(typing.TypedDict):
        x: int

    with pytest.raises(
        InputError, match=r"^Old: before Python 3\.12, take TypedDict from typing_ex"
    ):
        Form(Old)


def test_the_name_is_one_that_services_take() -> None:
    made = type("Größe 中" + "x" * 99, (BaseModel,), {"__annotations__": {"x": int}})
    name = Form(made).schema.name
    assert name.isascii()
    assert name.replace("_", "").isalnum()
    assert len(name) == 64


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (Point, '{"x": 1}', Point(1.0)),
        (Point, '\n```json\n{"x": 1, "y": 2}\n```\n', Point(1.0, 2.0)),
        (Point, '```\n{"x": 1}```', Point(1.0)),
        (Row, '{"name": "```"}', {"name": "```"}),
        (Node, '{"kids": [{"name": "leaf"}]}', Node(kids=[Node(name="leaf")])),
        (House, '{"pets": [{"kind": "dog", "colour": "blue"}]}', House(pets=[BLUE_DOG])),
        (House, '{"owner": null}', House()),
    ],
)
def test_text_becomes_the_class(kind: Any, text: str, value: object) -> None:
    assert Form(kind).read("a:m", text) == value


HOSTILE = {
    "empty": "",
    "prose": "Here you are: {}",
    "other": "[1, 2]",
    "missing": "{}",
    "type": '{"x": "wide"}',
    "cut": '{"x": 1',
    "deep": '{"x": ' + "[" * 200_000,
    "deep and whole": '{"x": ' + "[" * 200_000 + "]" * 200_000 + "}",
    "long number": '{"x": 1, "y": ' + "9" * 100_000 + "}",
    "infinite": '{"x": 1e999}',
    "infinite, deep within": '{"x": 1, "z": [{"a": -1e999}]}',
    "no number": '{"x": NaN}',
    "surrogate": '{"x": "\\ud800"}',
    "half a pair": '{"x": "\ud800"}',
    "open fence": "```json\n" * 3,
    "empty lines": "```\n" + "\n" * 1_000_000,
    "fences": "```\n" * 200_000,
    "escapes": '{"x": "\x1b[31m\\u202e"}',
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_is_a_broken_answer(text: str) -> None:
    with pytest.raises(BrokenAnswer) as caught:
        Form(Point).read("a:m", text)
    assert str(caught.value).startswith("a:m: the answer is no Point: ")
    assert len(str(caught.value)) < 500
    assert str(caught.value).isprintable()


def test_the_first_thing_that_does_not_fit_is_named() -> None:
    with pytest.raises(
        BrokenAnswer, match=r"no House: pets\.0\.dog\.colour: Input should be 'red'"
    ):
        Form(House).read("a:m", '{"pets": [{"kind": "dog", "colour": "pink"}]}')


def test_older_spellings_of_optional_are_the_same() -> None:
    class Old(BaseModel):
        owner: Optional[str] = None  # noqa: UP045

    assert Form(Old).read("a:m", '{"owner": null}') == Old()
