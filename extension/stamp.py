"""Stamps the built labextension with a hash of the sources that it was built from.

``jlpm build:prod`` runs it last. The build's own bytes differ by folder and by machine, so a
committed build cannot be compared with a fresh one; its stamp can be compared with the sources.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

EXTENSION = Path(__file__).parent
STAMP = EXTENSION.parent / "orch_nb" / "labextension" / "sources.sha256"
FOLDERS = ("schema", "src", "style")
FILES = ("install.json", "package.json", "tsconfig.json", "yarn.lock")


def hash_sources(extension: Path = EXTENSION) -> str:
    """SHA-256 (hex) over relative path, length and bytes of each source, sorted by path."""
    inside = (path for folder in FOLDERS for path in (extension / folder).rglob("*"))
    sources = [path for path in inside if path.is_file()] + [extension / name for name in FILES]
    digest = hashlib.sha256()
    for path in sorted(sources, key=lambda source: source.relative_to(extension).as_posix()):
        data = path.read_bytes()
        digest.update(f"{path.relative_to(extension).as_posix()}\0{len(data)}\0".encode())
        digest.update(data)
    return digest.hexdigest()


if __name__ == "__main__":
    STAMP.write_text(hash_sources() + "\n", encoding="ascii")
