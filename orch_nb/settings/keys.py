"""Keys that the user stored with ``%orch keys set``, by the name of the provider.

They are in ``keys.json`` in the user's folder (0600), or, where that holds null, in the system's
keyring. A variable in the environment outweighs a stored key.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from orch_nb.errors import InputError, SettingsError
from orch_nb.files import read_regular, write_private

_FILE = "keys.json"
_SERVICE = "orch_nb"
_BYTES = 100_000


def stored_names(home: Path) -> frozenset[str]:
    """The providers that have a stored key."""
    return frozenset(_read(home))


def stored_key(home: Path, provider: str) -> str | None:
    """The stored key of `provider`, None if there is none, or the keyring does not give it."""
    keys = _read(home)
    key = keys.get(provider)
    if key is None and provider in keys and _has_keyring():
        keyring = import_module("keyring")
        with suppress(keyring.errors.KeyringError):
            key = keyring.get_password(_SERVICE, provider)
    return key


def stored_where(home: Path, provider: str) -> str:
    """Where the key of `provider` is stored, in words; "" if it is not."""
    keys = _read(home)
    if provider not in keys:
        return ""
    return "keyring" if keys[provider] is None else _FILE


def store_key(home: Path, provider: str, key: str, *, in_keyring: bool = False) -> None:
    """Store `key` for `provider`, in place of the one that was stored.

    Raises `InputError` for what cannot be a key, `SettingsError` where it cannot be stored.
    """
    key = key.strip()
    if not (4 <= len(key) <= 4096 and key.isascii() and key.isprintable() and " " not in key):
        raise InputError("that is no key: it must be one word of ASCII letters; nothing was stored")
    if in_keyring:
        _use_keyring("set_password", provider, key)
    _write(home, {**_read(home), provider: None if in_keyring else key})


def remove_key(home: Path, provider: str) -> None:
    """Forget the stored key of `provider`. Raises `InputError` if there is none."""
    keys = _read(home)
    if provider not in keys:
        raise InputError(f"no key is stored for {provider!r}; `%orch keys` lists what is")
    if keys[provider] is None:
        _use_keyring("delete_password", provider)
    _write(home, {name: key for name, key in keys.items() if name != provider})


def _read(home: Path) -> Mapping[str, str | None]:
    try:
        content, _ = read_regular(home / _FILE, _BYTES)
        keys = json.loads(content)["keys"]
        return {str(name): None if key is None else str(key) for name, key in keys.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}  # nothing was stored yet, or the file is damaged


def _write(home: Path, keys: Mapping[str, str | None]) -> None:
    try:
        write_private(home / _FILE, json.dumps({"version": 1, "keys": keys}).encode())
    except OSError as error:
        reason = error.strerror or "unknown reason"
        raise SettingsError(f"cannot write {home / _FILE} ({reason}); set ORCH_HOME") from None


def _has_keyring() -> bool:
    return find_spec("keyring") is not None


def _use_keyring(call: str, *arguments: str) -> None:
    if not _has_keyring():
        raise InputError("there is no keyring here: pip install keyring, or leave --keyring out")
    keyring: Any = import_module("keyring")
    try:
        getattr(keyring, call)(_SERVICE, *arguments)
    except keyring.errors.KeyringError as error:
        name = type(error).__name__  # its words may hold what was to be stored
        raise SettingsError(f"the keyring refused ({name}); leave --keyring out") from None
