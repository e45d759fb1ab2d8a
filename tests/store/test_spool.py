"""Rows that outlive their process, and who may have them."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from orch_nb.store.spool import Spool, abandoned

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no flock")

ROW = ["a:m", 1.5, 3, None, "“\u00e4”"]


def begun(folder: Path, name: str = "s") -> Spool:
    spool = Spool.begin(folder, name)
    assert spool is not None
    return spool


def test_only_the_user_may_read_it(tmp_path: Path) -> None:
    begun(tmp_path / "new")
    (path,) = (tmp_path / "new").iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_what_was_left_is_found_once_and_as_it_was(tmp_path: Path) -> None:
    spool = begun(tmp_path)
    spool.write(ROW)
    spool.write([])
    assert list(abandoned(tmp_path, "s")) == []
    spool.leave()
    assert list(abandoned(tmp_path, "other")) == []
    (found,) = abandoned(tmp_path, "s")
    assert list(abandoned(tmp_path, "s")) == []
    assert list(found.rows()) == [ROW, []]
    found.end()
    assert list(tmp_path.glob("*.spool")) == []


@pytest.mark.parametrize(
    "left", [b'["half', b"\xff\xfe", b"[" * 100_000, b"{}", b"7", b"", b"[NaN"], ids=repr
)
def test_what_is_no_row_is_passed_over(tmp_path: Path, left: bytes) -> None:
    (tmp_path / "s.x.spool").write_bytes(b'["whole", 1]\n' + left)
    (found,) = abandoned(tmp_path, "s")
    assert list(found.rows()) == [["whole", 1]]
    found.end()


def test_what_is_no_file_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"[1]\n")
    (tmp_path / "s.link.spool").symlink_to(tmp_path / "real")
    (tmp_path / "s.folder.spool").mkdir()
    assert list(abandoned(tmp_path, "s")) == []


def test_a_process_that_lives_keeps_its_own_and_one_that_is_killed_does_not(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from orch_nb.store.spool import Spool\n"
        "Spool.begin(Path(sys.argv[1]), 's').write([1]); print(flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        assert list(abandoned(tmp_path, "s")) == []
        writer.kill()
        writer.wait()
    (found,) = abandoned(tmp_path, "s")
    assert list(found.rows()) == [[1]]
    found.end()


def test_without_a_disk_there_is_none(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    assert Spool.begin(tmp_path / "file", "s") is None
    assert list(abandoned(tmp_path / "file", "s")) == []
