"""What was listed is known to the next session, and no more than that."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from orch_nb.errors import KeyRefused, UnknownNameError
from orch_nb.registry.catalog import Catalog
from orch_nb.registry.discovery import MODELS
from orch_nb.registry.memory import Memory, Remembered
from orch_nb.types import ModelCard, Prices
from registry.test_catalog import Place


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home" / "orch"


@pytest.fixture
def memory(home: Path) -> Memory:
    return Memory(lambda: home)


def test_a_card_comes_back_as_it_was(memory: Memory) -> None:
    long = Prices(Decimal("0.20"), Decimal(4))
    prices = Prices(Decimal("0.10"), Decimal(2), Decimal("1E-9"), "the server", ((9, long),))
    card = ModelCard(
        "a",
        "llama:8b",
        10,
        5,
        prices,
        frozenset({"json"}),
        {"code": 0.5},
        tier=1.0,
        speed=2.5,
        local=True,
        size=9,
        variant="8B",
    )
    memory.save({"a place": Remembered(7.5, reachable=True, cards=(card,))})
    assert memory.load() == {"a place": Remembered(7.5, reachable=True, cards=(card,))}


def test_what_was_in_memory_then_is_not_remembered(memory: Memory) -> None:
    memory.save({"p": Remembered(1.0, reachable=True, cards=(ModelCard("a", "m", loaded=True),))})
    assert memory.load()["p"].cards == (ModelCard("a", "m"),)


def test_only_the_user_can_read_it(memory: Memory, home: Path) -> None:
    memory.save({"p": Remembered(1.0, reachable=True)})
    (file,) = home.iterdir()
    assert (file.stat().st_mode & 0o777, home.stat().st_mode & 0o777) == (0o600, 0o700)


def _damage(content: bytes) -> list[bytes]:
    document = json.loads(content)
    return [
        b"",
        b"\x00\xff",
        content[: len(content) // 2],
        b"[" * 100_000,
        json.dumps([2, document[1]]).encode(),
        json.dumps([1, {"p": {"at": "soon", "reachable": True}}]).encode(),
        json.dumps([1, {"p": {"at": 1, "reachable": True, "cards": [{"provider": 3}]}}]).encode(),
        *(
            json.dumps([1, {"p": {"at": 1, "reachable": True, "cards": [CARD | wrong]}}]).encode()
            for wrong in WRONG
        ),
        json.dumps({"1": {}}).encode(),
        b"7",
    ]


CARD = {"provider": "a", "name": "m"}
WRONG: list[dict[str, object]] = [
    {"context": "long"},
    {"context": None},
    {"local": 1},
    {"keys": "none"},
    {"prices": {"input": "1"}},
    {"prices": {"input": "NaN", "output": "1"}},
    {"prices": {"input": "a", "output": "1"}},
    {"prices": {"input": "1", "output": "1", "long_context": [5]}},
    {"quality": [1]},
    {"quality": {"code": "good"}},
    {"capabilities": 5},
]


@pytest.mark.parametrize("number", range(9 + len(WRONG)))
def test_what_is_damaged_is_nothing_remembered(memory: Memory, home: Path, number: int) -> None:
    memory.save({"p": Remembered(1.0, reachable=True, cards=(ModelCard("a", "m"),))})
    (file,) = home.iterdir()
    file.write_bytes(_damage(file.read_bytes())[number])
    assert memory.load() == {}
    memory.save({"q": Remembered(2.0, reachable=False)})
    assert list(memory.load()) == ["q"]


def test_it_is_read_without_pydantic(memory: Memory, home: Path) -> None:
    memory.save({"p": Remembered(1.0, reachable=True, cards=(ModelCard("a", "m"),))})
    code = (
        "import sys; from pathlib import Path; from orch_nb.registry.memory import Memory;"
        f"print(len(Memory(lambda: Path({str(home)!r})).load()), 'pydantic' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["1", "False"]


def test_a_link_in_its_place_is_not_read(memory: Memory, home: Path, tmp_path: Path) -> None:
    memory.save({"p": Remembered(1.0, reachable=True)})
    (file,) = home.iterdir()
    file.rename(tmp_path / "elsewhere")
    file.symlink_to(tmp_path / "elsewhere")
    assert memory.load() == {}


def test_a_folder_that_cannot_be_written_costs_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    memory = Memory(lambda: tmp_path / "file" / "orch")
    memory.save({"p": Remembered(1.0, reachable=True)})
    assert memory.load() == {}


def test_the_oldest_is_forgotten_where_there_is_too_much(memory: Memory) -> None:
    many = tuple(ModelCard("a", f"m{i}") for i in range(MODELS - 1))
    memory.save({"big": Remembered(1.0, reachable=True, cards=many)})
    few = (ModelCard("b", "x"), ModelCard("b", "y"))
    memory.save({"small": Remembered(2.0, reachable=True, cards=few)})
    assert list(memory.load()) == ["small"]
    memory.save({f"p{i}": Remembered(3.0, reachable=True) for i in range(150)})
    assert len(memory.load()) == 100


def test_hostile_names_are_left_out_before_anything_is_kept(memory: Memory) -> None:
    names = ("fine", "", "\ud800 surrogate", "x" * 257, "a\x1b[2Jb")
    made = Catalog({"a": Place("a", names)}, {}, memory)
    asyncio.run(made.discover())
    assert [card.name for card in made.cards()] == ["a\x1b[2Jb", "fine"]
    assert Catalog({"a": Place("a")}, {}, memory).ids() == made.ids()


# -- with a catalog


def test_the_next_session_knows_without_asking(memory: Memory) -> None:
    asyncio.run(Catalog({"a": Place("a", ("m", "text-embedding-x"))}, {}, memory).discover())
    place = Place("a", ("m", "new"))
    made = Catalog({"a": place}, {}, memory)
    assert made.ids() == ("a:m",)
    assert made.resolve("m").id == "a:m"
    assert place.asked == 0


def test_another_address_is_another_place(memory: Memory) -> None:
    asyncio.run(Catalog({"a": Place("a", ("m",))}, {}, memory).discover())
    moved = Place("a", base_url="http://127.0.0.1:2/v1")
    assert Catalog({"a": moved}, {}, memory).ids() == ()


def test_what_was_refused_is_remembered_as_nothing_to_pick(memory: Memory) -> None:
    asyncio.run(Catalog({"a": Place("a", ("m",))}, {}, memory).discover())
    refused = Place("a", failure=KeyRefused("a", "no such key", status=401))
    asyncio.run(Catalog({"a": refused}, {}, memory).discover())
    row = Catalog({"a": Place("a")}, {}, memory).listings()["a"]
    assert (row.cards, row.reachable, row.error) == ((), False, None)


class Slow(Place):
    """A provider that answers when it is told to."""

    released: asyncio.Event

    async def list_models(self) -> list[ModelCard]:
        self.asked += 1
        await self.released.wait()
        return [ModelCard(self.name, name) for name in self.models]


def _prepare(made: Catalog, then: Callable[[], object]) -> None:
    async def main() -> None:
        await asyncio.wait_for(made.prepare(()), 2)
        then()
        await made.close()

    asyncio.run(main())


def test_the_first_prompt_does_not_wait_for_what_is_remembered(memory: Memory) -> None:
    asyncio.run(Catalog({"a": Place("a", ("m",))}, {}, memory).discover())

    async def main() -> None:
        slow = Slow("a", ("m", "new"))
        slow.released = asyncio.Event()
        made = Catalog({"a": slow}, {}, memory)
        await asyncio.wait_for(made.prepare(()), 2)
        assert [card.name for card in made.cards()] == ["m"]
        slow.released.set()
        await made.discover()  # waits for the one who asks already
        assert [card.name for card in made.cards()] == ["m", "new"]
        assert slow.asked == 1
        await made.close()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(main())


def test_a_vendors_own_service_needs_no_list(memory: Memory) -> None:
    hung = Place("openai", vendor="openai", base_url="https://api.openai.com/v1", official=True)
    made = Catalog({"openai": hung}, {}, memory)
    seen: list[str] = []
    _prepare(made, lambda: seen.extend(card.name for card in made.cards()))
    assert "gpt-6-luna" in seen


def test_without_any_known_model_it_waits(memory: Memory) -> None:
    made = Catalog({"a": Place("a", ("m",))}, {}, memory)
    seen: list[str] = []
    _prepare(made, lambda: seen.extend(card.id for card in made.cards()))
    assert seen == ["a:m"]


def test_a_refresh_does_not_wait_for_who_asks_already(memory: Memory) -> None:
    asyncio.run(Catalog({"a": Place("a", ("m",))}, {}, memory).discover())

    async def main() -> None:
        slow = Slow("a", ("m", "new"))
        slow.released = asyncio.Event()
        made = Catalog({"a": slow}, {}, memory)
        await made.prepare(())
        await asyncio.sleep(0)
        refreshing = asyncio.create_task(made.discover(refresh=True))
        while slow.asked < 2:
            await asyncio.sleep(0)
        slow.released.set()
        await refreshing
        assert [card.name for card in made.cards()] == ["m", "new"]

    asyncio.run(asyncio.wait_for(main(), 4))


def test_an_unknown_provider_is_not_asked(memory: Memory) -> None:
    with pytest.raises(UnknownNameError, match="unknown provider 'b'"):
        asyncio.run(Catalog({"a": Place("a")}, {}, memory).discover(["b"], refresh=True))


def test_closing_ends_the_asking(memory: Memory) -> None:
    asyncio.run(Catalog({"a": Place("a", ("m",))}, {}, memory).discover())

    async def main() -> None:
        slow = Slow("a")
        slow.released = asyncio.Event()
        made = Catalog({"a": slow}, {}, memory)
        await made.prepare(())
        await asyncio.sleep(0)
        await made.close()
        assert asyncio.all_tasks() == {asyncio.current_task()}
        assert [card.name for card in made.cards()] == ["m"]

    asyncio.run(main())
