"""Where the file of a model may be, and from where its path is read."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from orch_nb.errors import SettingsError
from orch_nb.settings import Settings, load
from orch_nb.settings.validation import dump


def read(directory: Path, config: Any = None) -> Settings:
    types = ("local", "sim")
    return load(env=os.environ, directory=directory, known_types=types, config=config)


def write(directory: Path, path: str) -> None:
    (directory / "orch.yaml").write_text(f'models:\n  "local:mine":\n    path: "{path}"\n')


def test_a_path_is_relative_to_the_notebook(tmp_path: Path) -> None:
    write(tmp_path, "models/mine.gguf")
    assert read(tmp_path).models["local:mine"].path == str(tmp_path / "models/mine.gguf")


def test_python_may_name_any_file_as_text_or_path(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere" / "mine.gguf"
    for path in (elsewhere, str(elsewhere), "../elsewhere/mine.gguf"):
        settings = read(tmp_path / "work", {"models": {"local:mine": {"path": path}}})
        assert settings.models["local:mine"].path == str(elsewhere)
    assert read(Path("/"), dump(settings)).models == settings.models


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "../mine.gguf", "models/../../mine.gguf", "C:\\\\mine.gguf", "out/m"]
)
def test_a_file_that_came_with_a_notebook_names_only_what_came_with_it(
    tmp_path: Path, path: str
) -> None:
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "out").symlink_to(tmp_path)
    write(tmp_path / "project", path)
    with pytest.raises(SettingsError, match="must stay inside the notebook's folder") as caught:
        read(tmp_path / "project")
    assert caught.value.line == 3


@pytest.mark.parametrize(
    ("path", "said"), [("~/mine.gguf", "without ~"), ("", "empty"), (5, "text")]
)
def test_what_is_no_path_is_refused(tmp_path: Path, path: object, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        read(tmp_path, {"models": {"local:mine": {"path": path}}})
