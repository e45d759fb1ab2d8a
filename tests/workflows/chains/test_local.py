"""A chain on a real local model: llama.cpp, with weights made here."""

from __future__ import annotations

from pathlib import Path

import pytest

from orch_nb import Session
from providers.gguf_model import write_model

pytest.importorskip("xllamacpp", reason="the extra local is not installed")


def test_a_chain_completes_on_a_local_model(tmp_path: Path) -> None:
    path = write_model(tmp_path / "tiny.gguf", context=4096)
    models = {"local:tiny": {"path": str(path)}}
    with Session({"preset": "local-only", "models": models}) as session:
        result = session.chain("Explain tides in one sentence", max_tokens=40)
    assert {role for role, one in result.roles.items() if one is not None} == {
        "planner", "context", "executor", "reviewer"
    }  # fmt: skip
    assert {one.model for one in result.roles.values() if one} == {"local:tiny"}
    assert result.text.strip()
    assert result.billed == 0
