"""Look for known vulnerabilities in locked dependencies: `audit.py FILE…`.

pip-audit asks the package index. Where that has no such data or is out of reach, one line says so,
and the exit status is 0: a machine without network can do no better. It is 1 if there is one.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

# Seconds for one file, where two hundred packages take some ten; chosen.
_PATIENCE = 180
_OPTIONS = ("--disable-pip", "--require-hashes", "--progress-spinner", "off", "--timeout", "15")


def ask(file: str) -> tuple[list[dict[str, Any]], str]:
    """What is known of each dependency in `file`; and why nothing is, or ""."""
    command = ["pip-audit", *_OPTIONS, "--format", "json", "--requirement", file]
    try:
        done = subprocess.run(  # noqa: S603 - the names of our own files
            command, capture_output=True, text=True, check=False, timeout=_PATIENCE
        )
        dependencies = json.loads(done.stdout)["dependencies"]
    except subprocess.TimeoutExpired:
        return [], f"no answer within {_PATIENCE} s"
    except ValueError:
        return [], (done.stderr.strip().splitlines() or ["pip-audit said nothing"])[-1]
    unknown = [row["skip_reason"] for row in dependencies if "skip_reason" in row]
    if len(unknown) == len(dependencies):
        return [], "; ".join(["none of its packages is known there", *unknown[:1]])
    return dependencies, ""


def report(file: str) -> bool:
    """Print what is known of `file`; whether it is free of known vulnerabilities."""
    dependencies, problem = ask(file)
    if problem:
        print(f"{file}: the audit is skipped, the index gave no data: {problem}")
        return True
    known = [row for row in dependencies if "skip_reason" not in row]
    found = [(row, vulnerability) for row in known for vulnerability in row["vulns"]]
    for row, vulnerability in found:
        mended = ", ".join(vulnerability["fix_versions"]) or "no version yet"
        print(f"{file}: {row['name']} {row['version']}: {vulnerability['id']}, mended in {mended}")
    print(
        f"{file}: {len(found)} known vulnerabilities in {len(known)} packages, "
        f"and of {len(dependencies) - len(known)} nothing is known"
    )
    return not found


if __name__ == "__main__":
    free = [report(file) for file in sys.argv[1:]]
    sys.exit(not all(free))
