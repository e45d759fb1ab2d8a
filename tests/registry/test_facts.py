"""What is known of a model before anybody asks it, and who may correct it."""

from __future__ import annotations

from decimal import Decimal

import pytest

from orch_nb.registry.facts import is_chat, with_facts, with_statement
from orch_nb.settings import ModelSettings
from orch_nb.settings.validation import validate
from orch_nb.types import ModelCard


@pytest.mark.parametrize(
    "name",
    [
        "text-embedding-3-small",
        "nomic-embed-text",
        "bge-m3",
        "whisper-1",
        "gpt-4o-mini-tts",
        "gpt-image-1",
        "dall-e-3",
        "omni-moderation-latest",
        "gpt-realtime",
        "gpt-4o-transcribe",
        "jina-reranker-v2",
        "Text-Embedding-Ada-002",
        "sora-2",
    ],
)
def test_what_is_no_chat_model_is_never_ranked(name: str) -> None:
    assert not is_chat(name)
    assert with_facts(ModelCard("p", name), None, None).unranked == "no chat model"


@pytest.mark.parametrize(
    "name",
    ["gpt-6-luna", "claude-opus-5-5", "llama3.1:8b", "qwen3-32b", "adamant-7b", "mistral-large"],
)
def test_what_chats_is_ranked(name: str) -> None:
    assert with_facts(ModelCard("p", name), None, None).unranked == ""


@pytest.mark.parametrize("vendor", ["openai", "anthropic"])
def test_tiers_rise_along_the_vendors_own_order_and_name_their_source(vendor: str) -> None:
    names = {
        "openai": ["gpt-6-luna", "gpt-6.1-terra", "gpt-6.1-sol", "gpt-6-astra"],
        "anthropic": ["claude-haiku-5-5", "claude-sonnet-5-5", "claude-opus-5-5"],
    }[vendor]
    cards = [with_facts(ModelCard(vendor, name), vendor, None) for name in names]
    tiers = [card.tier for card in cards]
    assert None not in tiers
    assert tiers == sorted(tiers, key=lambda tier: tier or 0)
    assert len(set(tiers)) == len(tiers)
    assert all(card.tier_source.startswith(f"{vendor}'s line-up") for card in cards)


@pytest.mark.parametrize("suffix", ["-20261101", "-2026-11-01", "-latest"])
def test_a_dated_name_is_the_model_of_that_name(suffix: str) -> None:
    plain = with_facts(ModelCard("openai", "gpt-6-luna"), "openai", None)
    dated = with_facts(ModelCard("openai", f"gpt-6-luna{suffix}"), "openai", None)
    assert dated.tier == plain.tier


def test_an_old_model_of_a_vendor_is_used_only_by_name() -> None:
    card = with_facts(ModelCard("openai", "gpt-4o"), "openai", None)
    assert "name it to use it" in card.unranked
    assert card.tier is None


def test_nothing_is_made_up_about_an_unknown_model() -> None:
    card = with_facts(ModelCard("team", "own-32b"), None, "http://127.0.0.1:1/v1")
    assert card == ModelCard("team", "own-32b")
    assert card.sources == {}


def test_what_the_user_states_outweighs_everything() -> None:
    card = with_facts(ModelCard("openai", "text-embedding-3-small", context=1), "openai", None)
    stated = validate(
        ModelSettings,
        {
            "price": {"input": 0.2, "output": 0.6},
            "context": 32768,
            "max_output": 4096,
            "capabilities": ["json", "tools"],
            "quality": {"code": 0.7},
        },
    )
    card = with_statement(card, stated)
    assert card.prices is not None
    assert (card.prices.input, card.prices.output) == (Decimal("0.2"), Decimal("0.6"))
    assert card.prices.source == "settings"
    assert (card.context, card.max_output, card.unranked) == (32768, 4096, "")
    assert card.capabilities == frozenset({"json", "tools"})
    assert card.quality == {"code": 0.7}


def test_a_statement_without_a_word_on_a_fact_leaves_it() -> None:
    card = with_facts(ModelCard("openai", "gpt-6-luna"), "openai", None)
    assert with_statement(card, None) == card
    stated = with_statement(card, ModelSettings(context=9))
    assert (stated.prices, stated.tier, stated.context) == (card.prices, card.tier, 9)
