"""Failed asserts of the shared contract are explained like those of any test; models to load."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.register_assert_rewrite(
    "providers.contract", "providers.extras", "providers.local_models", "providers.whole"
)


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with models good and bad; nothing writes there."""
    from providers.local_models import write_shelf

    folder = tmp_path_factory.mktemp("shelf")
    write_shelf(folder)
    return folder


@pytest.fixture
def no_orphans() -> Iterator[None]:
    """The test leaves no child process."""
    from providers.local_models import children

    yield
    deadline = time.monotonic() + 20
    while children() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert children() == []
