"""The paid services themselves, asked only where somebody names a model and has a key.

``ORCH_TEST_OPENAI=gpt-6-luna`` with ``OPENAI_API_KEY``, ``ORCH_TEST_ANTHROPIC=claude-haiku-5-5``
with ``ANTHROPIC_API_KEY``. A run costs a fraction of a cent. The call is made in a process of its
own, because this one may not connect beyond this machine.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

_ASK = """
import json, sys
import orch_nb
with orch_nb.Session() as session:
    model = sys.argv[1]
    listed = [card.id for card in session.models()]
    counted = session.count_tokens("Say yes.", model=model)
    answer = session.ask("Say yes.", model=model, max_tokens=256)
    again = session.ask("Say yes.", model=model, max_tokens=256)
print(json.dumps({
    "listed": model in listed, "counted": counted.source, "text": answer.text,
    "usage": answer.usage.source, "cost": answer.cost and str(answer.cost),
    "finish": answer.finish, "cached": again.cached,
}))
"""
# Read before a test begins: each test then starts without any key.
_KEYS = {
    vendor: (os.environ.get(f"ORCH_TEST_{vendor}"), os.environ.get(f"{vendor}_API_KEY"))
    for vendor in ("OPENAI", "ANTHROPIC")
}


@pytest.mark.parametrize("vendor", list(_KEYS))
def test_the_service_answers(vendor: str) -> None:
    model, key = _KEYS[vendor]
    if not (model and key):
        pytest.skip(f"ORCH_TEST_{vendor} names no model, or {vendor}_API_KEY is not set")
    done = subprocess.run(
        [sys.executable, "-c", _ASK, f"{vendor.lower()}:{model}"],
        env={**os.environ, f"{vendor}_API_KEY": key},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said: dict[str, Any] = json.loads(done.stdout)
    assert said["text"].strip()
    assert float(said.pop("cost")) > 0
    assert {**said, "text": ""} == {
        "listed": True,
        "counted": "known",
        "text": "",
        "usage": "known",
        "finish": "stop",
        "cached": True,
    }
