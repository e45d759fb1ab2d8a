"""Hits, misses, age, size, and the key of a request."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from orch_nb.store.cache import CacheStats, CacheWarning, ResponseCache, request_key
from orch_nb.types import Message, Parameters, Request, Wants

KEYS = [f"{i:064x}" for i in range(40)]


class Clock:
    now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


def make(folder: Path, **options: Any) -> ResponseCache:
    settings = {"ttl": None, "limit": 10**9, "clock": time.time} | options
    return ResponseCache(folder, lambda: b"s" * 32, **settings)


def ask(cache: ResponseCache, key: str, text: object = "a", **options: bool) -> tuple[object, bool]:
    async def compute() -> dict[str, object]:
        return {"text": text}

    payload, hit = asyncio.run(cache.answer(key, compute, **options))
    return payload["text"], hit


def test_answers_once_and_counts(tmp_path: Path) -> None:
    cache = make(tmp_path)
    assert cache.stats() == CacheStats(0, 0, 0, 0)
    assert ask(cache, KEYS[0], "a") == ("a", False)
    assert ask(cache, KEYS[0], "b") == ("a", True)
    assert ask(cache, KEYS[1], "c") == ("c", False)
    size = sum(p.stat().st_size for p in tmp_path.glob("*.json"))
    assert cache.stats() == CacheStats(2, size, 1, 2)
    assert cache.clear() == 2
    assert cache.stats() == CacheStats(0, 0, 1, 2)
    assert ask(cache, KEYS[0], "d") == ("d", False)


def test_any_text_survives(tmp_path: Path) -> None:
    text = "\ud83d\ude00 \ud800 \U0001f600 \x00 \u2028 é"
    cache = make(tmp_path)
    ask(cache, KEYS[0], text)
    assert ask(cache, KEYS[0]) == (text, True)


def test_any_key_will_do_and_stays_in_the_folder(tmp_path: Path) -> None:
    before = set(tmp_path.rglob("*"))
    cache = make(tmp_path / "cache")
    for key in ("", "..", "../../out", "/etc/passwd", "a\0b", "\ud800", "x" * 5000):
        assert ask(cache, key, key) == (key, False)
        assert ask(cache, key) == (key, True)
    made = set(tmp_path.rglob("*")) - before - {tmp_path / "cache"}
    assert all(path.is_relative_to(tmp_path / "cache") for path in made)


def test_refresh_replaces(tmp_path: Path) -> None:
    cache = make(tmp_path)
    ask(cache, KEYS[0], "old")
    assert ask(cache, KEYS[0], "new", refresh=True) == ("new", False)
    assert ask(cache, KEYS[0]) == ("new", True)
    assert cache.stats().misses == 1


@pytest.mark.parametrize("error", [ValueError("broken"), asyncio.CancelledError()])
def test_what_raises_is_not_stored(tmp_path: Path, error: BaseException) -> None:
    async def fail() -> dict[str, object]:
        raise error

    cache = make(tmp_path)
    with pytest.raises(type(error)):
        asyncio.run(cache.answer(KEYS[0], fail))
    assert cache.stats().entries == 0
    assert ask(cache, KEYS[0], "good") == ("good", False)


def test_an_old_entry_is_replaced(tmp_path: Path) -> None:
    clock = Clock()
    cache = make(tmp_path, ttl=100.0, clock=clock)
    ask(cache, KEYS[0], "first")
    clock.now += 99
    assert ask(cache, KEYS[0]) == ("first", True)  # and using it does not make it younger
    clock.now += 2
    assert ask(cache, KEYS[0], "second") == ("second", False)
    clock.now += 99
    assert ask(cache, KEYS[0]) == ("second", True)
    assert cache.stats().entries == 1


def test_an_entry_from_the_future_does_not_outlive_the_others(tmp_path: Path) -> None:
    clock = Clock()
    clock.now += 10_000
    ask(make(tmp_path, ttl=100.0, clock=clock), KEYS[0], "early")
    clock.now -= 10_000
    assert ask(make(tmp_path, ttl=100.0, clock=clock), KEYS[0], "now") == ("now", False)


def test_the_limit_deletes_what_was_used_longest_ago(tmp_path: Path) -> None:
    cache = make(tmp_path, limit=12_000)
    for i, key in enumerate(KEYS):
        for entry in tmp_path.glob("*.json"):  # an hour passes
            ago = entry.stat().st_mtime - 3600
            os.utime(entry, (ago, ago))
        ask(cache, key, "x" * 1000)
        if i > 0:
            assert ask(cache, KEYS[0]) == ("x" * 1000, True)
        assert cache.stats().bytes <= 12_000
    kept = {key for key in KEYS if ask(make(tmp_path), key, None)[1]}
    assert kept == {KEYS[0], *KEYS[-len(kept) + 1 :]}
    assert len(kept) == 11


def test_many_short_sessions_keep_the_limit_too(tmp_path: Path) -> None:
    for i in range(400):
        ask(make(tmp_path, limit=100_000), f"{i:064x}", "x" * 1000)
    assert make(tmp_path).stats().bytes < 130_000


@pytest.mark.parametrize("folder", ["file/cache", "/proc/cache"])
def test_a_disk_that_cannot_be_written_warns_once(tmp_path: Path, folder: str) -> None:
    (tmp_path / "file").write_text("in the way")
    cache = make(tmp_path / folder)
    with pytest.warns(CacheWarning, match="answers are not kept: .*; set another") as caught:
        answers = [ask(cache, key, key) for key in KEYS[:3]]
    assert answers == [(key, False) for key in KEYS[:3]]
    assert len(caught) == 1
    assert cache.stats() == CacheStats(0, 0, 0, 3)
    assert cache.clear() == 0


def test_a_full_disk_warns_and_answers(tmp_path: Path) -> None:
    # A limit on the size of files fails the write itself, as a full disk does.
    script = (
        "import asyncio, resource, signal, sys, time, warnings\n"
        "from pathlib import Path\n"
        "from orch_nb.store.cache import ResponseCache\n"
        "warnings.simplefilter('always')\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "cache = ResponseCache(Path(sys.argv[1]), lambda: b's' * 32, ttl=None, limit=10**9,"
        " clock=time.time)\n"
        "async def compute(): return {'text': 'x' * 5000}\n"
        "async def main():\n"
        "    for key in 'abc': print((await cache.answer(key, compute))[1])\n"
        "asyncio.run(main())\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout == "False\nFalse\nFalse\n"
    assert done.stderr.count("CacheWarning: answers are not kept") == 1
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == [tmp_path / ".gitignore"]


def test_what_is_not_json_is_answered_and_not_kept(tmp_path: Path) -> None:
    cache = make(tmp_path)
    with pytest.warns(CacheWarning, match="not JSON serializable"):
        assert ask(cache, KEYS[0], b"bytes") == (b"bytes", False)
    assert cache.stats().entries == 0


def test_joblib_is_imported_on_first_use_only(tmp_path: Path) -> None:
    script = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "import orch_nb.store.ledger, orch_nb.store.secret\n"
        "from orch_nb.store.cache import ResponseCache\n"
        "ResponseCache(Path(sys.argv[1]), lambda: b's', ttl=None, limit=1, clock=time.time)\n"
        "assert not {'joblib', 'pandas', 'numpy'} & set(sys.modules)\n"
    )
    folder = tmp_path / "cache"
    subprocess.run([sys.executable, "-c", script, str(folder)], timeout=120, check=True)
    assert not folder.exists()


def test_a_hit_keeps_an_entry_from_looking_unused(tmp_path: Path) -> None:
    clock = Clock()
    cache = make(tmp_path, clock=clock)
    ask(cache, KEYS[0])
    (entry,) = tmp_path.glob("*.json")
    for seconds, renewed in ((3600, True), (59, False), (2, True)):
        clock.now += seconds
        ask(cache, KEYS[0])
        assert (entry.stat().st_mtime == clock.now) is renewed


texts = st.text(st.characters(), max_size=8)
messages = st.builds(Message, st.sampled_from(["user", "assistant"]), texts)
parameters = st.builds(
    Parameters,
    temperature=st.none() | st.floats(allow_nan=False),
    max_tokens=st.none() | st.integers(0),
)
requests = st.builds(
    Request,
    messages=st.lists(messages, min_size=1, max_size=3).map(tuple),
    system=st.none() | texts,
    parameters=parameters,
    wants=st.just(Wants()),
)


@given(requests, requests, texts, texts)
def test_different_requests_have_different_keys(a: Request, b: Request, m: str, e: str) -> None:
    assert request_key(a, m, e) == request_key(dataclasses.replace(a), m, e)
    assume(repr(a) != repr(b))
    assert request_key(a, m, e) != request_key(b, m, e)


@given(requests, st.lists(texts, min_size=4, max_size=4, unique=True))
def test_model_and_endpoint_are_part_of_the_key(request_: Request, names: list[str]) -> None:
    pairs = [(a, b) for a in names for b in names]
    assert len({request_key(request_, *pair) for pair in pairs}) == len(pairs)


def test_none_and_zero_and_surrogates_differ() -> None:
    variants = [
        Request((Message("user", "hi"),)),
        Request((Message("user", "hi"),), system=""),
        Request((Message("user", "hi"),), parameters=Parameters(temperature=0)),
        Request((Message("user", "hi"),), parameters=Parameters(max_tokens=0)),
        Request((Message("user", "\U0001f600"),)),
        Request((Message("user", "\ud83d\ude00"),)),
        Request((Message("user", "\\ud83d\\ude00"),)),
        Request((Message("user", "\ud83d"),)),
    ]
    assert len({request_key(v, "p:m", "http://h") for v in variants}) == len(variants)


def test_a_new_parameter_changes_the_key() -> None:
    @dataclasses.dataclass(frozen=True)
    class Wider(Parameters):
        top_k: int | None = None

    keys = {
        request_key(Request((Message("user", "hi"),), parameters=p), "p:m", "http://h")
        for p in (Parameters(), Wider(), Wider(top_k=0), Wider(top_k=1))
    }
    assert len(keys) == 4


def test_what_the_caller_wants_is_not_part_of_the_key() -> None:
    plain = Request((Message("user", "hi"),))
    wanting = dataclasses.replace(plain, wants=Wants(("a:b",), "cost", "refresh", 3.0))
    assert request_key(plain, "p:m", "e") == request_key(wanting, "p:m", "e")
