"""The file of observations: several processes that write into it."""

from __future__ import annotations

import os
import random
import signal
import stat
import subprocess
import threading
import time
from pathlib import Path

import pytest

from orch_nb.store.observation_file import ObservationFile
from store.journals import NAME, command, kept, opened, rating, rows, run


def test_only_the_user_may_read(tmp_path: Path) -> None:
    place = tmp_path / "data" / "orch"
    old = os.umask(0)
    try:
        with opened(place) as experience:
            experience.add(rating())
    finally:
        os.umask(old)
    assert stat.S_IMODE(place.stat().st_mode) == 0o700
    assert [path.name for path in place.iterdir()] == [NAME]
    assert stat.S_IMODE((place / NAME).stat().st_mode) == 0o600


def test_processes_add_side_by_side(tmp_path: Path) -> None:
    body = "for _ in range(40):\n    add(5, sys.argv[2]); time.sleep(0.02)\nexperience.close()\n"
    names = ("a:m", "b:m", "a:m")
    writers = [subprocess.Popen([*command(body, tmp_path), name]) for name in names]
    assert [writer.wait(timeout=120) for writer in writers] == [0, 0, 0]
    assert kept(tmp_path) == {"a:m": 400, "b:m": 200}
    assert rows(tmp_path, "PRAGMA integrity_check") == [("ok",)]


def test_what_was_added_is_written_at_the_end_of_the_process(tmp_path: Path) -> None:
    assert run("add(3)", tmp_path).stderr == ""
    assert kept(tmp_path) == {"a:m": 3}


class EndsItself(ObservationFile):
    """As the garbage collector does that finds a session while this file is being written."""

    closed_on: threading.Thread | None = None

    def _begin(self) -> None:
        self.close()
        self.closed_on = threading.current_thread()


def test_a_file_may_be_closed_on_its_own_thread(tmp_path: Path) -> None:
    file = EndsItself(lambda: tmp_path)
    file.put(rating())
    while file.closed_on is None:
        time.sleep(0.01)
    file.closed_on.join(60)
    assert kept(tmp_path) == {"a:m": 1}


def test_a_process_killed_at_any_moment_harms_nothing(tmp_path: Path) -> None:
    body = (
        "while True:\n"
        "    add(1); time.sleep(0.001)\n"
        "    if (Path(sys.argv[1]) / 'experience.sqlite').exists():\n"
        "        print('writing', flush=True)\n"
    )
    moments = random.Random(5)
    for _ in range(3):
        writer = subprocess.Popen(command(body, tmp_path), stdout=subprocess.PIPE, text=True)
        assert writer.stdout is not None
        assert writer.stdout.readline() == "writing\n"
        time.sleep(moments.uniform(0.5, 1.2))
        writer.send_signal(signal.SIGKILL)
        writer.communicate(timeout=120)
    before = kept(tmp_path)["a:m"]
    assert before > 0
    with opened(tmp_path) as experience:
        experience.add(rating())
    assert kept(tmp_path) == {"a:m": before + 1}
    assert rows(tmp_path, "PRAGMA integrity_check") == [("ok",)]


def test_what_was_added_a_while_ago_survives_a_kill(tmp_path: Path) -> None:
    writer = subprocess.Popen(command("add(2); time.sleep(60)", tmp_path))
    with opened(tmp_path) as watcher:
        clock = iter(range(0, 10**9, 31))
        watcher._clock = lambda: time.time() + next(clock)
        while not watcher.tracks():
            assert writer.poll() is None
            time.sleep(0.05)
    writer.send_signal(signal.SIGKILL)
    writer.wait(timeout=120)
    assert kept(tmp_path) == {"a:m": 2}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_process_adds_what_it_sees_and_nothing_twice(tmp_path: Path) -> None:
    body = (
        "add(1)\n"
        "assert ratings() == {'a:m': 1}\n"
        "child = os.fork()\n"
        "add(1, 'child:m' if child == 0 else 'parent:m')\n"
        "if child: assert os.waitpid(child, 0)[1] == 0\n"
        "experience.close()\n"
        "os._exit(0 if ratings()['a:m'] == 1 else 1)\n"
    )
    run("warnings.simplefilter('ignore')\n" + body, tmp_path)
    assert kept(tmp_path) == {"a:m": 1, "child:m": 1, "parent:m": 1}
