"""What Ollama says of its models: ``/api/tags``, ``/api/show`` and ``/api/ps``.

https://github.com/ollama/ollama/blob/main/docs/api.md#list-local-models
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from orch_nb.providers._endpoint import Endpoint
from orch_nb.providers._local_facts import FREE, count_bytes
from orch_nb.providers._usage import count
from orch_nb.types import ModelCard


@dataclass(frozen=True, slots=True)
class Shown:
    """What ``/api/show`` says of one model.

    ``context`` is the most tokens that it can read; ``capabilities`` are in Ollama's words, empty
    where the server is too old to say.
    """

    context: int | None = None
    capabilities: frozenset[str] = frozenset()
    has_levels: bool = False


def read_shown(body: Mapping[str, Any]) -> Shown:
    """The facts in the answer of ``/api/show``."""
    info = body.get("model_info")
    lengths = [
        count(value)
        for key, value in (info.items() if isinstance(info, Mapping) else ())
        if key.endswith(".context_length")
    ]
    said = body.get("capabilities")
    details = body.get("details")
    family = details.get("family") if isinstance(details, Mapping) else None
    return Shown(
        context=next((length for length in lengths if length), None),
        capabilities=frozenset(map(str, said)) if isinstance(said, list) else frozenset(),
        has_levels=family in ("gptoss", "gpt-oss"),
    )


def read_loaded(body: Mapping[str, Any]) -> dict[str, int]:
    """From the answer of ``/api/ps`` the models in memory, each with the tokens of its window."""
    return {str(row["model"]): count(row.get("context_length")) or 0 for row in body["models"]}


def full_name(model: str) -> str:
    """`model` with its tag, which is "latest" unless it has one."""
    return model if ":" in model.rpartition("/")[2] else f"{model}:latest"


def card(
    row: Mapping[str, Any], shown: Shown | None, loaded: Mapping[str, int], endpoint: Endpoint
) -> ModelCard:
    """The card of one row of ``/api/tags``."""
    name = str(row["model"])
    details = row.get("details")
    details = details if isinstance(details, Mapping) else {}
    parts = (details.get("parameter_size"), details.get("quantization_level"))
    local = endpoint.local and not row.get("remote_host")  # Ollama's cloud answers for some
    capabilities = shown.capabilities if shown else frozenset()
    return ModelCard(
        endpoint.name,
        name,
        context=shown.context if shown else None,
        prices=FREE if local else None,
        capabilities=_ours(capabilities) if capabilities else None,
        unranked="no chat model" if capabilities and "completion" not in capabilities else "",
        local=local,
        size=count_bytes(row.get("size")) if local else None,
        variant=" ".join(part for part in parts if isinstance(part, str) and part),
        loaded=full_name(name) in loaded,
    )


def _ours(capabilities: frozenset[str]) -> frozenset[str]:
    # `format` works with every chat model: the server constrains what is sampled.
    json = {"json"} if "completion" in capabilities else set()
    return capabilities & {"tools", "vision"} | json
