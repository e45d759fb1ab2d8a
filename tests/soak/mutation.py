"""Text and bytes that are almost right: what others wrote, damaged at random places."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

#: What parsers trip over.
SPLINTERS = (
    b"",
    b"\0",
    b"\n",
    b"\r\n\r\n",
    b"\xff",
    b"\xed\xa0\x80",
    b"\xf0\x9f",
    b"\xe2\x80\xa8",
    b"{",
    b"}",
    b"[" * 50,
    b"]" * 50,
    b"{{",
    b"}}",
    b'"',
    b"'",
    b"\\",
    b"\\ud800",
    b": ",
    b"- ",
    b"&a ",
    b"*a",
    b"!!python/name:os.system ",
    b"---\n",
    b"-",
    b"--",
    b"=",
    b"#",
    b"\t",
    b"null",
    b"true",
    b"-1",
    b"1e999",
    b"NaN",
    b"9" * 400,
    b"data: ",
    b"event: error\n",
    b"data: [DONE]\n\n",
    b"__class__",
    b"%",
    b"|",
    b"(",
    b")",
    b"<<",
    b"0\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\n",
    b" " * 300,
)


def mutants(corpus: Sequence[bytes], count: int, seed: str) -> Iterator[bytes]:
    """`count` damaged copies of what is in `corpus`, the same for the same `seed`."""
    draw = random.Random(seed)
    for _ in range(count):
        data = draw.choice(corpus)
        for _ in range(draw.choice((1, 1, 2, 3, 6))):
            data = _damage(data, draw.choice(corpus), draw)
        yield data


def _damage(data: bytes, other: bytes, draw: random.Random) -> bytes:
    start, end = sorted(draw.randint(0, len(data)) for _ in range(2))
    end = min(end, start + draw.choice((1, 4, 40, 4000)))
    kind = draw.randrange(6)
    if kind == 0:  # cut out
        return data[:start] + data[end:]
    if kind == 1:  # said again
        return data[:end] + data[start:end] * draw.choice((1, 2, 30)) + data[end:]
    if kind == 2:  # of another one
        place = draw.randint(0, len(other))
        return data[:start] + other[place : place + 200] + data[end:]
    if kind == 3 and data:  # one bit
        place = draw.randrange(len(data))
        return data[:place] + bytes([data[place] ^ 1 << draw.randrange(8)]) + data[place + 1 :]
    if kind == 4:  # the end is missing
        return data[:end]
    return data[:start] + draw.choice(SPLINTERS) + data[end if draw.random() < 0.5 else start :]
