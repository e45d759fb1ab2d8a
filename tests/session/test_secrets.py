"""A storm of faults at servers that repeat the key, and a look into everything that is left."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from orch_nb import Session
from orch_nb.errors import OrchError, SettingsError
from stub.client import Stub
from stub.spec import write

# Unlike any key's usual form, so that nothing but knowing them helps.
KEYS = {
    "openai": "Onyx7Quartz5Velvet",
    "anthropic": "Amber3Falcon9Meadow",
    "team": "Tundra4Cobalt8Willow",
}
HEADER = "Hazel6Lagoon2Marble"
SECRETS = [*KEYS.values(), HEADER]
MODELS = ["openai:gpt-6-luna", "anthropic:claude-opus-5-5", "team:m", "box:m"]


def faults(secret: str) -> list[str]:
    return [
        "401?body=echo_key",
        "400?body=echo_key",
        "500?body=echo_key",
        write("429", msg=f"slow down, {secret}", retry_after=0),
        write("400", msg=f"{'no ' * 110}{secret}"),  # where messages are cut
        write("err_mid", after=1, msg=f"bad key {secret}"),
        write("redirect", to="sink"),
        "html",
        "notjson",
        "close_mid",
        "no_done",
        "ok",
    ]


@pytest.fixture
def session(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    """Two vendors, a server with a key, and one that is told who asks by a header."""
    monkeypatch.setenv("OPENAI_API_KEY", KEYS["openai"])
    monkeypatch.setenv("OPENAI_BASE_URL", stub.url("openai", "/v1"))
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEYS["anthropic"])
    monkeypatch.setenv("ANTHROPIC_BASE_URL", stub.url("anthropic"))
    monkeypatch.setenv("TEAM_KEY", KEYS["team"])
    stub.models("openai", ["gpt-6-luna"])
    stub.models("anthropic", ["claude-opus-5-5"])
    for name in ("team", "box"):
        stub.models(name, ["m"])
    rows = {
        "openai": {"max_retries": 1},
        "anthropic": {"max_retries": 1},
        "team": {
            "type": "compatible",
            "base_url": stub.url("team", "/v1"),
            "api_key_env": "TEAM_KEY",
            "headers": {"X-Team-Token": HEADER},
        },
        "box": {
            "type": "ollama",
            "base_url": stub.url("box"),
            "headers": {"X-Auth-Token": f"Basic {HEADER}"},
        },
    }
    config = {
        "providers": rows,
        "budget": {"session": 5, "hour": 5, "unpriced": "allow"},
        "breaker": "off",
        "fallback": "fail",
    }
    with Session(config) as session:
        yield session


def leaks(folder: Path) -> list[str]:
    """The files below `folder` that hold a secret, and the secret."""
    return [
        f"{path.relative_to(folder)}: {secret}"
        for path in folder.rglob("*")
        if path.is_file()
        for secret in SECRETS
        if secret.encode() in path.read_bytes()
    ]


def test_nothing_that_is_left_of_a_storm_holds_a_key(
    session: Session,
    stub: Stub,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    said: list[str] = []
    answered = 0
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        for model in MODELS:
            provider = model.partition(":")[0]
            for number, fault in enumerate(faults(KEYS.get(provider, HEADER))):
                stub.rule(provider, fault)
                try:
                    response = session.ask(f"prompt {number}", model=model)
                except OrchError as error:
                    said += [str(error), repr(error), repr(vars(error)), repr(error.__cause__)]
                else:
                    answered += 1
                    said += [repr(response), repr(response.decision), str(response.attempts)]
        session.ledger.history()
        said += [repr(record) for record in session.ledger]
    said += [session.ledger.to_json(), session.ledger.history().to_json(), str(session.report())]
    said += [repr(session.settings), repr(session.connections), *map(str, warned)]
    session.close()

    # The servers were sent what they then repeated, and some of it was worth keeping.
    heads = [str(entry.headers) for entry in stub.log()]
    assert all(any(secret in head for head in heads) for secret in SECRETS)
    assert stub.sink_log() == []
    assert answered == len(MODELS)
    names = {path.name for path in tmp_path.rglob("*") if path.is_file()}
    assert {"ledger.sqlite", "experience.sqlite", "spend.sqlite"} <= names
    assert len(session.ledger) == len(MODELS) * len(faults("")) == len(session.ledger.history())
    assert any("•••" in one for one in said)

    out, err = capfd.readouterr()
    written = "\n".join([*said, out, err, caplog.text])
    assert [secret for secret in SECRETS if secret in written] == []
    # Nor what is left of one where a message was cut.
    assert [secret for secret in SECRETS if secret[:8] in written] == []
    assert leaks(tmp_path) == []


def test_a_url_with_a_key_is_refused_without_repeating_it() -> None:
    rows = {"team": {"type": "compatible", "base_url": f"http://me:{KEYS['team']}@127.0.0.1/v1"}}
    with pytest.raises(SettingsError, match="user name or password") as caught:
        Session({"providers": rows})
    assert KEYS["team"] not in str(caught.value) + repr(vars(caught.value))
