"""``make bench``: measure every figure that is claimed, on this machine now, beside its peers.

What was measured stays in build/bench, part by part: a table, a page with charts, and the numbers.
``--only`` measures some parts anew; ``--write`` also puts the table between the markers of
``orch_nb/help/measured.md``, a summary between those of the README, and a picture of the chart of
single calls into ``notebooks/pictures``.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import sys
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import page, table  # found by the line above
from benchmarks.figures import Figure, Grid
from benchmarks.workers import clean_environment, versions

_ROOT = Path(__file__).resolve().parents[2]
PARTS = (
    *("load", "calls", "flight", "ceiling", "failover", "cache", "decide", "report", "budget"),
    *("registry", "check", "panel", "batch", "extension"),
)
_RESULTS = _ROOT / "build" / "bench"


def main() -> None:
    """The parts follow one another; what is compared within one takes turns."""
    options = _options()
    os.environ.update(clean_environment())
    for name in [name for name in os.environ if name not in clean_environment()]:
        del os.environ[name]
    folder = options.folder
    folder.mkdir(parents=True, exist_ok=True)
    for name in options.only or PARTS:
        result = measure(name, options.share)
        (folder / f"{name}.json").write_text(json.dumps(result), encoding="utf-8")
    results = {name: _read(folder, name) for name in PARTS if (folder / f"{name}.json").exists()}
    written = table.write(results)
    (folder / "measured.md").write_text(written, encoding="utf-8")
    page.write(results, folder / "index.html")
    print(f"the table is in {folder / 'measured.md'}, the charts in {folder / 'index.html'}")
    if options.write:
        missing = [name for name in PARTS if name not in results]
        if missing:
            sys.exit(f"nothing is written: {', '.join(missing)} never ran")
        table.insert(_ROOT / "orch_nb" / "help" / "measured.md", "bench", written)
        table.insert(_ROOT / "README.md", "peers", table.summary(results))
        page.photograph(folder / "index.html", _ROOT / "notebooks" / "pictures" / "benchmarks.png")


def measure(name: str, share: float) -> dict[str, Any]:
    """The figures and grids of one part, printed as they come, with when and what it ran on."""
    started = time.monotonic()
    print(f"{name} …", flush=True)
    figures, grids = [], []
    for found in importlib.import_module(f"benchmarks.{name}").measure(share):
        if isinstance(found, Grid):
            grids.append(asdict(found))
            continue
        figures.append(asdict(found))
        goal = f"   (goal {found.goal})" if found.goal else ""
        print(f"  {found.name}: {found.measured}{goal}", flush=True)
    print(f"{name} took {time.monotonic() - started:.0f} s", flush=True)
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "share": share,
        "python": platform.python_version(),
        "versions": versions(),
        "figures": figures,
        "grids": grids,
    }


def _read(folder: Path, name: str) -> dict[str, Any]:
    result = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    result["figures"] = [Figure(**figure) for figure in result["figures"]]
    result["grids"] = [Grid(**grid) for grid in result["grids"]]
    return dict(result)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", default=[], choices=PARTS, metavar="PART")
    parser.add_argument("--share", type=float, default=1.0, help="of rounds and sizes, to try it")
    parser.add_argument("--write", action="store_true", help="into README, help and pictures")
    parser.add_argument("--folder", type=Path, default=_RESULTS, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
