"""Settings files that came with a notebook, and what they may not do with the user's keys.

A file that leads a key to a host that is neither the provider's own nor this machine is not
obeyed until the user trusts exactly that content. Trust is kept as SHA-256 sums in
``trusted.json`` in the user's data folder.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from orch_nb.errors import SettingsError
from orch_nb.files import write_private
from orch_nb.settings import rows
from orch_nb.settings.endpoint import keeps_key_home, site_of
from orch_nb.settings.home import user_home
from orch_nb.settings.keys import stored_names
from orch_nb.settings.layers import FILE_NAME, Layer, merge, origin, read_file
from orch_nb.settings.schema import ProviderSettings, Settings


def is_trusted(content: bytes, home: Path) -> bool:
    """Whether the user has trusted a file with exactly this content."""
    return _digest(content) in _trusted(home)


def remember(content: bytes, home: Path) -> None:
    """Trust files with exactly this content from now on.

    Raises
    ------
    SettingsError
        The folder cannot be written.
    """
    sums = sorted({*_trusted(home), _digest(content)})
    try:
        write_private(home / "trusted.json", json.dumps({"sha256": sums}).encode())
    except OSError as error:
        reason = error.strerror or "unknown reason"
        raise SettingsError(f"cannot remember the trust in {home} ({reason})") from None


def trust_file(directory: Path, env: Mapping[str, str]) -> str:
    """Trust the settings file in `directory` as it is now, and give its name.

    Raises `SettingsError` when there is none, or it is no settings file.
    """
    file = read_file(env, directory)
    if file is None:
        raise SettingsError(f"there is no {FILE_NAME} here to trust")
    if file.content is not None:
        remember(file.content, user_home(env))
    return file.source


def check(settings: Settings, layers: Sequence[Layer], file: Layer, env: Mapping[str, str]) -> None:
    """Refuse `settings` in which the untrusted `file` leads a key to a foreign host."""
    others = merge([layer for layer in layers if layer is not file]).get("providers")
    before = rows.complete(others) if isinstance(others, Mapping) else {}
    stored = stored_names(user_home(env))
    for name, row in settings.providers.items():
        if not _leads_key_away(row, name in stored) or _route(before.get(name)) == _route(
            asdict(row)
        ):
            continue
        if file.content is not None and is_trusted(file.content, user_home(env)):
            return
        _, line = origin([file], ("providers", name, "base_url"))
        raise SettingsError(
            f"providers.{name} would send its key to {site_of(row.base_url or '')}; "
            "run `%orch config trust` if this file is yours",
            source=file.source,
            line=line,
        )


def _leads_key_away(row: ProviderSettings, has_stored_key: bool) -> bool:
    has_key = has_stored_key or row.api_key_env is not None or row.api_key is not None
    return has_key and row.base_url is not None and not keeps_key_home(row.base_url, row.type)


def _route(row: object) -> tuple[object, ...]:
    """Pick what decides which key goes where."""
    given = row if isinstance(row, Mapping) else {}
    return tuple(given.get(key) for key in ("type", "base_url", "api_key_env"))


def _trusted(home: Path) -> Collection[str]:
    try:
        sums = json.loads((home / "trusted.json").read_bytes())["sha256"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return ()  # nothing was trusted yet, or the file is damaged
    return [entry for entry in sums if isinstance(entry, str)] if isinstance(sums, list) else ()


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
