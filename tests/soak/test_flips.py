"""Bits that flip on the disk: what is not whole is never served."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

from orch_nb.store.cache import ResponseCache
from soak.sizes import sized

TEXTS = ("right", "é \u2028 \U0001f30a " * 40, "x" * 5000, "", '{"text": "[1, 2]"}')


def test_no_entry_with_a_flipped_bit_is_served(tmp_path: Path) -> None:
    cache = ResponseCache(
        tmp_path, lambda: b"s" * 32, ttl=None, limit=10**9, clock=lambda: 1_800_000_000.0
    )
    draw = random.Random(7)
    for text in TEXTS:
        payload: dict[str, object] = {"text": text, "usage": {"input": 3, "output": 1}}

        async def compute(payload: dict[str, object] = payload) -> dict[str, object]:
            return payload

        asyncio.run(cache.answer(text, compute))
        (entry,) = tmp_path.glob("*.json")
        sound = entry.read_bytes()
        for _ in range(sized(1000, 5000, 100_000) // len(TEXTS)):
            damaged = bytearray(sound)
            # Sometimes several, and those that lie in the head more often than their share.
            for _ in range(draw.choice((1, 1, 1, 2, 8))):
                reach = draw.choice((len(sound), 100))
                damaged[draw.randrange(min(reach, len(sound)))] ^= 1 << draw.randrange(8)
            if damaged == sound:
                continue
            entry.write_bytes(damaged)
            assert cache.recall(text) is None, damaged
        entry.write_bytes(sound)
        assert cache.recall(text) == payload
        entry.unlink()
