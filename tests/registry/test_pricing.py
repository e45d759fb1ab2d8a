"""Our prices charge what genai-prices charges."""

from __future__ import annotations

import pytest
from genai_prices import Usage as ListedUsage
from genai_prices import calc_price

from orch_nb.registry.facts import with_facts
from orch_nb.registry.pricing import context_window, list_price
from orch_nb.types import ModelCard, Usage

MODELS = [
    ("openai", "gpt-6-luna"),
    ("openai", "gpt-6.1-terra"),
    ("openai", "gpt-6.1-sol"),
    ("openai", "gpt-6-astra"),
    ("anthropic", "claude-haiku-5-5"),
    ("anthropic", "claude-sonnet-5-5"),
    ("anthropic", "claude-opus-5-5"),
]
#: Input tokens, of them cached, output tokens; up to both sides of every long-context threshold.
USAGES = [
    (0, 0, 0),
    (1, 0, 1),
    (1000, 0, 500),
    (1000, 999, 0),
    (100_000, 0, 1000),
    (100_001, 50_000, 1000),
    (200_001, 0, 7),
    (272_000, 0, 1000),
    (272_001, 1, 1000),
    (900_000, 900_000, 60_000),
]


@pytest.mark.parametrize("usage", USAGES)
@pytest.mark.parametrize(("vendor", "model"), MODELS)
def test_charges_are_the_listed_ones(vendor: str, model: str, usage: tuple[int, int, int]) -> None:
    given, cached, produced = usage
    prices = list_price(model, vendor, None)
    assert prices is not None
    listed = calc_price(
        ListedUsage(input_tokens=given, cache_read_tokens=cached, output_tokens=produced),
        model,
        provider_id=vendor,
    )
    assert prices.charge(Usage(given, produced, cached)) == listed.total_price
    assert prices.source.startswith("genai-prices ")


def test_a_name_alone_proves_no_price() -> None:
    assert list_price("gpt-6-luna", None, None) is None
    assert list_price("gpt-6-luna", None, "http://127.0.0.1:8000/v1") is None
    assert list_price("no-such-model", "openai", None) is None
    assert context_window("no-such-model", "openai", None) is None


def test_a_known_service_is_known_by_its_address() -> None:
    assert list_price("gpt-6-luna", None, "https://api.openai.com/v1") == list_price(
        "gpt-6-luna", "openai", None
    )


def test_what_a_server_states_outweighs_the_list() -> None:
    card = with_facts(ModelCard("openai", "gpt-6-luna", context=4096), "openai", None)
    assert card.context == 4096
    assert card.prices == list_price("gpt-6-luna", "openai", None)
