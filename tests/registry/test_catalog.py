"""Which models there are, by id, by bare name, and by what nobody listed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from orch_nb.errors import (
    InputError,
    ModelNotFound,
    ProviderError,
    UnknownNameError,
    Unreachable,
)
from orch_nb.registry.catalog import Catalog
from orch_nb.settings import ModelSettings
from orch_nb.types import ModelCard


@dataclass
class Place:
    """A provider in memory: what it lists, or how it fails; and how often it was asked."""

    name: str
    models: tuple[str, ...] = ()
    vendor: str | None = None
    base_url: str | None = "http://127.0.0.1:1/v1"
    priority: int = 100
    failure: ProviderError | None = None
    probed: bool = False
    official: bool = False
    asked: int = field(default=0, init=False)

    @property
    def provider(self) -> Place:
        return self

    @property
    def place(self) -> str:
        return f"{self.name} {self.base_url}"

    async def list_models(self) -> list[ModelCard]:
        self.asked += 1
        await asyncio.sleep(0)
        if self.failure is not None:
            raise self.failure
        simulated = self.vendor == "sim"
        return [ModelCard(self.name, model, simulated=simulated) for model in self.models]


def catalog(*places: Place, stated: Mapping[str, ModelSettings] | None = None) -> Catalog:
    made = Catalog({place.name: place for place in places}, stated or {})
    asyncio.run(made.discover())
    return made


def test_order_is_priority_then_name_however_they_were_listed() -> None:
    places = [
        Place("b", ("z", "a")),
        Place("a", ("m",)),
        Place("last", ("a",), priority=200),
        Place("first", ("a",), priority=1),
    ]
    expected = ["first:a", "a:m", "b:a", "b:z", "last:a"]
    assert [card.id for card in catalog(*places).cards()] == expected
    assert [card.id for card in catalog(*reversed(places)).cards()] == expected


def test_a_list_is_asked_for_once_however_many_want_it() -> None:
    place = Place("a", ("m",))
    made = Catalog({"a": place}, {})

    async def crowd() -> None:
        await asyncio.gather(*(made.discover() for _ in range(5)))
        await made.discover()
        assert place.asked == 1
        await made.discover(refresh=True)
        assert place.asked == 2

    asyncio.run(crowd())


def test_a_failed_list_is_left_alone_for_a_while_and_says_why() -> None:
    down = Place("down", failure=ModelNotFound("down", "no such address", status=404))
    made = catalog(down, Place("up", ("m",)))
    asyncio.run(made.discover())
    assert down.asked == 1
    assert [card.id for card in made.cards()] == ["up:m"]
    assert [(r.model, r.reason) for r in made.unreachable()] == [("down", "no such address")]


def test_full_ids_split_at_the_first_colon() -> None:
    made = catalog(Place("a", ("llama3.1:8b",)), Place("b", ("x",)))
    assert made.resolve("a:llama3.1:8b").name == "llama3.1:8b"
    assert made.resolve("llama3.1:8b").id == "a:llama3.1:8b"
    assert made.resolve("b:llama3.1:8b").id == "b:llama3.1:8b"  # tried as it is


def test_a_bare_name_must_be_unambiguous() -> None:
    made = catalog(Place("a", ("same", "one")), Place("b", ("same",)))
    assert made.resolve("one").id == "a:one"
    with pytest.raises(InputError, match=r"'same' is the name of several .*: a:same, b:same"):
        made.resolve("same")


@pytest.mark.parametrize("name", ["gpt-6-lunar", "aa:gpt-6-luna", "gpt6-luna", "a:", ":", ""])
def test_an_unknown_name_is_an_error_that_helps(name: str) -> None:
    with pytest.raises(UnknownNameError) as caught:
        catalog(Place("a", ("gpt-6-luna",))).resolve(name)
    assert "provider" in str(caught.value)
    if len(name) > 3:
        assert "gpt-6-luna" in str(caught.value)


def test_what_the_user_states_exists_whether_listed_or_not() -> None:
    stated = {
        "a:listed": ModelSettings(context=10),
        "a:other": ModelSettings(context=20),
        "gone:m": ModelSettings(context=30),
    }
    cards = catalog(Place("a", ("listed",)), stated=stated).cards()
    assert [(card.id, card.context) for card in cards] == [("a:listed", 10), ("a:other", 20)]


def test_simulated_models_rank_only_among_themselves() -> None:
    sim = Place("sim", ("small",), vendor="sim", base_url=None)
    (alone,) = catalog(sim).cards()
    assert alone.unranked == ""
    beside = {card.id: card.unranked for card in catalog(sim, Place("a", ("m",))).cards()}
    assert beside["a:m"] == ""
    assert "simulated" in beside["sim:small"]


def test_a_probed_provider_takes_part_once_it_has_listed_a_model() -> None:
    sim = Place("sim", ("small",), vendor="sim", base_url=None)
    gone = Unreachable("ollama", "nothing listens")
    probe = Place("ollama", ("qwen3:4b",), failure=gone, probed=True)
    made = catalog(sim, probe, stated={"ollama:stated": ModelSettings(context=10)})
    assert not made.takes_part("ollama")
    assert [(card.id, card.unranked) for card in made.cards()] == [("sim:small", "")]
    assert made.unreachable() == ()
    with pytest.raises(UnknownNameError, match="providers here: sim"):
        made.resolve("qwen3:4b")

    probe.failure = None
    asyncio.run(made.discover(refresh=True))
    assert made.takes_part("ollama")
    ranked = [card.id for card in made.cards() if not card.unranked]
    assert ranked == ["ollama:qwen3:4b", "ollama:stated"]

    probe.failure = gone  # it is no longer there, and nobody stands in for it
    asyncio.run(made.discover(refresh=True))
    assert [r.model for r in made.unreachable()] == ["ollama"]
    assert [card.id for card in made.cards() if not card.unranked] == ["ollama:stated"]


def test_a_probed_provider_without_a_chat_model_takes_no_part() -> None:
    sim = Place("sim", ("small",), vendor="sim", base_url=None)
    made = catalog(sim, Place("ollama", ("nomic-embed-text",), probed=True))
    assert not made.takes_part("ollama")
    assert "sim:small" in [card.id for card in made.cards() if not card.unranked]


def test_full_ids_need_no_list() -> None:
    place = Place("a", ("m",))
    made = Catalog({"a": place}, {})
    asyncio.run(made.prepare(["a:m", "a:other:8b"]))
    assert place.asked == 0
    asyncio.run(made.prepare(["a:m", "m"]))
    assert place.asked == 1


def test_the_card_of_an_id_that_nobody_listed_follows_what_is_listed_later() -> None:
    place = Place("a", ("m",))
    made = catalog(place)
    tried = made.resolve("a:new")
    assert tried == ModelCard("a", "new")
    assert made.resolve("a:new") is tried
    assert "a:new" not in [card.id for card in made.cards()]
    place.models = ("m", "new")
    asyncio.run(made.discover(refresh=True))
    assert made.resolve("a:new") is made.cards()[1]
