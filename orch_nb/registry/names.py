"""The names of models: whether one answers text, and which models are the same by another name."""

from __future__ import annotations

import re

_DATED = re.compile(r"-(\d{8}|\d{4}-\d{2}-\d{2}|latest)$")
_NOT_CHAT = re.compile(
    r"embed|rerank|moderation|whisper|transcri|translate|tts|speech|audio|realtime|gpt-live|voice"
    r"|image|dall-e|imagen|sora|video|clip|search-api|guard|\bocr\b|\bbge\b"
    r"|\bada\b|babbage|davinci"
)
# What hosts and files add to the name of one and the same model.
_QUANTISED = re.compile(
    r"[-.:_](i?q\d(_\w+)*|[bf]f?16|f32|(mx|nv)?fp\d+|int\d|awq|gptq|bnb|\dbit|mlx)\b"
)
_ADDED = frozenset(("instruct", "it", "chat", "hf", "latest", "gguf", "meta", "maas"))
_GENERATION = re.compile(r"([a-z]{3,})(\d)")
_FIREWORKS_POINT = re.compile(r"(?<=\d)p(?=\d)")


def is_chat(name: str) -> bool:
    """Whether `name` looks like a model that answers text: not embedding, audio or image."""
    return _NOT_CHAT.search(name.lower()) is None


def undated(name: str) -> str:
    """`name` without the date of a release, or "latest", at its end."""
    return _DATED.sub("", name)


def canonical(name: str) -> str:
    """One spelling for what several hosts call differently.

    ``llama3.1:8b``, ``meta-llama/Llama-3.1-8B-Instruct`` and ``Llama-3.1-8B-Q4_K_M.gguf`` are all
    ``llama-3.1-8b``.
    """
    short = name[-200:].lower().rpartition("/")[2].removesuffix(".gguf").removesuffix(":free")
    short = _QUANTISED.sub("", _FIREWORKS_POINT.sub(".", short))
    short = _GENERATION.sub(r"\1-\2", short).replace("llama-v", "llama-")
    return "-".join(word for word in re.split(r"[-_:@ ]+", short) if word not in _ADDED)
