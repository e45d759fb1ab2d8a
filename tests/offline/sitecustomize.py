"""With this folder on PYTHONPATH a Python process, and each that it starts, stays on this machine.

What is refused is also written to the file that OFFLINE_LOG names: whoever asked may hide the
error.
"""

from __future__ import annotations

import ipaddress
import os
import socket
import sys


def _deny(event: str, arguments: tuple[object, ...]) -> None:
    if event in ("socket.getaddrinfo", "socket.gethostbyname"):
        host = arguments[0]
    elif event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        sock, address = arguments
        families = (socket.AF_INET, socket.AF_INET6)
        if getattr(sock, "family", None) not in families or not isinstance(address, tuple):
            return
        host = address[0]
    else:
        return
    if not _is_loopback(host):
        with open(os.environ["OFFLINE_LOG"], "a", encoding="utf-8") as log:  # noqa: PTH123 pathlib is not imported at start
            log.write(f"{event} {host!r}\n")
        raise PermissionError(f"{event} to {host!r}: this process stays on this machine")


def _is_loopback(host: object) -> bool:
    name = host.decode() if isinstance(host, bytes) else host
    if name in (None, "", "localhost"):
        return True
    try:
        return ipaddress.ip_address(str(name)).is_loopback
    except ValueError:
        return False


sys.addaudithook(_deny)

# Grammars of addresses that jsonschema would take a second to build in each process; no notebook
# needs them.
sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]
