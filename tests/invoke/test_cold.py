"""The first call of a process, which imports what it asks with."""

from __future__ import annotations

import subprocess
import sys

import pytest

from invoke.scripted import WIRES, reply, scripted
from invoke.test_scenarios_connection import HELLOS

#: Seconds: less than the largest SDKs take to be imported, more than a server beside us needs.
FIRST_TOKEN = 0.5
ASKING = """
import sys
from orch_nb import Session
kind, url, first_token = sys.argv[1:]
key = {} if kind == "ollama" else {"api_key": "sk-test"}
limits = {"first_token": float(first_token)}
row = {"type": kind, "base_url": url, "max_retries": 0, **key}
with Session({"providers": {"p": row}, "limits": limits, "cache": "off"}) as s:
    answer = s.ask("how", model="p:m")
    print(answer.text)
"""


@pytest.mark.parametrize("wire", WIRES)
def test_what_is_imported_first_takes_no_time_from_the_first_token(wire: str) -> None:
    kind, path, stream = WIRES[wire]
    with scripted() as server:
        server.script("p", reply(HELLOS[wire], stream))
        command = [sys.executable, "-c", ASKING, kind, server.url("p", path), str(FIRST_TOKEN)]
        said = subprocess.run(command, capture_output=True, text=True, check=False)
    assert said.stdout == "Hello\n", said.stderr
