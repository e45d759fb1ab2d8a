"""What lies on disk: damaged, planted, moved, killed half-way, shared between processes."""

from __future__ import annotations

import asyncio
import os
import pickle
import random
import shutil
import signal
import stat
import subprocess
import sys
import time
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from orch_nb.store.cache import ResponseCache

SECRET = b"s" * 32
KEY = "ab" * 32
SCRIPT = """
import asyncio, sys, time
from pathlib import Path
from orch_nb.store.cache import ResponseCache

cache = ResponseCache(Path(sys.argv[1]), lambda: b"s" * 32, ttl=None, limit=10**9, clock=time.time)

async def compute():
    print("computed", flush=True)
    return {"text": "from " + sys.argv[3]}

async def main():
"""
ASK = "    print((await cache.answer(sys.argv[2], compute))[0]['text'])\nasyncio.run(main())"


def make(folder: Path, secret: bytes = SECRET, **options: Any) -> ResponseCache:
    settings = {"ttl": None, "limit": 10**9, "clock": time.time} | options
    return ResponseCache(folder, lambda: secret, **settings)


def ask(cache: ResponseCache, key: str = KEY, text: str = "computed") -> tuple[str, bool]:
    async def compute() -> dict[str, object]:
        return {"text": text}

    payload, hit = asyncio.run(cache.answer(key, compute))
    return str(payload["text"]), hit


def entries(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.json"))


def start(body: str, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", SCRIPT + body, *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_a_second_process_finds_what_the_first_stored(tmp_path: Path) -> None:
    first, _ = start(ASK, str(tmp_path), KEY, "first").communicate(timeout=120)
    second, _ = start(ASK, str(tmp_path), KEY, "second").communicate(timeout=120)
    assert first.split("\n") == ["computed", "from first", ""]
    assert second.split("\n") == ["from first", ""]
    assert ask(make(tmp_path)) == ("from first", True)


def test_no_flipped_bit_is_ever_served(tmp_path: Path) -> None:
    ask(make(tmp_path), text="right")
    (entry,) = entries(tmp_path)
    sound = entry.read_bytes()
    rng = random.Random(7)
    for _ in range(300):
        damaged = bytearray(sound)
        damaged[rng.randrange(len(sound))] ^= 1 << rng.randrange(8)
        entry.write_bytes(damaged)
        assert ask(make(tmp_path), text="again") == ("again", False)
    entry.write_bytes(sound)
    assert ask(make(tmp_path)) == ("right", True)


def test_a_truncated_or_extended_entry_is_a_miss(tmp_path: Path) -> None:
    ask(make(tmp_path), text="right")
    (entry,) = entries(tmp_path)
    sound = entry.read_bytes()
    for damaged in [*(sound[:n] for n in range(len(sound))), sound + b" ", sound * 2]:
        entry.write_bytes(damaged)
        assert ask(make(tmp_path), text="again") == ("again", False)
        assert ask(make(tmp_path)) == ("again", True)


def test_an_entry_signed_with_another_secret_is_a_miss(tmp_path: Path) -> None:
    ask(make(tmp_path, b"t" * 32), text="foreign")
    assert ask(make(tmp_path), text="own") == ("own", False)


def test_an_entry_in_another_entrys_place_is_a_miss(tmp_path: Path) -> None:
    cache = make(tmp_path)
    ask(cache, KEY, "one")
    (one,) = entries(tmp_path)
    ask(cache, "cd" * 32, "two")
    (two,) = set(entries(tmp_path)) - {one}
    two.write_bytes(one.read_bytes())
    assert ask(cache, "cd" * 32, "again") == ("again", False)
    assert ask(cache, KEY) == ("one", True)


def test_a_link_in_an_entrys_place_is_not_followed(tmp_path: Path) -> None:
    cache = make(tmp_path / "cache")
    ask(cache, text="right")
    (entry,) = entries(tmp_path / "cache")
    elsewhere = entry.rename(tmp_path / "elsewhere")
    before = elsewhere.read_bytes()
    entry.symlink_to(elsewhere)
    assert ask(cache, text="again") == ("again", False)
    assert not entry.is_symlink()
    assert elsewhere.read_bytes() == before


def test_the_folder_may_be_deleted_meanwhile(tmp_path: Path) -> None:
    cache = make(tmp_path / "cache")
    ask(cache)
    shutil.rmtree(tmp_path / "cache")
    assert ask(cache, text="again") == ("again", False)
    assert ask(cache) == ("again", True)
    assert (tmp_path / "cache" / ".gitignore").exists()


def test_entries_of_the_earlier_layout_are_not_read_and_go_with_the_others(tmp_path: Path) -> None:
    cache = make(tmp_path)
    ask(cache, text="old")
    (entry,) = entries(tmp_path)
    earlier = tmp_path / entry.name[:2] / entry.name
    earlier.parent.mkdir()
    entry.rename(earlier)
    assert ask(cache, text="new") == ("new", False)
    assert cache.stats().entries == 2
    assert cache.clear() == 2
    assert not earlier.exists()


def test_a_pipe_in_an_entrys_place_does_not_block(tmp_path: Path) -> None:
    cache = make(tmp_path)
    ask(cache)
    (entry,) = entries(tmp_path)
    entry.unlink()
    os.mkfifo(entry)
    assert ask(cache, text="again") == ("again", False)


class Trap:
    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.target,)


def test_a_planted_pickle_is_never_read(tmp_path: Path) -> None:
    folder, sprung = tmp_path / "cache", tmp_path / "sprung"
    ask(make(folder))
    (entry,) = entries(folder)
    trap = pickle.dumps(Trap(sprung))
    entry.write_bytes(trap)
    for name in ("output.pkl", "func_code.py", "metadata.json"):
        (folder / name).write_bytes(trap)
    cache = make(folder)
    assert ask(cache, text="again") == ("again", False)
    cache.stats()
    cache.clear()
    assert not sprung.exists()
    pickle.loads(trap)
    assert sprung.exists()


def test_only_the_user_may_read(tmp_path: Path) -> None:
    folder = tmp_path / "project" / "cache"
    old = os.umask(0)
    try:
        ask(make(folder))
    finally:
        os.umask(old)
    made = [folder.parent, folder, *folder.rglob("*")]
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in made}
    assert {modes[path] for path in made if path.is_dir()} == {0o700}
    assert {modes[path] for path in made if path.is_file()} == {0o600}
    assert (folder / ".gitignore").read_text() == "*\n"


