"""The forms that providers give an answer, one module each, and the one for lists of models."""

from __future__ import annotations

from collections.abc import Mapping

from stub.wires import chat, messages, ollama, responses
from stub.wires.base import Wire

WIRES: Mapping[str, Wire] = {
    "chat": chat,
    "responses": responses,
    "messages": messages,
    "ollama": ollama,
}
#: What a fault answers with instead of the wire that was asked for.
WRONG: Mapping[str, Wire] = {
    "chat": messages,
    "responses": chat,
    "messages": chat,
    "ollama": chat,
}
