"""Stored keys: for the user's eyes only, below the environment, and led nowhere by a file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from orch_nb.errors import InputError, SettingsError
from orch_nb.providers._connect import connect
from orch_nb.settings import (
    Settings,
    remove_key,
    store_key,
    stored_key,
    stored_names,
    stored_where,
)
from orch_nb.settings.validation import dump

Loader = Callable[..., Settings]
KEY = "sk-stored-0123456789abcdef"
RING = '''
from keyring.backend import KeyringBackend
from keyring.errors import PasswordDeleteError
from pathlib import Path
import json

class Ring(KeyringBackend):
    """Keeps passwords in one file."""

    priority = 1
    file = Path(__file__).with_name("ring.json")

    def _all(self):
        return json.loads(self.file.read_text()) if self.file.exists() else {}

    def get_password(self, service, username):
        return self._all().get(f"{service}/{username}")

    def set_password(self, service, username, password):
        self.file.write_text(json.dumps({**self._all(), f"{service}/{username}": password}))

    def delete_password(self, service, username):
        kept = self._all()
        if kept.pop(f"{service}/{username}", None) is None:
            raise PasswordDeleteError("sk-never-shown")
        self.file.write_text(json.dumps(kept))
'''


def test_only_the_user_can_read_them(home: Path) -> None:
    store_key(home, "openai", f"  {KEY}\n")
    store_key(home, "team", "other-key")
    assert stored_key(home, "openai") == KEY
    assert stored_names(home) == {"openai", "team"}
    (file,) = home.iterdir()
    assert (file.stat().st_mode & 0o777, home.stat().st_mode & 0o777) == (0o600, 0o700)
    remove_key(home, "openai")
    assert (stored_key(home, "openai"), stored_where(home, "team")) == (None, "keys.json")
    assert KEY not in file.read_text()


@pytest.mark.parametrize(
    "key", ["", "   ", "abc", "two words", "sk-\x1b[2Jabc", "sk-ключ", "x" * 5000]
)
def test_what_can_be_no_key_is_not_stored(home: Path, key: str) -> None:
    with pytest.raises(InputError, match="that is no key"):
        store_key(home, "openai", key)
    assert stored_names(home) == frozenset()


def test_there_must_be_one_to_remove(home: Path) -> None:
    with pytest.raises(InputError, match="no key is stored for 'openai'"):
        remove_key(home, "openai")


@pytest.mark.parametrize("content", [b"", b"[]", b'{"keys": 3}', b"\xff", b'{"keys": {"a"'])
def test_a_damaged_file_holds_none(home: Path, content: bytes) -> None:
    home.mkdir(parents=True)
    (home / "keys.json").write_bytes(content)
    assert stored_names(home) == frozenset()


def test_a_folder_that_cannot_be_written_is_an_error_without_the_key(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(SettingsError, match="ORCH_HOME") as caught:
        store_key(tmp_path / "file" / "orch", "openai", KEY)
    assert KEY not in str(caught.value)


def test_a_stored_key_makes_a_vendor_take_part(hear: Loader, home: Path) -> None:
    assert "openai" not in hear().providers
    store_key(home, "openai", KEY)
    settings = hear()
    env = {"ORCH_HOME": str(home)}
    assert connect(settings, env)["openai"].endpoint.key == KEY
    set_too = {**env, "OPENAI_API_KEY": "sk-from-the-environment"}
    assert connect(settings, set_too)["openai"].endpoint.key == "sk-from-the-environment"
    assert KEY not in json.dumps(dump(settings)) + repr(settings) + repr(connect(settings, env))


@pytest.mark.parametrize(
    "row",
    [
        "openai: {base_url: 'https://foreign.example/v1'}",
        "openai: {type: compatible, base_url: 'https://foreign.example/v1'}",
        "team: {type: compatible, base_url: 'https://foreign.example/v1'}",
    ],
)
def test_a_file_leads_no_stored_key_away(hear: Loader, home: Path, row: str) -> None:
    store_key(home, "openai", KEY)
    store_key(home, "team", KEY)
    with pytest.raises(SettingsError, match=r"would send its key to https://foreign\.example"):
        hear(f"providers:\n  {row}")


def test_a_stored_key_is_not_sent_under_another_name(hear: Loader, home: Path) -> None:
    store_key(home, "openai", KEY)
    settings = hear("providers:\n  x: {type: compatible, base_url: 'https://foreign.example/v1'}")
    assert connect(settings, {"ORCH_HOME": str(home)})["x"].endpoint.key is None


def test_keys_in_a_keyring(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import keyring

    (tmp_path / "ring_for_tests.py").write_text(RING)
    monkeypatch.syspath_prepend(str(tmp_path))
    before = keyring.get_keyring()
    keyring.set_keyring(__import__("ring_for_tests").Ring())
    try:
        store_key(home, "openai", KEY, in_keyring=True)
        assert KEY not in (home / "keys.json").read_text()
        assert (stored_key(home, "openai"), stored_where(home, "openai")) == (KEY, "keyring")
        remove_key(home, "openai")
        assert stored_names(home) == frozenset()
        store_key(home, "openai", KEY, in_keyring=True)
        (tmp_path / "ring.json").unlink()
        assert stored_key(home, "openai") is None
        with pytest.raises(SettingsError, match="the keyring refused") as caught:
            remove_key(home, "openai")
        assert "never-shown" not in str(caught.value)
    finally:
        keyring.set_keyring(before)