def test_only_the_answer_is_on_disk(tmp_path: Path) -> None:
    prompt, key = "a prompt to keep quiet", "sk-0123456789abcdef"

    async def compute(prompt: str = prompt, key: str = key) -> dict[str, object]:
        return {"text": "the answer", "length": len(prompt + key)}

    asyncio.run(make(tmp_path).answer(KEY, compute))
    everything = b"".join(p.read_bytes() for p in tmp_path.rglob("*") if p.is_file())
    names = " ".join(map(str, tmp_path.rglob("*")))
    assert b"the answer" in everything
    for secret in (prompt, key, SECRET.decode()):
        assert secret.encode() not in everything
        assert secret not in names


def test_two_processes_may_write_the_same_key(tmp_path: Path) -> None:
    body = (
        "    for i in range(200):\n"
        "        answer, hit = await cache.answer(sys.argv[2], compute, refresh=i % 2 == 0)\n"
        "        assert answer['text'] in ('from left', 'from right'), answer\n"
        "        assert hit == (i % 2 == 1)\n"
        "asyncio.run(main())"
    )
    writers = [start(body, str(tmp_path), KEY, name) for name in ("left", "right")]
    for writer in writers:
        writer.communicate(timeout=120)
        assert writer.returncode == 0
    assert ask(make(tmp_path))[0] in ("from left", "from right")
    assert len(entries(tmp_path)) == 1
    assert list(tmp_path.glob("*.tmp")) == []


def test_a_writer_killed_at_any_moment_leaves_no_wrong_entry(tmp_path: Path) -> None:
    body = (
        "    for i in range(int(sys.argv[2]), 10**9):\n"
        "        number = str(i if i % 2 else i % 50)\n"  # a new entry, and one to replace
        "        async def fill(): return {'text': number * 5000}\n"
        "        await cache.answer(number, fill, refresh=True)\n"
        "        if i % 10**6 == 0: print('writing', flush=True)\n"
        "asyncio.run(main())"
    )
    rng, starts = random.Random(3), range(0, 5 * 10**6, 10**6)
    for first in starts:
        writer = start(body, str(tmp_path), str(first), "writer")
        assert writer.stdout is not None
        assert writer.stdout.readline() == "writing\n"
        time.sleep(rng.uniform(0.0, 0.1))
        writer.send_signal(signal.SIGKILL)
        writer.communicate(timeout=120)
    cache = make(tmp_path)
    for first in starts:
        numbers = map(str, count(first + 1, 2))
        # The first that is missing may be the one that was cut.
        missing = next(n for n in numbers if ask(cache, n, "missing") != (n * 5000, True))
        assert ask(cache, missing) == ("missing", True)
    replaced = [str(number) for number in range(0, 50, 2)]
    for number in replaced:
        assert ask(cache, number, "missing") in ((number * 5000, True), ("missing", False))
    assert len(entries(tmp_path)) > len(starts) + len(replaced)


def test_stale_temporary_files_are_swept_and_fresh_ones_are_not(tmp_path: Path) -> None:
    ask(make(tmp_path))
    (entry,) = entries(tmp_path)
    stale, fresh = (tmp_path / f"{entry.stem}.{name}.tmp" for name in ("stale", "fresh"))
    stranger = entry.with_name("notes.txt")
    for path in (stale, fresh, stranger):
        path.write_bytes(b"half an ent")
    long_ago = time.time() - 7200
    os.utime(stale, (long_ago, long_ago))
    os.utime(stranger, (long_ago, long_ago))
    ask(make(tmp_path, limit=100), "cd" * 32)
    assert not stale.exists()
    assert fresh.exists()
    assert stranger.exists()


def test_a_failed_write_leaves_no_temporary_file(tmp_path: Path) -> None:
    cache = make(tmp_path)
    ask(cache)
    (entry,) = entries(tmp_path)
    entry.unlink()
    entry.mkdir()
    with pytest.warns(UserWarning, match="answers are not kept"):
        assert ask(cache, text="again") == ("again", False)
    assert entries(tmp_path) == [entry]
    assert list(tmp_path.glob("*.tmp")) == []


def test_clear_deletes_nothing_that_is_not_ours(tmp_path: Path) -> None:
    folder, other = tmp_path / "cache", tmp_path / "other"
    cache = make(folder)
    ask(cache)
    (entry,) = entries(folder)
    precious = [folder / "notes.json", folder / "sub" / "a.json", entry.with_name("a.json")]
    (folder / "sub").mkdir()
    other.mkdir()
    (folder / "00").symlink_to(other, target_is_directory=True)
    precious.append(other / entry.name)
    for path in precious:
        path.write_text("mine")
    assert cache.clear() == 1
    assert not entry.exists()
    assert all(path.read_text() == "mine" for path in precious)
