"""A tiny random model in the format that llama.cpp loads, made in 30 ms.

It writes letters at random, but always the same ones at temperature 0, and never ends by itself:
the rows of the output layer come in pairs of opposite vectors, so that some letter always scores
above 0, which is what everything else scores.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gguf
import numpy as np

#: As many letters of one byte as of two, three and four.
LETTERS = [*"abcdefghij", *"äöüßñéøåæç", *"漢字水湖海深川池洋波", *"🌊🐟🐠🐡🦈🐙🐚🦀🦑🐳"]
TEMPLATE = "{% for m in messages %}<{{ m.role }}>{{ m.content }}\n{% endfor %}<assistant>"

_WIDTH, _LAYERS, _HEADS, _SHARED, _INNER = 64, 2, 4, 2, 128
#: What a token of context takes: keys and values, for each layer and shared head, 2 bytes each.
BYTES_PER_TOKEN = _LAYERS * _SHARED * 2 * (_WIDTH // _HEADS) * 2


def write_model(
    path: Path,
    *,
    context: int = 512,
    template: str | None = TEMPLATE,
    seed: int = 0,
    kind: str | None = None,
    architecture: str = "llama",
) -> Path:
    """Write a model with a window of `context` tokens to `path`, and return `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = gguf.GGUFWriter(path, architecture)
    if kind is not None:
        writer.add_type(kind)
    writer.add_name("tiny")
    writer.add_size_label("0.1M")
    writer.add_context_length(context)
    writer.add_embedding_length(_WIDTH)
    writer.add_block_count(_LAYERS)
    writer.add_feed_forward_length(_INNER)
    writer.add_head_count(_HEADS)
    writer.add_head_count_kv(_SHARED)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(_WIDTH // _HEADS)
    _add_vocabulary(writer)
    if template is not None:
        writer.add_chat_template(template)
    _add_weights(writer, np.random.default_rng(seed))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _add_vocabulary(writer: gguf.GGUFWriter) -> None:
    special = ["<unk>", "<s>", "</s>"]
    octets = [f"<0x{octet:02X}>" for octet in range(256)]
    tokens = special + octets + LETTERS
    kinds = [gguf.TokenType.UNKNOWN, gguf.TokenType.CONTROL, gguf.TokenType.CONTROL]
    kinds += [gguf.TokenType.BYTE] * len(octets) + [gguf.TokenType.NORMAL] * len(LETTERS)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("llama")
    writer.add_token_list(tokens)
    writer.add_token_scores([0.0] * len(tokens))
    writer.add_token_types(kinds)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)


def _add_weights(writer: gguf.GGUFWriter, random: np.random.Generator) -> None:
    def add(name: str, *shape: int, scale: float = 0.3) -> None:
        writer.add_tensor(name, scale * random.standard_normal(shape).astype(np.float32))

    silent = 3 + 256
    half = random.standard_normal((len(LETTERS) // 2, _WIDTH))
    output: Any = np.concatenate([np.zeros((silent, _WIDTH)), half, -half])
    writer.add_tensor("output.weight", output.astype(np.float32))
    add("token_embd.weight", silent + len(LETTERS), _WIDTH)
    writer.add_tensor("output_norm.weight", np.ones(_WIDTH, np.float32))
    narrow = _WIDTH // _HEADS * _SHARED
    for layer in range(_LAYERS):
        block = f"blk.{layer}."
        for norm in ("attn_norm", "ffn_norm"):
            writer.add_tensor(f"{block}{norm}.weight", np.ones(_WIDTH, np.float32))
        add(f"{block}attn_q.weight", _WIDTH, _WIDTH)
        add(f"{block}attn_k.weight", narrow, _WIDTH)
        add(f"{block}attn_v.weight", narrow, _WIDTH)
        add(f"{block}attn_output.weight", _WIDTH, _WIDTH)
        add(f"{block}ffn_gate.weight", _INNER, _WIDTH)
        add(f"{block}ffn_up.weight", _INNER, _WIDTH)
        add(f"{block}ffn_down.weight", _WIDTH, _INNER)
