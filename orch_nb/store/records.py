"""The records of a session in memory: the newest as they came, the older ones packed."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from functools import cache
from io import BytesIO
from operator import attrgetter
from typing import Any, overload

from orch_nb import types
from orch_nb.types import Record

# Records that are kept as they came, at least, and those of a block. Chosen: a record takes about
# 4 kB, packed with a hundred others about 50 bytes and 40 % of its texts (measured on prose); so
# 50,000 calls of a thousand characters take 20 MB, and none need be forgotten. Packing and
# unpacking cost about 20 µs each, and most sessions never come to it.
NEWEST = 500
_BLOCK = 100


class Records(Sequence[Record]):
    """Records in the order of their arrival, of which the newest 500 are the very objects.

    Older ones are equal to what they were, but for their decision: that lists who was best and
    who was asked, and counts the others. To be changed by one thread at a time; others may read
    meanwhile.
    """

    def __init__(self) -> None:
        # One tuple, so that who reads never sees a record in both places, or in none.
        self._parts: tuple[list[_Block], list[Record]] = ([], [])
        self._unpacked: tuple[_Block, list[Record]] | None = None

    def append(self, record: Record) -> None:
        """Add `record` at the end."""
        blocks, newest = self._parts
        newest.append(record)
        if len(newest) == NEWEST + _BLOCK:
            self._parts = ([*blocks, _Block.of(newest[:_BLOCK])], newest[_BLOCK:])

    def __len__(self) -> int:
        blocks, newest = self._parts
        return len(blocks) * _BLOCK + len(newest)

    def __iter__(self) -> Iterator[Record]:
        """Iterate over what is there now; what is added meanwhile is not part of it."""
        blocks, newest = self._parts
        return self._each(blocks, newest.copy())

    @overload
    def __getitem__(self, index: int) -> Record: ...
    @overload
    def __getitem__(self, index: slice) -> list[Record]: ...
    def __getitem__(self, index: int | slice) -> Record | list[Record]:
        blocks, newest = self._parts
        packed = len(blocks) * _BLOCK
        length = packed + len(newest)
        if isinstance(index, slice):
            return [self[place] for place in range(*index.indices(length))]
        place = index + length if index < 0 else index
        if not 0 <= place < length:
            raise IndexError(f"there are {length} records, not one at {index}")
        if place >= packed:
            return newest[place - packed]
        return self._unpack(blocks[place // _BLOCK])[place % _BLOCK]

    def _each(self, blocks: Sequence[_Block], newest: Sequence[Record]) -> Iterator[Record]:
        for block in blocks:
            yield from block.unpack()
        yield from newest

    def _unpack(self, block: _Block) -> list[Record]:
        """The records of `block`; those of the last one that was asked for are kept."""
        known = self._unpacked
        if known is None or known[0] is not block:
            known = self._unpacked = (block, block.unpack())
        return known[1]


@dataclass(frozen=True, slots=True, eq=False)
class _Block:
    """A hundred records; ``parsed`` are the user's own objects, which stay what they are."""

    packed: bytes | list[Record]
    parsed: dict[int, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, records: Sequence[Record]) -> _Block:
        import pickle  # noqa: PLC0415 - for long sessions; nothing else is ever unpickled

        parsed = {
            place: record.response.parsed
            for place, record in enumerate(records)
            if record.response is not None and record.response.parsed is not None
        }
        slim = [_slim(record) for record in records]
        content = BytesIO()
        packer = pickle.Pickler(content, protocol=5)
        packer.dispatch_table = _by_fields()
        try:
            packer.dump(slim)
            return cls(zlib.compress(content.getbuffer(), 1), parsed)
        except (pickle.PicklingError, TypeError, AttributeError, RecursionError):
            return cls(slim, parsed)

    def unpack(self) -> list[Record]:
        import pickle  # noqa: PLC0415

        if isinstance(self.packed, bytes):
            # Written above by this process, and kept in its memory alone.
            records: list[Record] = pickle.loads(zlib.decompress(self.packed))  # noqa: S301
        else:
            records = self.packed.copy()
        for place, value in self.parsed.items():
            response = records[place].response
            assert response is not None
            records[place] = replace(records[place], response=replace(response, parsed=value))
        return records


@cache
def _by_fields() -> dict[type, Callable[[Any], tuple[Any, ...]]]:
    """How the dataclasses of `orch_nb.types` are packed: twice as quick as by their own state."""
    kinds = [kind for kind in vars(types).values() if isinstance(kind, type) and is_dataclass(kind)]
    return {kind: _reduction(kind) for kind in kinds}


def _reduction(kind: type) -> Callable[[Any], tuple[Any, ...]]:
    first, *others = (field.name for field in fields(kind))
    if not others:
        value = attrgetter(first)
        return lambda thing: (kind, (value(thing),))
    values = attrgetter(first, *others)
    return lambda thing: (kind, values(thing))


def _slim(record: Record) -> Record:
    decision, response = record.decision, record.response
    if decision is not None:
        decision = decision.kept({attempt.model for attempt in record.attempts}, most=1)
    if response is not None:
        kept = decision or response.decision
        if response.decision is not kept or response.parsed is not None:
            response = replace(response, decision=kept, parsed=None)
    if decision is record.decision and response is record.response:
        return record
    return replace(record, decision=decision, response=response)
