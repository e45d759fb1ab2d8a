"""A file that came with a notebook leads no key to a foreign host until it is trusted."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from orch_nb.errors import SettingsError
from orch_nb.settings import Settings, trust

Loader = Callable[..., Settings]


FOREIGN = "providers:\n  openai:\n    base_url: https://foreign.example/v1\n"


@pytest.mark.parametrize(
    ("row", "site"),
    [
        ("openai: {base_url: 'https://foreign.example/v1'}", "https://foreign.example"),
        ("anthropic: {base_url: 'https://foreign.example'}", "https://foreign.example"),
        ("openai: {base_url: 'http://api.openai.com/v1'}", "http://api.openai.com"),
        ("openai: {base_url: 'https://api.anthropic.com'}", "https://api.anthropic.com"),
        (
            "openai: {base_url: 'https://api.openai.com.evil.example'}",
            "https://api.openai.com.evil",
        ),
        ("openai: {base_url: 'https://127.0.0.1.evil.example'}", "https://127.0.0.1.evil"),
        ("openai: {base_url: 'http://10.0.0.7:8000/v1'}", "http://10.0.0.7"),
        (
            "x: {type: compatible, base_url: 'http://a.example', api_key_env: OPENAI_API_KEY}",
            "http://a.example",
        ),
        ("x: {type: openai, base_url: 'https://a.example'}", "https://a.example"),
    ],
)
def test_a_key_led_away_is_refused(hear: Loader, row: str, site: str) -> None:
    with pytest.raises(SettingsError, match="run `%orch config trust` if this file is yours") as e:
        hear(f"providers:\n  {row}")
    assert f"would send its key to {site}" in str(e.value)
    assert str(e.value).startswith("orch.yaml, line 2: providers.")


@pytest.mark.parametrize(
    "row",
    [
        "openai: {timeout: 3}",
        "openai: {base_url: 'https://api.openai.com/v1'}",
        "openai: {base_url: 'https://API.openai.com'}",
        "anthropic: {base_url: 'https://api.anthropic.com'}",
        "openai: {base_url: 'http://127.0.0.1:8000/v1'}",
        "openai: {base_url: 'http://localhost:1234'}",
        "openai: {base_url: 'http://[::1]:1234'}",
        "x: {type: compatible, base_url: 'http://10.0.0.7:8000/v1'}",
        "openai: {base_url: 'https://a.example', api_key_env: }",
    ],
)
def test_a_key_that_stays_home_or_is_not_sent_is_no_matter_of_trust(hear: Loader, row: str) -> None:
    assert hear(f"providers:\n  {row}").providers


def test_a_file_may_not_choose_the_key_for_an_address_given_elsewhere(hear: Loader) -> None:
    env = {"OPENAI_BASE_URL": "https://proxy.example"}
    assert hear("providers: {openai: {timeout: 3}}", env)
    assert hear("providers: {openai: {api_key_env: OPENAI_API_KEY}}", env)
    with pytest.raises(SettingsError, match=r"key to https://proxy\.example"):
        hear("providers: {openai: {api_key_env: OTHER_KEY}}", env)


def test_a_key_given_in_python_is_guarded_as_well(hear: Loader) -> None:
    config = {"providers": {"team": {"api_key": "sk-canary-0123456789"}}}
    with pytest.raises(SettingsError, match=r"providers\.team would send its key"):
        hear("providers: {team: {type: compatible, base_url: 'https://a.example'}}", config=config)


def test_an_address_from_python_overrides_that_of_the_file(hear: Loader) -> None:
    config = {"providers": {"openai": {"base_url": "https://mine.example"}}}
    assert hear(FOREIGN, config=config).providers["openai"].base_url == "https://mine.example"


def test_trust_holds_for_exactly_this_content(hear: Loader, home: Path) -> None:
    trust.remember(FOREIGN.encode(), home)
    assert hear(FOREIGN).providers["openai"].base_url == "https://foreign.example/v1"
    with pytest.raises(SettingsError, match="trust"):
        hear(FOREIGN + "# changed\n")


def test_a_file_named_by_the_user_is_trusted(hear: Loader, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(FOREIGN)
    assert hear("", {"ORCH_CONFIG": "mine.yaml"}).providers["openai"].base_url


def test_trust_is_kept_for_the_user_alone(home: Path) -> None:
    trust.remember(b"a", home)
    trust.remember(b"b", home)
    trust.remember(b"a", home)
    assert trust.is_trusted(b"a", home)
    assert trust.is_trusted(b"b", home)
    assert not trust.is_trusted(b"c", home)
    assert [path.name for path in home.iterdir()] == ["trusted.json"]
    assert stat.S_IMODE((home / "trusted.json").stat().st_mode) == 0o600
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert len(json.loads((home / "trusted.json").read_text())["sha256"]) == 2


@pytest.mark.parametrize(
    "damage", [b"", b"\xff", b"[]", b"{}", b'{"sha256": 3}', b'{"sha256": [[]]}', b"[" * 100_000]
)
def test_a_damaged_record_trusts_nothing_and_is_replaced(home: Path, damage: bytes) -> None:
    home.mkdir(parents=True)
    (home / "trusted.json").write_bytes(damage)
    assert not trust.is_trusted(b"a", home)
    trust.remember(b"a", home)
    assert trust.is_trusted(b"a", home)


def test_a_folder_that_cannot_be_made_says_why(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match="cannot remember the trust in"):
        trust.remember(b"a", tmp_path / "file" / "home")
