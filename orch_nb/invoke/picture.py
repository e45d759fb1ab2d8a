"""Pictures for a prompt, from whatever a notebook has."""

from __future__ import annotations

import base64
import io
import os
from pathlib import Path

from orch_nb.errors import InputError
from orch_nb.figures import whole
from orch_nb.sanitize import one_line
from orch_nb.types import Image

# What the vendors accept at most for one image, and more than a prompt should carry.
_MAX_BYTES = 20_000_000
_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)


def read_image(source: object) -> Image:
    """An `Image` from a path, bytes, a PIL image, a matplotlib figure, or what shows as PNG.

    Raises `InputError` when it is none of these, no PNG, JPEG, GIF or WebP, or too large.
    """
    data = _bytes(source)
    if len(data) > _MAX_BYTES:
        has, most = whole(len(data)), whole(_MAX_BYTES)
        raise InputError(f"the image has {has} bytes; at most {most} can be sent")
    return Image(_media_type(data), base64.b64encode(data).decode("ascii"))


def _bytes(source: object) -> bytes:
    if isinstance(source, bytes | bytearray):
        return bytes(source)
    if isinstance(source, str | os.PathLike):
        path = Path(source)
        try:
            with path.open("rb") as file:
                return file.read(_MAX_BYTES + 1)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "no path"
            named = one_line(str(source), 200)
            raise InputError(f"the image {named!r} cannot be read ({reason})") from None
    if hasattr(source, "savefig"):  # matplotlib
        buffer = io.BytesIO()
        source.savefig(buffer, format="png")
        return buffer.getvalue()
    shown = source._repr_png_() if hasattr(source, "_repr_png_") else None
    if not isinstance(shown, bytes):
        raise InputError(
            f"{type(source).__name__} is no image; give a path, bytes, a PIL image or a figure"
        )
    return shown


def _media_type(data: bytes) -> str:
    for magic, media_type in _MAGIC:
        if data.startswith(magic):
            return media_type
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    raise InputError("the image is no PNG, JPEG, GIF or WebP; convert it first")
