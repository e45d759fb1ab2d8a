"""The store under stock joblib, as anybody else would use it."""

from __future__ import annotations

import time
from pathlib import Path

import joblib

from orch_nb.store.json_store import BACKEND


def test_it_is_a_joblib_backend(tmp_path: Path) -> None:
    failures: list[Exception] = []
    options = {
        "secret": b"s" * 32,
        "ttl": None,
        "limit": 10**9,
        "clock": time.time,
        "failed": failures.append,
    }
    memory = joblib.Memory(tmp_path, backend=BACKEND, verbose=0, backend_options=options)
    called: list[int] = []

    def double(number: int) -> dict[str, int]:
        called.append(number)
        return {"twice": 2 * number}

    cached = memory.cache(double)
    for _ in range(3):
        cached(1)
    called.clear()
    assert cached(1) == {"twice": 2}
    assert cached(2) == {"twice": 4}
    assert called == [2]
    memory.reduce_size(items_limit=1)
    assert len(list(tmp_path.glob("*.json"))) == 1
    memory.clear(warn=False)
    assert list(tmp_path.glob("*.json")) == []
    assert failures == []
