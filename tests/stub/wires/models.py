"""Lists of models, as each kind of server gives them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from stub.wires.base import Json


@dataclass(frozen=True, slots=True)
class Row:
    """A model and what a local server says of it.

    ``capabilities`` are in Ollama's words, ``loaded`` is the window in memory, 0 for none.
    """

    name: str
    context: int = 131_072
    capabilities: Sequence[str] = ("completion", "tools")
    size: int = 1_000_000
    loaded: int = 0
    family: str = "llama"
    remote: bool = False


#: What a provider lists when nothing was said; the last one cannot chat.
DEFAULT = ("stub-large", "stub-small", "text-embedding-3-small")


def openai(rows: Sequence[Row]) -> Json:
    def card(row: Row) -> Json:
        return {"id": row.name, "object": "model", "created": 1767225600, "owned_by": "stub"}

    return {"object": "list", "data": [card(row) for row in rows]}


def anthropic(rows: Sequence[Row]) -> Json:
    def card(row: Row) -> Json:
        return {
            "id": row.name,
            "type": "model",
            "display_name": row.name.title(),
            "created_at": "2026-01-01T00:00:00Z",
            "lifecycle": "active",
            "max_input_tokens": 200_000,
            "max_tokens": 64_000,
        }

    ends = {"first_id": rows[0].name, "last_id": rows[-1].name} if rows else {}
    return {"data": [card(row) for row in rows], "has_more": False, **ends}


def tags(rows: Sequence[Row]) -> Json:
    """What Ollama has on disk: GET /api/tags."""

    def card(row: Row) -> Json:
        remote = {"remote_model": row.name, "remote_host": "https://ollama.com:443"}
        return {**_ollama(row), "modified_at": _DATE, **(remote if row.remote else {})}

    return {"models": [card(row) for row in rows]}


def ps(rows: Sequence[Row]) -> Json:
    """What Ollama has in memory: GET /api/ps."""
    loaded = [row for row in rows if row.loaded]
    extra: Json = {"expires_at": _DATE, "size_vram": 0}
    return {"models": [{**_ollama(row), **extra, "context_length": row.loaded} for row in loaded]}


def show(rows: Sequence[Row], body: Mapping[str, object]) -> Json:
    """What Ollama knows of one model, listed or not: POST /api/show."""
    name = str(body.get("model"))
    row = next((row for row in rows if row.name == name), Row(name))
    family = row.family
    info = {"general.architecture": family, f"{family}.context_length": row.context}
    about = {"model_info": info, "capabilities": row.capabilities, "modified_at": _DATE}
    return {"template": "", "details": _ollama(row)["details"], **about}


def native(rows: Sequence[Row]) -> Json:
    """What LM Studio has: GET /api/v1/models."""

    def card(row: Row) -> Json:
        config = {"context_length": row.loaded, "eval_batch_size": 512}
        chats = "completion" in row.capabilities
        abilities = {
            "vision": "vision" in row.capabilities,
            "trained_for_tool_use": "tools" in row.capabilities,
        }
        return {
            "type": "llm" if chats else "embedding",
            "publisher": "stub",
            "key": row.name,
            "display_name": row.name,
            "quantization": {"name": "Q4_K_M", "bits_per_weight": 4},
            "size_bytes": row.size,
            "params_string": "8B",
            "loaded_instances": [{"id": row.name, "config": config}] if row.loaded else [],
            "max_context_length": row.context,
            "format": "gguf",
            **({"capabilities": abilities} if chats else {}),
        }

    return {"models": [card(row) for row in rows]}


_DATE = "2026-01-01T00:00:00Z"


def _ollama(row: Row) -> Json:
    details = {
        "format": "gguf",
        "family": row.family,
        "families": [row.family],
        "parameter_size": "8.0B",
        "quantization_level": "Q4_K_M",
    }
    named = {"name": row.name, "model": row.name, "digest": "0" * 64}
    return {**named, "size": row.size, "details": details}
