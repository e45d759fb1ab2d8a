"""Pictures from whatever a notebook has, and nothing that is none."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import PIL.Image
import pytest
from matplotlib.figure import Figure

from orch_nb.errors import InputError
from orch_nb.invoke.picture import read_image

# The smallest whole files of each kind: one pixel.
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNkYAAAAAYAAjCB0C8AAAAASUVORK5CYII="
)
GIF = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
WEBP = base64.b64decode("UklGRhoAAABXRUJQVlA4TA0AAAAvAAAAEAcQERGIiP4HAA==")
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + bytes(range(256)) + b"\xff\xd9"
KINDS = [
    (PNG, "image/png"),
    (GIF, "image/gif"),
    (GIF.replace(b"89a", b"87a"), "image/gif"),
    (WEBP, "image/webp"),
    (JPEG, "image/jpeg"),
]
LIMIT = 20_000_000


@pytest.mark.parametrize(("data", "media_type"), KINDS)
def test_the_kind_is_read_from_the_bytes_and_every_byte_is_kept(
    data: bytes, media_type: str
) -> None:
    Path("picture.txt").write_bytes(data)
    for source in (data, bytearray(data), "picture.txt", Path("picture.txt")):
        image = read_image(source)
        assert image.media_type == media_type
        assert base64.b64decode(image.data, validate=True) == data


class Shown:
    """What IPython may show as a picture, and what it gives for that."""

    def __init__(self, shown: Any) -> None:
        self._shown = shown

    def _repr_png_(self) -> Any:
        return self._shown


def test_what_shows_as_a_picture_is_one() -> None:
    assert base64.b64decode(read_image(Shown(PNG)).data) == PNG


def test_a_pillow_image_is_a_picture() -> None:
    image = read_image(PIL.Image.new("RGB", (3, 2), "red"))
    assert image.media_type == "image/png"
    assert base64.b64decode(image.data).startswith(PNG[:8])


def test_a_figure_is_a_picture() -> None:
    figure = Figure()
    figure.subplots().plot([1, 2])
    assert base64.b64decode(read_image(figure).data).startswith(PNG[:8])


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (b"", "the image is no PNG, JPEG, GIF or WebP; convert it first"),
        (b"RIFF\x00\x00\x00\x00WAVE", "the image is no PNG"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "the image is no PNG"),
        ("gone.png", "the image 'gone.png' cannot be read (No such file or directory)"),
        (".", "cannot be read (Is a directory)"),
        ("a\0b.png", "cannot be read (no path)"),
        ("x" * 5000, "cannot be read (File name too long)"),
        (5, "int is no image; give a path, bytes, a PIL image or a figure"),
        (None, "NoneType is no image"),
        (Shown(None), "Shown is no image"),
        (Shown("text"), "Shown is no image"),
        (Shown(b"text"), "the image is no PNG"),
    ],
)
def test_what_is_no_picture_is_said(source: object, message: str) -> None:
    with pytest.raises(InputError) as caught:
        read_image(source)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_is_too_large_is_not_even_read_whole() -> None:
    assert read_image(PNG.ljust(LIMIT, b"\0")).media_type == "image/png"
    with pytest.raises(InputError, match="the image has 20 000 001 bytes; at most 20 000 000"):
        read_image(PNG.ljust(LIMIT + 1, b"\0"))
    with Path("huge.png").open("wb") as file:
        file.write(PNG)
        file.truncate(10**12)  # a sparse file of a terabyte
    with pytest.raises(InputError, match="at most 20 000 000 can be sent"):
        read_image("huge.png")
