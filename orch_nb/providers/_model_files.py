"""Which GGUF files are on this machine: remembered ones, and those of LM Studio and Ollama.

What the user adds is kept in ``models.json`` in the user's data folder.
"""

from __future__ import annotations

import glob
import json
import os
import re
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path

from orch_nb.errors import InputError, SettingsError
from orch_nb.files import read_regular, write_private
from orch_nb.providers._gguf import NotGGUF, read_head

_LIST = "models.json"
_SUFFIX = ".gguf"
_PART = re.compile(r"-(\d{5})-of-(\d{5})$")
_DIGEST = re.compile(r"sha256:([0-9a-f]{64})")
_WEIGHTS = "application/vnd.ollama.image.model"
# How much of a folder is looked at: nobody has this many models, but a link may lead anywhere.
_MOST_FOLDERS = 2_000
_MOST_FILES = 1_000
_MOST_BYTES = 1_000_000


def find_models(home: Path, env: Mapping[str, str]) -> dict[str, Path]:
    """Names and files of all models: added ones first, then LM Studio's, then Ollama's.

    `home` is the user's data folder. A file has one name only. Nothing is read but lists.
    """
    found: dict[str, Path] = {}
    known = set[str]()
    for name, path in (*added_models(home).items(), *_of_lm_studio(), *_of_ollama(env)):
        real = os.path.realpath(path)
        own = _tidy(f"{path.parent.name}/{name}") if name in found else name
        if own not in found and real not in known and os.path.isfile(real):  # noqa: PTH113 - never raises
            found[own] = path
            known.add(real)
    return found


def added_models(home: Path) -> dict[str, Path]:
    """Names and files of what was added, whether they are still there or not."""
    try:
        content, _ = read_regular(home / _LIST, _MOST_BYTES)
        rows = json.loads(content)["gguf"].items()
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}  # nothing was added yet, or the file is damaged
    return {name: Path(path) for name, path in rows if isinstance(path, str) and "\0" not in path}


def add_model(path: str | os.PathLike[str], home: Path) -> str:
    """Remember the GGUF file at `path` in `home` and give the name that its model has from now on.

    Raises
    ------
    InputError
        There is no such file, or it holds no model.
    SettingsError
        `home` cannot be written.
    """
    file = Path(path).expanduser().resolve()
    try:
        kind = read_head(file).kind
    except NotGGUF as error:
        raise InputError(f"{file.name} {error}; give the path of a model in GGUF format") from None
    if kind != "model":
        raise InputError(f"{file.name} holds no model but its {kind}; name the model's own file")
    if (part := _PART.search(file.stem)) and int(part[1]) != 1:
        raise InputError(f"{file.name} is a part of a model; name the first part")
    added = {name: other for name, other in added_models(home).items() if other != file}
    name = _name(file)
    if name in added:
        name = _tidy(f"{file.parent.name}/{name}")
    document = {"gguf": {name: os.fspath(path) for name, path in {**added, name: file}.items()}}
    try:
        write_private(home / _LIST, json.dumps(document, indent=1).encode())
    except OSError as error:
        reason = error.strerror or "unknown reason"
        raise SettingsError(f"cannot remember the model in {home} ({reason})") from None
    return name


def weight(path: Path) -> int:
    """The size in bytes of the model at `path`, with all parts if it is split."""
    part = _PART.search(path.stem)
    if part is None:
        return path.stat().st_size
    whole = glob.escape(path.stem[: part.start()])
    parts = path.parent.glob(f"{whole}-?????-of-{part[2]}{path.suffix}")
    return sum(file.stat().st_size for file in parts)


def _of_lm_studio() -> Iterator[tuple[str, Path]]:
    """Files in the folders that LM Studio has used: publisher/repository/file."""
    for folder in (".lmstudio/models", ".cache/lm-studio/models"):
        for path in _walk(Path("~", folder).expanduser(), depth=3):
            part = _PART.search(path.stem)
            projector = "mmproj" in path.name.lower()
            if path.suffix.lower() == _SUFFIX and not projector and (not part or int(part[1]) == 1):
                yield _name(path), path


def _of_ollama(env: Mapping[str, str]) -> Iterator[tuple[str, Path]]:
    """The weights that Ollama's manifests name: manifests/host/namespace/model/tag."""
    if named := env.get("OLLAMA_MODELS"):
        folders = [Path(named)]
    else:  # of the user, and of the service that its Linux installer makes
        folders = [Path("~/.ollama/models").expanduser(), Path("/usr/share/ollama/.ollama/models")]
    for folder in folders:
        for manifest in _walk(folder / "manifests", depth=4):
            parts = manifest.relative_to(folder / "manifests").parts
            if len(parts) == 4 and (digest := _weights(manifest)) is not None:
                host, namespace, model, tag = parts
                official = (host, namespace) == ("registry.ollama.ai", "library")
                prefix = "" if official else f"{namespace}/"
                yield _tidy(f"{prefix}{model}:{tag}"), folder / "blobs" / f"sha256-{digest}"


def _weights(manifest: Path) -> str | None:
    try:
        content, _ = read_regular(manifest, _MOST_BYTES)
        for layer in json.loads(content)["layers"]:
            if layer["mediaType"] == _WEIGHTS:
                match = _DIGEST.fullmatch(layer["digest"])
                return match[1] if match else None
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        pass  # not a manifest
    return None


def _walk(top: Path, depth: int) -> Iterator[Path]:
    """The files `depth` levels below `top`, or less deep, in alphabetical order; bounded."""
    return islice(_files(top, depth), _MOST_FILES)


def _files(top: Path, depth: int) -> Iterator[Path]:
    for folder, inner, names in islice(os.walk(top), _MOST_FOLDERS):
        if len(Path(folder).relative_to(top).parts) >= depth - 1:
            inner.clear()
        inner.sort()
        yield from (Path(folder, name) for name in sorted(names))


def _name(path: Path) -> str:
    return _tidy(_PART.sub("", path.stem))


def _tidy(name: str) -> str:
    """`name` as a part of a model id: without spaces and other signs that need quotes."""
    return re.sub(r"[^\w.:/+@-]+", "-", name)
