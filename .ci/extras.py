"""Each extra of an installed wheel, in its smallest use: `extras.py MODEL.gguf`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import ClassVar

import keyring
from distributed import Client
from keyring.backend import KeyringBackend

import orch_nb
from orch_nb.settings import store_key, stored_key


class Ring(KeyringBackend):
    """Keeps passwords as long as the process lives: a machine without a screen has no other."""

    priority = 1
    kept: ClassVar[dict[tuple[str, str], str]] = {}

    def get_password(self, service: str, username: str) -> str | None:
        """What was kept."""
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        """Keep it."""
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        """Forget it."""
        del self.kept[service, username]


def ask_local(model: Path) -> str:
    """What a model of the extra ``local`` writes."""
    with orch_nb.Session({"models": {"local:tiny": {"path": str(model.resolve())}}}) as session:
        return session.ask("Hello.", model="local:tiny", max_tokens=4, temperature=0).text


def ask_cluster() -> list[str]:
    """Who answers a batch that runs on a worker of the extra ``dask``."""
    with (
        Client(n_workers=1, threads_per_worker=1, host="127.0.0.1", dashboard_address=None),
        orch_nb.Session() as session,
    ):
        answers = session.map(
            ["Nile", "Rhine"], "About {{ item }}.", backend="dask", progress=False
        )
        return [answer.model for answer in answers]


def ask_keyring() -> str | None:
    """A key that went into the keyring of the extra ``keyring`` and came back."""
    keyring.set_keyring(Ring())
    store_key(Path("home"), "openai", "sk-kept", in_keyring=True)
    return stored_key(Path("home"), "openai")


def main() -> None:
    """Raises where an extra does not do what it is for."""
    said = ask_local(Path(sys.argv[1]))
    assert said, "the local model wrote nothing"
    models = ask_cluster()
    assert len(models) == 2, models
    assert all(model.startswith("sim:") for model in models), models
    assert ask_keyring() == "sk-kept"
    assert Ring.kept, "the key is not in the keyring"
    print(f"local wrote {said!r}; dask had answers of {models[0]}; keyring kept a key")


if __name__ == "__main__":  # workers import this file
    main()
