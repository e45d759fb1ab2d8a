"""Which model files are found, and which are remembered."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from orch_nb.errors import InputError, SettingsError
from orch_nb.providers._model_files import add_model, find_models, weight
from providers.gguf_model import write_model


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home" / "orch"


@pytest.fixture
def user(tmp_path: Path) -> Path:
    return tmp_path / "home"


def found(home: Path) -> dict[str, Path]:
    return find_models(home, os.environ)


def put(path: Path, size: int = 10) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size)
    return path


def test_on_a_new_machine_there_are_none(home: Path) -> None:
    assert found(home) == {}


def test_what_lm_studio_keeps_is_found(home: Path, user: Path) -> None:
    new, old = user / ".lmstudio/models", user / ".cache/lm-studio/models"
    one = put(new / "qwen/Qwen3 4B/Qwen3 4B-Q4_K_M.gguf")
    two = put(old / "meta/llama/llama-3.gguf")
    first = put(new / "big/m/big-00001-of-00002.gguf", 30)
    put(new / "big/m/big-00002-of-00002.gguf", 12)
    put(new / "qwen/vl/mmproj-Qwen3-F16.gguf")
    put(new / "qwen/vl/readme.md")
    put(new / "a/b/too/deep.gguf")
    assert found(home) == {"big": first, "Qwen3-4B-Q4_K_M": one, "llama-3": two}
    assert weight(first) == 42
    assert weight(one) == 10


def test_two_of_one_name_are_told_apart(home: Path, user: Path) -> None:
    folder = user / ".lmstudio/models"
    one, two = put(folder / "a/one/model.gguf"), put(folder / "a/two/model.gguf")
    assert found(home) == {"model": one, "two/model": two}


def test_a_file_has_one_name(home: Path, user: Path) -> None:
    real = put(user / ".lmstudio/models/a/b/model.gguf")
    link = user / ".cache/lm-studio/models/a/b/other.gguf"
    link.parent.mkdir(parents=True)
    link.symlink_to(real)
    assert found(home) == {"model": real}


def ollama(folder: Path, name: str, digest: str, kind: str = "model") -> None:
    layers = [
        {"mediaType": "application/vnd.ollama.image.template", "digest": "sha256:" + "0" * 64},
        {"mediaType": f"application/vnd.ollama.image.{kind}", "digest": digest},
    ]
    manifest = put(folder / "manifests" / name)
    manifest.write_text(json.dumps({"layers": layers}))


@pytest.mark.parametrize("named", [False, True])
def test_what_ollama_keeps_is_found(
    home: Path, user: Path, tmp_path: Path, named: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "elsewhere" if named else user / ".ollama/models"
    if named:
        monkeypatch.setenv("OLLAMA_MODELS", str(folder))
    else:
        monkeypatch.delenv("OLLAMA_MODELS")
    digest = "0123456789abcdef" * 4
    ollama(folder, "registry.ollama.ai/library/llama3.1/8b", f"sha256:{digest}")
    ollama(folder, "registry.ollama.ai/team/mine/latest", "sha256:" + "f" * 64)
    ollama(folder, "hf.co/team/mine/q4", "sha256:../../../../etc/passwd")
    ollama(folder, "registry.ollama.ai/library/adapter/1", f"sha256:{digest}", "adapter")
    put(folder / "manifests/registry.ollama.ai/library/broken/1")
    put(folder / "manifests/stray")
    blob, mine = (put(folder / "blobs" / f"sha256-{d}") for d in (digest, "f" * 64))
    ours = {name: path for name, path in found(home).items() if tmp_path in path.parents}
    assert ours == {"llama3.1:8b": blob, "team/mine:latest": mine}


def test_what_is_added_is_remembered(home: Path, tmp_path: Path) -> None:
    one = write_model(tmp_path / "my models" / "tiny one.gguf")
    two = write_model(tmp_path / "other" / "tiny one.gguf")
    assert add_model(one, home) == "tiny-one"
    assert add_model(str(two), home) == "other/tiny-one"
    assert add_model(one, home) == "tiny-one"
    assert found(home) == {"tiny-one": one, "other/tiny-one": two}
    assert (home / "models.json").stat().st_mode & 0o777 == 0o600
    one.unlink()
    assert found(home) == {"other/tiny-one": two}


def test_what_is_no_model_is_not_added(home: Path, tmp_path: Path) -> None:
    page = put(tmp_path / "page.gguf")
    projector = write_model(tmp_path / "eyes.gguf", kind="mmproj")
    part = write_model(tmp_path / "big-00002-of-00003.gguf")
    for path, said in (
        (page, "page.gguf is no GGUF file"),
        (tmp_path / "missing.gguf", "No such file"),
        (projector, "holds no model but its mmproj"),
        (part, "name the first part"),
    ):
        with pytest.raises(InputError, match=said):
            add_model(path, home)
    assert found(home) == {}


@pytest.mark.parametrize(
    "content", ["", "[]", '{"gguf": []}', '{"gguf": {"a": 5, "b": "\\u0000"}}']
)
def test_a_damaged_list_is_an_empty_one(home: Path, tmp_path: Path, content: str) -> None:
    home.mkdir(parents=True)
    (home / "models.json").write_text(content)
    assert found(home) == {}
    assert add_model(write_model(tmp_path / "tiny.gguf"), home) == "tiny"
    assert list(found(home)) == ["tiny"]


def test_a_home_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    model = write_model(tmp_path / "tiny.gguf")
    with pytest.raises(SettingsError, match="cannot remember the model in"):
        add_model(model, put(tmp_path / "a file"))


def test_no_more_is_looked_at_than_a_person_has(home: Path, user: Path) -> None:
    folder = user / ".lmstudio/models/a/b"
    folder.mkdir(parents=True)
    for number in range(1100):
        (folder / f"{number}.gguf").touch()
    assert len(found(home)) == 1000
