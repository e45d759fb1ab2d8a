"""What publishes is pinned and may do no more than it must; what an audit finds is told."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]
WORKFLOWS = ROOT / ".github" / "workflows"
PINNED = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")
FOUND = '{"name": "a", "version": "1", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2"]}]}'
FREE = '{"name": "b", "version": "1", "vulns": []}'
UNKNOWN = '{"name": "c", "skip_reason": "not found"}'


def read(name: str) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((WORKFLOWS / name).read_text(encoding="utf-8"))
    return document


def test_actions_are_pinned_by_commit() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in WORKFLOWS.glob("*.yml"))
    used = re.findall(r"uses: (.+)", text)
    assert len(used) > 10
    ours = [action for action in used if action.startswith("./.github/workflows/")]
    assert [action for action in used if action not in ours and not PINNED.fullmatch(action)] == []
    assert all((ROOT / action).is_file() for action in ours)
    assert len({action for action in used if action not in ours}) == len(
        {action.partition("@")[0] for action in used if action not in ours}
    )


def test_nothing_is_written_and_only_publishing_has_an_identity() -> None:
    for name in ("ci.yml", "release.yml"):
        assert read(name)["permissions"] == {"contents": "read"}
        for job, body in read(name)["jobs"].items():
            granted = {"id-token": "write"} if job == "publish" else None
            assert body.get("permissions") == granted


def test_what_is_published_is_what_was_tested() -> None:
    build, publish = read("ci.yml")["jobs"]["all"], read("release.yml")["jobs"]["publish"]
    (kept,) = (step["with"] for step in build["steps"] if "upload-artifact" in step.get("uses", ""))
    (got,) = (
        step["with"] for step in publish["steps"] if "download-artifact" in step.get("uses", "")
    )
    assert publish["needs"] == "ci"
    assert publish["environment"] == "pypi"
    assert (kept["name"], kept["path"]) == (got["name"], got["path"])
    assert "password" not in (WORKFLOWS / "release.yml").read_text(encoding="utf-8")
    assert [step for step in publish["steps"] if "build" in step.get("run", "")] == []


@pytest.mark.parametrize(
    ("printed", "status", "told"),
    [
        (f'{{"dependencies": [{FREE}, {UNKNOWN}]}}', 0, "0 known vulnerabilities in 1 packages"),
        (f'{{"dependencies": [{FREE}, {FOUND}]}}', 1, "a 1: PYSEC-1, mended in 2"),
        (f'{{"dependencies": [{UNKNOWN}]}}', 0, "the audit is skipped"),
        ('{"dependencies": []}', 0, "the audit is skipped"),
        ("no network", 0, "the audit is skipped"),
    ],
)
def test_audit_says_what_is_known(tmp_path: Path, printed: str, status: int, told: str) -> None:
    program = tmp_path / "pip-audit"
    program.write_text(f"#!/bin/sh\necho '{printed}'\nexit 1\n")
    program.chmod(0o755)
    done = subprocess.run(
        [sys.executable, str(ROOT / ".ci" / "audit.py"), "some.lock"],
        env=os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (status, "")
    assert told in done.stdout
