"""The data files, and the script that makes one of them anew."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import orch_nb.registry
from orch_nb.registry.facts import snapshot, with_facts
from orch_nb.registry.line_ups import line_up, place
from orch_nb.registry.names import canonical, is_chat
from orch_nb.registry.snapshot import open_facts, vendor_facts
from orch_nb.types import ModelCard

FACTS = Path(orch_nb.registry.__file__).with_name("facts.json")
DOCUMENT = json.loads(FACTS.read_text(encoding="utf-8"))


def test_the_file_is_small_and_names_its_sources_and_their_licences() -> None:
    assert FACTS.stat().st_size <= 60_000
    assert {name.split()[0] for name in DOCUMENT["attribution"]} == {"litellm", "genai-prices"}
    assert all("MIT" in said and "Copyright" in said for said in DOCUMENT["attribution"].values())
    named = {*DOCUMENT["vendors_from"].values(), *DOCUMENT["open_from"].values()}
    assert named <= set(DOCUMENT["attribution"])


def rows() -> list[tuple[str, dict[str, Any]]]:
    return [
        row for part in (*DOCUMENT["vendors"].values(), DOCUMENT["open"]) for row in part.items()
    ]


def test_every_row_is_a_chat_model_with_sensible_facts() -> None:
    for name, row in rows():
        assert is_chat(name), name
        assert set(row) <= {"context", "max_output", "capabilities"}, name
        assert 1_000 <= row.get("context", 1_000) <= 20_000_000, name
        assert set(row.get("capabilities", ())) <= {"json", "tools", "vision"}, name


@pytest.mark.parametrize("family", ["llama-", "qwen-", "mistral-", "gemma-", "deepseek-", "phi-"])
def test_the_common_open_models_are_there(family: str) -> None:
    assert any(name.startswith(family) for name in DOCUMENT["open"])


@pytest.mark.parametrize("vendor", ["openai", "anthropic"])
def test_every_model_of_a_line_up_has_facts_and_a_place(vendor: str) -> None:
    for name in line_up(vendor):
        known, stands = snapshot(name, vendor), place(vendor, name)
        assert known is not None
        assert known.facts["context"] > 100_000
        assert stands is not None
        assert stands.source


@pytest.mark.parametrize(
    "name",
    [
        "llama3.1:8b",
        "llama3.1:8b-instruct-q4_K_M",
        "meta-llama/Llama-3.1-8B-Instruct",
        "meta-llama/Meta-Llama-3.1-8B-Instruct",
        "accounts/fireworks/models/llama-v3p1-8b-instruct",
        "Llama-3.1-8B-Instruct-Q4_K_M.gguf",
        "llama-3.1-8b:free",
        "LLAMA-3.1-8B-FP8",
    ],
)
def test_one_model_has_one_spelling(name: str) -> None:
    assert canonical(name) == "llama-3.1-8b"
    assert with_facts(ModelCard("team", name), None, "http://127.0.0.1:1/v1").context == 131_072


@pytest.mark.parametrize(
    ("one", "other"),
    [("llama3.1:8b", "llama3.1:70b"), ("qwen3:4b", "qwen3:14b"), ("gpt-oss:20b", "gpt-oss:120b")],
)
def test_different_models_stay_different(one: str, other: str) -> None:
    assert canonical(one) != canonical(other)


def test_a_dated_alias_a_withdrawn_and_a_special_model_are_left_out() -> None:
    row = {
        "litellm_provider": "openai",
        "mode": "chat",
        "max_output_tokens": 10,
        "supports_function_calling": True,
    }
    table = {
        "gpt-new": row,
        "gpt-new-2026-01-01": row,
        "gpt-old": {**row, "deprecation_date": "2026-01-01"},
        "gpt-new-audio": row,
        "ft:gpt-new": row,
        "text-embedding-9": {**row, "mode": "embedding"},
        "claude-new": {**row, "litellm_provider": "anthropic"},
    }
    facts = vendor_facts(table, "openai", "2026-06-01")
    assert facts["gpt-new"] == {"max_output": 10, "capabilities": ["tools"]}
    assert set(facts) == {"gpt-new", *line_up("openai")}


def host(name: str, window: int, **flags: bool) -> dict[str, Any]:
    return {"litellm_provider": name, "mode": "chat", "max_input_tokens": window, **flags}


def test_of_an_open_model_a_fact_is_what_two_hosts_state() -> None:
    both = {"supports_function_calling": True, "supports_response_schema": True}
    table = {
        "one/qwen3-8b": host("one", 40_960, **both),
        "two/Qwen3-8B": host("two", 40_960, **both, supports_vision=True),
        "three/qwen3-8b": host("three", 8_192),
        "four/qwen3-8b": host("four", 999_999),
        "one/qwen3-14b": host("one", 40_960),
        "two/qwen3-14b": host("two", 8_192),
        "one/qwen3-4b": host("one", 40_960),
    }
    assert open_facts(table) == {
        "qwen-3-14b": {"context": 8_192},
        "qwen-3-8b": {"context": 40_960, "capabilities": ["json", "tools"]},
    }


def test_it_is_read_when_a_card_is_first_completed() -> None:
    code = (
        "from IPython.core.interactiveshell import InteractiveShell\n"
        "InteractiveShell.instance().run_line_magic('load_ext', 'orch_nb')\n"
        "from orch_nb.registry import facts\n"
        "assert facts._document.cache_info().currsize == 0\n"
        "facts.snapshot('gpt-6-luna', 'openai')\n"
        "assert facts._document.cache_info().currsize == 1\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)


# -- which fact comes from where


def test_every_fact_of_a_card_names_its_source() -> None:
    card = with_facts(ModelCard("openai", "gpt-6-luna", max_output=5), "openai", None)
    assert card.sources["max_output"] == "listed by the server"
    assert card.sources["context"].startswith(f"snapshot of {DOCUMENT['date']} (genai-prices")
    assert card.sources["capabilities"].startswith(f"snapshot of {DOCUMENT['date']} (litellm")
    assert card.sources["prices"].startswith("genai-prices")
    assert "a prior" in card.sources["tier"]
    assert card.max_output == 5


def test_what_the_server_says_outweighs_the_snapshot() -> None:
    said = ModelCard("team", "llama3.1:8b", context=4_096, capabilities=frozenset())
    card = with_facts(said, None, "http://127.0.0.1:1/v1")
    assert (card.context, card.capabilities) == (4_096, frozenset())
    assert set(card.sources.values()) == {"listed by the server"}
