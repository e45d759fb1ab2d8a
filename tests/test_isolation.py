"""Tests see nothing of the machine they run on, and reach nothing beyond it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from openai import OpenAI

PERSONAL = {
    "OPENAI_API_KEY": "sk-personal",
    "ANTHROPIC_BASE_URL": "http://192.0.2.1",
    "ORCH_STRATEGY": "cost",
    "https_proxy": "http://192.0.2.1",
}


def list_models() -> object:
    """Goes through the SDK, which turns every Exception into one of its own."""
    with OpenAI(base_url="http://192.0.2.1/v1", api_key="k", max_retries=0) as client:
        return client.models.list()


@pytest.mark.parametrize(
    "reach",
    [
        lambda: socket.create_connection(("192.0.2.1", 80), timeout=0.1),
        lambda: socket.getaddrinfo("provider.example", 443),
        list_models,
    ],
)
def test_nothing_reaches_beyond_loopback(reach: Callable[[], object]) -> None:
    with pytest.raises(pytest.fail.Exception, match=r"127\.0\.0\.1 only"):
        reach()


def test_nothing_of_the_developer_is_seen(tmp_path: Path) -> None:
    assert PERSONAL.keys().isdisjoint(os.environ)
    assert Path.home() == tmp_path / "home"
    assert Path.cwd() == tmp_path / "work"


def test_personal_settings_are_hidden(request: pytest.FixtureRequest) -> None:
    test = f"{__file__}::{test_nothing_of_the_developer_is_seen.__name__}"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", test]
    run = subprocess.run(
        command,
        cwd=request.config.rootpath,
        env=os.environ | PERSONAL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout
    assert "1 passed" in run.stdout
