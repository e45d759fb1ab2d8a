"""What a session refuses before it sends anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from orch_nb import Session
from orch_nb.errors import InputError, SettingsError


def test_a_working_folder_that_was_deleted_is_said_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(SettingsError, match="was deleted; change to another"):
        Session()


def test_an_on_text_that_cannot_be_called_is_refused_before_the_model_is_asked() -> None:
    with Session() as session:
        with pytest.raises(InputError, match="on_text must be a function"):
            session.ask("hi", model="sim:small", on_text=3)  # type: ignore[arg-type]
        assert not list(session.ledger)
