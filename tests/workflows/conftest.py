"""Sessions whose provider ``a`` has models that answer differently."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from orch_nb import Session
from stub.client import Stub
from stub.spec import write

Open = Callable[..., Session]
PRICES = {"small": 0.1, "large": 10.0, "judge": 1.0}


@pytest.fixture
def says(stub: Stub) -> Callable[[str, str], None]:
    """Have a model answer everything with one text."""
    return lambda model, text: stub.rule("a", write("ok", text=text), model=model)


@pytest.fixture
def open_session(stub: Stub) -> Iterator[Open]:
    """Open sessions that the end of the test closes."""
    stub.models("a", list(PRICES))
    config = {
        "providers": {
            "a": {"type": "compatible", "base_url": stub.url("a", "/v1"), "max_retries": 0}
        },
        "models": {
            f"a:{name}": {"price": {"input": price, "output": price}}
            for name, price in PRICES.items()
        },
        "probe": False,
    }
    with ExitStack() as stack:
        yield lambda **more: stack.enter_context(Session({**config, **more}))


@pytest.fixture
def session(open_session: Open) -> Session:
    return open_session()
