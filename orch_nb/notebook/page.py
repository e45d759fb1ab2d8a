"""Outputs as one HTML file by itself: no script, no network, nothing beside it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from orch_nb._version import __version__
from orch_nb.errors import InputError
from orch_nb.files import read_regular, write_private
from orch_nb.sanitize import one_line

# What our files begin with: only these are written over.
_OURS = '<!doctype html>\n<meta charset="utf-8"><meta name="generator" content="orch_nb'
_LARGEST = 10_000_000  # bytes of a file that is looked into
# Even if something in it could be loaded or run, a browser would not.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
_STYLE = (
    ":root{color-scheme:light dark}"
    "body{font:15px/1.5 sans-serif;max-width:60em;margin:2em auto;padding:0 1em}"
    "img{display:block;max-width:100%;height:auto;margin:1.5em 0}"
    "table{border-collapse:collapse;margin:1.5em 0}"
    "th,td{padding:.3em .8em;border-bottom:1px solid rgba(128,128,128,.35)}"
)


def write_page(name: str, title: str, outputs: Sequence[Mapping[str, Any]]) -> Path:
    """Write `outputs` below `title` to the file `name`, and return its path.

    A file that is there is written over only if it is such a page itself. Raises `InputError` if
    it is not, and if the file cannot be written.
    """
    path = Path(name).expanduser()
    said = one_line(name)
    if path.suffix.lower() not in (".html", ".htm"):
        raise InputError(f"{said} is no name of a page; it ends in .html")
    try:
        if not path.parent.is_dir():
            raise InputError(f"{said}: there is no folder {one_line(str(path.parent))}")
        if os.path.lexists(path) and not _is_ours(path):
            raise InputError(f"{said} exists and is no report: name another file, or delete it")
        write_private(path, _page(title, outputs).encode("utf-8", "replace"))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"{said} cannot be written: {one_line(reason)}") from None
    return path


def _is_ours(path: Path) -> bool:
    try:
        content, _ = read_regular(path, _LARGEST)
    except OSError:
        return False
    return content.startswith(_OURS.encode())


def _page(title: str, outputs: Sequence[Mapping[str, Any]]) -> str:
    name = escape(one_line(title))
    return "\n".join(
        [
            f'{_OURS} {__version__}">',
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
            '<meta name="viewport" content="width=device-width">',
            f"<title>{name}</title><style>{_STYLE}</style>",
            f"<h1>{name}</h1>",
            *(str(output["text/html"]) for output in outputs),
            "",
        ]
    )
