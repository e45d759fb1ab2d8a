"""One form of answers, as each kind of class that a schema may be."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import BaseModel
from typing_extensions import TypedDict

FITS = '{"city": "Rome", "people": 3}'


class Place(BaseModel):
    city: str
    people: int


@dataclass
class PlaceData:
    city: str
    people: int


class PlaceDict(TypedDict):
    city: str
    people: int
