"""Run the server: one JSON line with its ports, then serve until stdin is closed.

Whoever started it holds the other end of stdin, so that the server never outlives its tests.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import threading

from stub.connection import listen, port_of
from stub.control import Control
from stub.server import Server


async def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m stub", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="of the providers; 0 is any")
    server = Server()
    await server.start(parser.parse_args().port)
    control = await listen(Control(server).answer, set())
    ports = {"port": server.port, "sink": server.sink_port, "control": port_of(control)}
    print(json.dumps(ports), flush=True)

    stop, loop = asyncio.Event(), asyncio.get_running_loop()

    def wait_for_end() -> None:
        sys.stdin.buffer.read()
        loop.call_soon_threadsafe(stop.set)

    threading.Thread(target=wait_for_end, daemon=True).start()
    await stop.wait()


asyncio.run(main())
