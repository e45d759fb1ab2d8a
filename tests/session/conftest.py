"""Sessions whose two real providers, and any that a test adds, are the loopback server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from orch_nb import Session
from session.choices import PRICES, settings
from stub.client import Stub

Open = Callable[..., Session]
Replay = Callable[..., Session]


@pytest.fixture
def configured(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> Stub:
    """The SDKs' own variables point at the server, which lists models of both vendors."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-openai-test")
    monkeypatch.setenv("OPENAI_BASE_URL", stub.url("openai", "/v1"))
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-anthropic-test")
    monkeypatch.setenv("ANTHROPIC_BASE_URL", stub.url("anthropic"))
    stub.models("openai", ["gpt-6-luna", "gpt-6.1-sol", "text-embedding-3-small"])
    stub.models("anthropic", ["claude-sonnet-5-5", "claude-opus-5-5"])
    return stub


@pytest.fixture
def open_session() -> Iterator[Open]:
    """Open sessions that the end of the test closes; without retries unless `retries` says so."""
    with ExitStack() as stack:

        def open_session(*, retries: int = 0, **config: Any) -> Session:
            rows = config.setdefault("providers", {})
            for name in ("openai", "anthropic"):
                rows[name] = {"max_retries": retries, **rows.get(name, {})}
            return stack.enter_context(Session(config))

        yield open_session


@pytest.fixture
def s(configured: Stub, open_session: Open) -> Session:
    """A session with both providers and built-in settings."""
    return open_session()


@pytest.fixture
def recorder(configured: Stub, open_session: Open) -> Session:
    """A session that records, with both providers."""
    return open_session(mode="record")


@pytest.fixture
def replay(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> Replay:
    """Open a session that replays, where there are no keys, addresses, home or cache."""

    def open_replay(**config: Any) -> Session:
        for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "ANTHROPIC_API_KEY"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("ORCH_HOME", str(Path("nowhere").absolute()))
        monkeypatch.delenv("ORCH_CACHE_DIR", raising=False)
        monkeypatch.setenv("ORCH_MODE", "replay")
        stub.reset()
        return Session(config)

    return open_replay


@pytest.fixture
def session(stub: Stub) -> Iterator[Session]:
    """A session with two providers, each of which has a small and a large model."""
    for provider in ("a", "b"):
        stub.models(provider, list(PRICES))
    with Session(settings(stub)) as session:
        yield session
