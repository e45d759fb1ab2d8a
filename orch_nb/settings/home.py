"""The user's own folder: what belongs to a person and not to a notebook."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


def user_home(env: Mapping[str, str]) -> Path:
    """Find the folder: ``ORCH_HOME``, else the platform's folder for user data."""
    if named := env.get("ORCH_HOME"):
        return Path(named)
    # 20 ms, which only those who need the folder should pay.
    import platformdirs  # noqa: PLC0415

    return Path(platformdirs.user_data_dir("orch_nb", appauthor=False))
