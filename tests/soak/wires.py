"""Three providers of the loopback server, one on each wire."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stub.answer import compose
from stub.client import Stub
from stub.spec import parse
from stub.state import LOOKUPS, Entry

TYPES = {"alpha": "compatible", "beta": "anthropic", "gamma": "ollama"}
MODELS = tuple(f"{name}:m" for name in TYPES)
#: Dollars per million tokens.
INPUT, OUTPUT = 2, 10


def rows(stub: Stub, **fields: Any) -> dict[str, dict[str, Any]]:
    """The providers as settings have them; `fields` are the same for all."""
    return {
        name: {
            "type": kind,
            "base_url": stub.url(name, "/v1" if kind == "compatible" else ""),
            **({} if kind == "ollama" else {"api_key": "sk-test"}),
            **fields,
        }
        for name, kind in TYPES.items()
    }


def priced() -> dict[str, Mapping[str, Any]]:
    """Facts of the models, as settings have them."""
    price = {"input": INPUT, "output": OUTPUT}
    return {model: {"price": price, "max_output": 200} for model in MODELS}


def right(prompt: str) -> str:
    """What the server answers to `prompt` when nothing is wrong: it holds the prompt's digest."""
    return compose(parse("ok"), prompt, "m", 1).text or ""


def asked(stub: Stub) -> list[Entry]:
    """What was asked of models."""
    return [entry for entry in stub.log() if entry.wire not in LOOKUPS]
