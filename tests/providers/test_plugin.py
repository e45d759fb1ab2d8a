"""A provider and a strategy of another package, installed with pip and used."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import orch_nb

SHOUT = Path(__file__).parents[1] / "plugin" / "shout"
PACKAGE = Path(orch_nb.__file__).parents[1]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    source = ["--no-deps", "--no-build-isolation", "--target", str(folder), str(SHOUT)]
    subprocess.run([*pip, *source], check=True)
    return folder


def run(site: Path, folder: Path, code: str) -> str:
    env = {**os.environ, "PYTHONPATH": f"{site}{os.pathsep}{PACKAGE}"}
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_it_takes_part_as_soon_as_it_is_installed(site: Path, tmp_path: Path) -> None:
    said = run(
        site,
        tmp_path,
        """
        import orch_nb
        with orch_nb.Session() as session:
            answer = session.ask("hello there")
            print(session.providers, answer.model, answer.text, answer.usage.input_tokens)
            print([r.reason for r in session.select("x").rejected][:1])
        """,
    )
    assert "('shout',) shout:loud HELLO THERE  2" in said
    assert "simulated; a real provider is configured" in said


def test_it_answers_in_a_cell(site: Path, tmp_path: Path) -> None:
    said = run(
        site,
        tmp_path,
        """
        from IPython.core.interactiveshell import InteractiveShell
        shell = InteractiveShell.instance()
        shell.run_line_magic("load_ext", "orch_nb")
        print(shell.run_cell_magic("orch", "-m shout:loud --quiet -o answer", "is it me"))
        print(shell.user_ns["answer"].text)
        """,
    )
    assert "providers: shout" in said
    assert "IS IT ME" in said


def test_its_strategy_is_one_of_ours(site: Path, tmp_path: Path) -> None:
    said = run(
        site,
        tmp_path,
        """
        import orch_nb
        from orch_nb.routing.strategies import strategy_names
        with orch_nb.Session(config={"strategy": "finest"}) as session:
            print("finest" in strategy_names(), session.ask("hello").decision.strategy)
        """,
    )
    assert "True finest" in said


def test_what_it_raises_is_an_error_of_ours(site: Path, tmp_path: Path) -> None:
    said = run(
        site,
        tmp_path,
        """
        import orch_nb, shout
        def fails(self, request, model):
            yield "so "
            raise RuntimeError("no voice \\x1b[31m")
        shout.Shout.stream = fails
        with orch_nb.Session(config={"providers": {"shout": {"max_retries": 0}}}) as session:
            try:
                session.ask("hello", model="shout:loud")
            except orch_nb.OrchError as error:
                print(type(error).__name__, error)
        """,
    )
    assert "ServerFailed shout:loud: the provider failed: no voice \\x1b[31m" in said


def test_it_is_not_there_without_its_package(tmp_path: Path) -> None:
    with pytest.raises(orch_nb.OrchError, match="shout"):
        orch_nb.Session(config={"providers": {"shout": {}}}, directory=tmp_path)


def test_a_class_of_a_notebook_takes_part_after_a_reload(tmp_path: Path) -> None:
    said = run(
        tmp_path,
        tmp_path,
        """
        import orch_nb
        from orch_nb.providers import provider

        with orch_nb.Session(config={"probe": False}) as session:
            print(session.providers)

            @provider("backwards")
            class Backwards:
                def stream(self, request, model):
                    yield request.prompt[::-1]

                def list_models(self):
                    return ["plain"]

            session.reload()
            answer = session.ask("abc")
            print(session.providers, answer.model, answer.text)
        with orch_nb.Session(config={"providers": {"back": {"type": "backwards"}}}) as other:
            print(other.ask("abc", model="back:plain").text)
        for name in (Backwards, "openai", "a:b"):
            try:
                provider(name)
            except orch_nb.OrchError as error:
                print(error)
        """,
    )
    assert said.startswith("()\n('backwards',) backwards:plain cba\ncba\n")
    assert said.count("a provider needs a name of one word that no built-in type has") == 3


def test_what_ends_a_program_ends_no_session(tmp_path: Path) -> None:
    said = run(
        tmp_path,
        tmp_path,
        """
        import orch_nb
        from orch_nb.providers import provider

        def attempt(act):
            try:
                print(act())
            except orch_nb.OrchError as error:
                print(type(error).__name__, error)

        @provider("rude")
        class Rude:
            def __init__(self, endpoint):
                self.made = endpoint.name

            def stream(self, request, model):
                yield "so "
                raise {"exit": SystemExit, "stop": KeyboardInterrupt}[model]("far")

        class Silent:
            pass

        rows = {"rude": {"max_retries": 0}}
        with orch_nb.Session(config={"providers": rows, "probe": False}) as session:
            for model in ("exit", "stop"):
                attempt(lambda: session.ask("hello", model=f"rude:{model}"))
            print(session.ask("hello", model="sim:small").model)
        Rude.__init__ = lambda self, endpoint, more: None
        attempt(lambda: orch_nb.Session(config={"providers": rows, "probe": False}))
        for kind in (Silent, Rude("a", "b"), lambda request, model: "x"):
            attempt(lambda: provider("mine")(kind))
        """,
    )
    lines = said.splitlines()
    assert lines[:3] == [
        "ServerFailed rude:exit: the provider failed: far",
        "ServerFailed rude:stop: the provider failed: far",
        "sim:small",
    ]
    assert "SettingsError provider 'rude' cannot be made (TypeError: " in lines[3]
    assert (
        lines[4:]
        == ["InputError @provider stands above a class that has stream(request, model)"] * 3
    )
