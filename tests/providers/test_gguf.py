"""The head of a GGUF file, of good ones and of bad ones."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import pytest
from gguf import GGUFWriter

from orch_nb.providers._gguf import Head, NotGGUF, read_head
from providers.gguf_model import BYTES_PER_TOKEN, TEMPLATE, write_model


def test_a_model_says_what_it_is(tmp_path: Path) -> None:
    path = write_model(tmp_path / "tiny.gguf", context=512)
    assert read_head(path) == Head("model", "llama", 512, BYTES_PER_TOKEN, TEMPLATE, "0.1M")


def test_a_file_that_changed_is_read_again(tmp_path: Path) -> None:
    path = write_model(tmp_path / "tiny.gguf", context=512)
    assert read_head(path).trained == 512
    write_model(path, context=1024)
    assert read_head(path).trained == 1024


def test_heads_that_are_no_counts_count_for_nothing(tmp_path: Path) -> None:
    writer = GGUFWriter(tmp_path / "odd.gguf", "odd")
    writer.add_array("odd.attention.head_count_kv", [float("nan"), float("inf")])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    assert read_head(tmp_path / "odd.gguf").bytes_per_token == 0


def test_layers_may_differ_in_heads(tmp_path: Path) -> None:
    writer = GGUFWriter(tmp_path / "odd.gguf", "odd")
    writer.add_embedding_length(64)
    writer.add_head_count(4)
    writer.add_head_count_kv([1, 2, 0])
    writer.add_key_length(8)
    writer.add_value_length(4)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    head = read_head(tmp_path / "odd.gguf")
    assert head.bytes_per_token == (1 + 2 + 0) * (8 + 4) * 2
    assert (head.trained, head.template) == (None, None)


def test_the_vocabulary_is_passed_over(tmp_path: Path) -> None:
    writer = GGUFWriter(tmp_path / "wide.gguf", "wide")
    writer.add_token_list([f"token {n}" for n in range(3000)])
    writer.add_token_scores([0.0] * 3000)
    writer.add_chat_template("after it")
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    assert read_head(tmp_path / "wide.gguf").template == "after it"


def damaged(version: int = 3, keys: int = 1, rest: bytes = b"") -> bytes:
    return b"GGUF" + struct.pack("<IQQ", version, 0, keys) + rest


def field(kind: int, value: bytes) -> bytes:
    return struct.pack("<Q", 1) + b"k" + struct.pack("<I", kind) + value


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is no GGUF file"),
        (b"<!DOCTYPE html>", "is no GGUF file"),
        (b"version https://git-lfs.github.com/spec/v1\n", "is no GGUF file"),
        (damaged(version=1), "version 1"),
        (damaged(keys=2**63), "too many keys"),
        (damaged(), "is damaged"),
        (damaged(rest=field(8, struct.pack("<Q", 2**62))), "is damaged"),
        (damaged(rest=field(8, struct.pack("<Q", 1) + b"\xff")), "is damaged"),
        (damaged(rest=field(9, struct.pack("<IQ", 8, 2**62))), "is damaged"),
        (damaged(rest=field(9, struct.pack("<IQ", 8, 1) + b"\xff" * 8)), "is damaged"),
        (damaged(rest=field(9, struct.pack("<IQ", 0, 2**40))), "is damaged"),
        (damaged(rest=field(9, struct.pack("<IQ", 9, 1))), "is damaged"),
        (damaged(rest=field(77, b"\0" * 8)), "is damaged"),
    ],
)
def test_what_is_no_model_is_refused_at_once(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "bad.gguf"
    path.write_bytes(content)
    with pytest.raises(NotGGUF, match=said):
        read_head(path)


def test_a_cut_head_is_damaged(tmp_path: Path) -> None:
    path = write_model(tmp_path / "tiny.gguf")
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(NotGGUF, match="is damaged"):
        read_head(path)


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.gguf")
    for name in ("pipe.gguf", "missing.gguf", "."):
        with pytest.raises(NotGGUF):
            read_head(tmp_path / name)
