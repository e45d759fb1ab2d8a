"""The file of observations on disks that fail."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from orch_nb.errors import OrchError
from orch_nb.store.experience import Experience
from orch_nb.store.observation_file import CALLS_PER_MODEL, ROWS, ExperienceWarning
from orch_nb.types import Observation
from store.journals import NAME, SCRIPT, kept, opened, rating, ratings, rows, run


def add_and_close(place: Path) -> None:
    experience = Experience(lambda: place, clock=time.time)
    for count in (1, 2):
        experience.add(rating())
        assert ratings(experience) == {"a:m": count}
        experience.close()


def works_in_memory(place: Path, match: str) -> None:
    with pytest.warns(ExperienceWarning, match=match) as caught:
        add_and_close(place)
    assert len(caught) == 1
    assert "set ORCH_HOME" in str(caught[0].message)


@pytest.mark.parametrize(
    ("damage", "match"),
    [
        (lambda path: path.write_bytes(b"no database" * 1000), "file is not a database"),
        (lambda path: path.mkdir(), "not a regular file"),
        (os.mkfifo, "not a regular file"),
        (lambda path: path.symlink_to(path.parent / "elsewhere"), "not a regular file"),
    ],
    ids=["damaged", "folder", "pipe", "link"],
)
def test_something_else_in_its_place(
    tmp_path: Path, damage: Callable[[Path], object], match: str
) -> None:
    damage(tmp_path / NAME)
    works_in_memory(tmp_path, match)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("e")] == [NAME]


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    works_in_memory(tmp_path / "file" / "home", "Not a directory")


def test_a_file_of_another_version(tmp_path: Path) -> None:
    rows(tmp_path, "PRAGMA user_version = 7")
    works_in_memory(tmp_path, "another version")


def test_a_file_cut_in_the_middle(tmp_path: Path) -> None:
    with opened(tmp_path) as experience:
        for _ in range(500):
            experience.add(rating())
    path = tmp_path / NAME
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with opened(tmp_path) as experience, warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperienceWarning)
        experience.add(rating("b:m"))
        assert ratings(experience)["b:m"] == 1


def test_an_empty_file_is_filled(tmp_path: Path) -> None:
    (tmp_path / NAME).touch()
    assert kept(tmp_path) == {}
    with opened(tmp_path) as experience:
        experience.add(rating())
    assert kept(tmp_path) == {"a:m": 1}


def test_a_locked_file_holds_nobody_up_and_is_written_later(tmp_path: Path) -> None:
    with opened(tmp_path) as experience:
        experience.add(rating())
    with closing(sqlite3.connect(tmp_path / NAME, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        experience = Experience(lambda: tmp_path, clock=time.time)
        experience.add(rating("b:m"))
        assert ratings(experience) == {"b:m": 1}
        other.execute("ROLLBACK")
        assert ratings(experience)["b:m"] == 1
    experience.close()
    assert kept(tmp_path) == {"a:m": 1, "b:m": 1}


def test_a_lock_that_stays_costs_one_warning(tmp_path: Path) -> None:
    with opened(tmp_path) as experience:
        experience.add(rating())
    with closing(sqlite3.connect(tmp_path / NAME, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        works_in_memory(tmp_path, "in time|locked")


def test_what_cannot_be_forgotten_is_said(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(b"no database" * 1000)
    experience = Experience(lambda: tmp_path, clock=time.time)
    with pytest.warns(ExperienceWarning):
        experience.tracks()
    with pytest.raises(OrchError, match=f"not forgotten: .*; delete .*{NAME}"):
        experience.forget()
    experience.close()


def test_damaged_rows_are_passed_over(tmp_path: Path) -> None:
    with opened(tmp_path) as experience:
        for _ in range(5):
            experience.add(rating())
    for number, change in enumerate(
        ("quality = 7", "source = 'rumour'", "at = 'noon'", "model = x'ff'"), start=1
    ):
        rows(tmp_path, f"UPDATE observation SET {change} WHERE id = {number}")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert kept(tmp_path) == {"a:m": 1}


def test_a_name_that_no_file_can_hold_costs_only_itself(tmp_path: Path) -> None:
    with opened(tmp_path) as experience:
        for model in ("a:m", "a:\ud800", "b:m"):
            experience.add(rating(model))
    assert kept(tmp_path) == {"a:m": 1, "b:m": 1}


def test_the_file_stays_small(tmp_path: Path) -> None:
    with opened(tmp_path) as experience:
        for i in range(ROWS + 2000):
            experience.add(rating(f"a:{i}"))
        for _ in range(2000):
            experience.add(Observation(time.time(), "b:m", "chat", "call", ok=True))
    (count,) = rows(tmp_path, "SELECT count(*) FROM observation")[0]
    (calls,) = rows(tmp_path, "SELECT count(*) FROM observation WHERE source = 'call'")[0]
    assert isinstance(count, int)
    assert isinstance(calls, int)
    assert CALLS_PER_MODEL <= calls < CALLS_PER_MODEL + 500
    assert ROWS - 2000 <= count <= ROWS
    with opened(tmp_path) as experience:
        assert f"a:{ROWS + 1999}" in experience.tracks()
        assert "a:0" not in experience.tracks()


def test_files_that_may_not_grow(tmp_path: Path) -> None:
    limited = (
        "import resource, signal\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))\n"
        "for _ in range(3): add(1); print(ratings()); experience.close()\n"
    )
    done = run(limited, tmp_path)
    assert done.stdout == "{'a:m': 1}\n{'a:m': 2}\n{'a:m': 3}\n"
    assert done.stderr.count("ExperienceWarning: what is learned about models is not kept") == 1


MOUNTING = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-ec"]


def can_mount() -> bool:
    if shutil.which("unshare") is None:
        return False
    probe = [*MOUNTING, "mount -t tmpfs none /tmp"]
    return subprocess.run(probe, capture_output=True, check=False).returncode == 0


needs_mounts = pytest.mark.skipif(not can_mount(), reason="no mounts of one's own here")


@needs_mounts
def test_a_full_file_system(tmp_path: Path) -> None:
    script = (
        'mount -t tmpfs -o size=64k none "$1"; cat /dev/zero > "$1/big" || true;'
        ' exec "$2" -c "$3" "$1"'
    )
    body = SCRIPT + "for _ in range(3): add(1); print(ratings()); experience.close()\n"
    arguments = [*MOUNTING, script, "sh", str(tmp_path), sys.executable, body]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout == "{'a:m': 1}\n{'a:m': 2}\n{'a:m': 3}\n"
    assert done.stderr.count("ExperienceWarning") == 1


@needs_mounts
def test_a_read_only_folder_is_read(tmp_path: Path) -> None:
    with opened(tmp_path) as experience:
        experience.add(rating())
    script = 'mount --bind "$1" "$1"; mount -o remount,bind,ro "$1"; exec "$2" -c "$3" "$1"'
    body = SCRIPT + "for _ in range(2): print(ratings()); add(1); experience.close()\n"
    arguments = [*MOUNTING, script, "sh", str(tmp_path), sys.executable, body]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout == "{'a:m': 1}\n{'a:m': 2}\n"
    assert done.stderr.count("ExperienceWarning") == 1
    assert "readonly" in done.stderr
    assert kept(tmp_path) == {"a:m": 1}
