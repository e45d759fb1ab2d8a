"""One key per user, whatever happens to its file."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from subprocess import PIPE

import pytest

from orch_nb.store.cache import CacheWarning
from orch_nb.store.secret import signing_key


def test_the_key_is_made_once_and_for_this_user_only(tmp_path: Path) -> None:
    home = tmp_path / "data" / "orch"
    old = os.umask(0)
    try:
        key = signing_key(home)
    finally:
        os.umask(old)
    assert len(key) == 32
    assert signing_key(home) == key
    (path,) = home.iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert signing_key(tmp_path / "other") != key


def test_processes_that_start_together_agree(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from orch_nb.store.secret import signing_key\n"
        "print('ready', flush=True); sys.stdin.readline()\n"
        "for i in range(200): print(signing_key(Path(sys.argv[1], str(i))).hex())\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "data")]
    with ExitStack() as stack:
        racers = [
            stack.enter_context(subprocess.Popen(command, stdin=PIPE, stdout=PIPE, text=True))
            for _ in range(4)
        ]
        for racer in racers:
            assert racer.stdout is not None
            assert racer.stdout.readline() == "ready\n"
        for racer in racers:
            assert racer.stdin is not None
            racer.stdin.write("go\n")
            racer.stdin.flush()
        keys = [racer.communicate(timeout=120)[0].split() for racer in racers]
    homes = [tmp_path / "data" / str(i) for i in range(200)]
    assert keys == [[signing_key(home).hex() for home in homes]] * 4
    assert {p.name for home in homes for p in home.iterdir()} == {"signing.key"}


@pytest.mark.parametrize("damaged", [b"", b"short", b"x" * 33])
def test_a_key_of_another_length_is_replaced(tmp_path: Path, damaged: bytes) -> None:
    path = tmp_path / "signing.key"
    path.write_bytes(damaged)
    key = signing_key(tmp_path)
    assert len(key) == 32
    assert path.read_bytes() == key
    assert signing_key(tmp_path) == key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_link_is_replaced_and_not_followed(tmp_path: Path) -> None:
    home, elsewhere = tmp_path / "data", tmp_path / "elsewhere"
    home.mkdir()
    elsewhere.write_bytes(b"k" * 32)
    (home / "signing.key").symlink_to(elsewhere)
    key = signing_key(home)
    assert key != b"k" * 32
    assert elsewhere.read_bytes() == b"k" * 32
    assert signing_key(home) == key


def test_a_home_that_cannot_be_written_gives_a_key_and_a_warning(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.warns(CacheWarning, match="set ORCH_HOME to a folder of yours") as caught:
        key = signing_key(tmp_path / "file" / "home")
    assert len(caught) == 1
    assert len(key) == 32


def test_a_folder_in_the_keys_place_gives_a_key_and_a_warning(tmp_path: Path) -> None:
    home = tmp_path / "data"
    (home / "signing.key").mkdir(parents=True)
    with pytest.warns(CacheWarning):
        assert len(signing_key(home)) == 32
    assert [p.name for p in home.iterdir()] == ["signing.key"]
