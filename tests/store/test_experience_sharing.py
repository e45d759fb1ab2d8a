"""What one session saw, as another one knows it."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from orch_nb.errors import UnknownNameError
from orch_nb.store.observation_file import ObservationFile
from store.observations import MODEL, Clock, opened, seen


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "data" / "orch"


def test_a_second_session_knows_what_the_first_saw(place: Path) -> None:
    facts = seen(
        ok=True,
        quality=0.25,
        source="evaluation",
        seconds=2.0,
        ttft=1.0,
        output_tokens=10,
        estimated_tokens=100,
        input_tokens=150,
    )
    first, second = opened(place), opened(place)
    first.add(facts)
    known, factor = first.tracks(), first.token_factor()
    first.close()
    assert second.tracks() == known
    assert known
    assert second.token_factor() == factor != {"a": 1.0}
    second.close()


def test_it_may_be_used_after_closing_and_counts_nothing_twice(place: Path) -> None:
    experience = opened(place)
    for calls in (1, 2, 3):
        experience.add(seen(ok=True))
        experience.close()
        assert experience.tracks()[MODEL].calls == calls
    experience.close()
    again = opened(place)
    assert again.tracks()[MODEL].calls == 3
    again.close()


def test_two_open_sessions_learn_from_each_other(place: Path) -> None:
    clock = Clock()
    one, other = opened(place, clock), opened(place, clock)
    assert (dict(one.tracks()), dict(other.tracks())) == ({}, {})
    one.add(seen(ok=True))
    one.close()
    while MODEL not in other.tracks():
        clock.now += 31.0
        time.sleep(0.01)
    other.add(seen(model="b:m", ok=True))
    other.close()
    assert set(one.tracks()) == {MODEL, "b:m"}
    one.close()


def test_nothing_is_opened_before_the_first_use(tmp_path: Path) -> None:
    script = (
        "import sys, threading, time\n"
        "from pathlib import Path\n"
        "from orch_nb.store.experience import Experience\n"
        "e = Experience(lambda: Path(sys.argv[1]), clock=time.time)\n"
        "assert not {'sqlite3', 'numpy'} & set(sys.modules)\n"
        "e.close()\n"
        "assert threading.active_count() == 1\n"
        "e.tracks()\n"
        "assert threading.active_count() == 2\n"
    )
    folder = tmp_path / "data"
    subprocess.run([sys.executable, "-c", script, str(folder)], timeout=120, check=True)
    assert not folder.exists()


def test_forgetting(place: Path) -> None:
    first, other = opened(place), opened(place)
    for model in ("a:m", "a:n", "b:m"):
        other.add(seen(model=model, ok=True))
    other.close()
    first.add(seen(ok=True))
    with pytest.raises(UnknownNameError, match="a:m"):
        first.forget("a:mm")
    first.forget("a:m")
    assert set(first.tracks()) == {"a:n", "b:m"}
    first.close()
    again = opened(place)
    assert set(again.tracks()) == {"a:n", "b:m"}
    again.forget()
    again.add(seen(model="c:m", ok=True))
    assert set(again.tracks()) == {"c:m"}
    again.close()
    last = opened(place)
    assert set(last.tracks()) == {"c:m"}
    last.close()


def test_threads_may_add_and_look_at_once(place: Path) -> None:
    experience = opened(place)

    def work() -> None:
        for _ in range(200):
            experience.add(seen(ok=True))
            experience.tracks()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert experience.tracks()[MODEL].calls == 800
    experience.close()
    assert (place / ObservationFile.name).exists()
    assert not [t for t in threading.enumerate() if t.name == f"orch_nb {ObservationFile.name}"]
