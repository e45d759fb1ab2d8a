"""The user's own folder, for what belongs to a person, and the folder that they work in."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from orch_nb.errors import SettingsError


def user_home(env: Mapping[str, str]) -> Path:
    """Find the folder: ``ORCH_HOME``, else the platform's folder for user data."""
    if named := env.get("ORCH_HOME"):
        return Path(named)
    if sys.platform == "linux":  # as platformdirs has it, whose import every %load_ext would pay
        data = env.get("XDG_DATA_HOME", "").strip()
        return (Path(data) if data else Path.home() / ".local" / "share") / "orch_nb"
    import platformdirs  # noqa: PLC0415

    return Path(platformdirs.user_data_dir("orch_nb", appauthor=False))


def working_folder() -> Path:
    """Find the folder of the process. Raises `SettingsError` where it was deleted meanwhile."""
    try:
        return Path.cwd()
    except FileNotFoundError:
        raise SettingsError("the working folder was deleted; change to another one") from None
