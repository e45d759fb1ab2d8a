"""``make bench``: print every figure that the README quotes, measured on this machine now."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import (
    ask,
    batch,
    budget,
    cache,
    check,
    decide,
    extension,
    flight,
    load,
    panel,
    registry,
    report,
)  # found by the line above


def main() -> None:
    """Run all benchmarks; they take turns within a benchmark, never side by side in time."""
    print("| what | median [95 % interval] | goal |")
    print("|---|---|---|")
    for benchmark in (
        load,
        ask,
        flight,
        batch,
        cache,
        budget,
        registry,
        decide,
        check,
        panel,
        report,
        extension,
    ):
        for measured in benchmark.measure():
            print(measured, flush=True)


if __name__ == "__main__":
    main()
