"""Images, classes, seed and effort: from the options of a cell to the wire, and what is shown."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from orch_nb.errors import BrokenAnswer, InputError, UnknownNameError
from shells.here import Shell
from shells.kernel import Kernel
from stub.client import Stub
from stub.spec import write

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
GIF = b"GIF89a" + bytes(16)
FITS = '{"city": "Rome", "people": 3}'
# A model of which nothing is known may still be named.
NAMED = "-m alpha:stub-large"


class Place(BaseModel):
    city: str
    people: int


@dataclass
class Town:
    city: str
    people: int


def bodies(stub: Stub) -> list[dict[str, Any]]:
    return [dict(entry.body) for entry in stub.log() if entry.wire == "chat"]


def urls(body: dict[str, Any]) -> list[str]:
    return [part["image_url"]["url"] for part in body["messages"][-1]["content"][1:]]


def url(kind: str, data: bytes) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode('ascii')}"


# -- seed and effort


def test_seed_and_effort_reach_the_wire(shell: Shell, alpha: Stub) -> None:
    shell.run("%%orch --seed 0 --effort low\nhi").result.raise_error()
    shell.run("%orch hi").result.raise_error()
    given, bare = bodies(alpha)
    assert (given["seed"], given["reasoning_effort"]) == (0, "low")
    assert not {"seed", "reasoning_effort", "response_format", "tools"} & bare.keys()


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ("--effort hgih", "unknown effort 'hgih'; did you mean high?"),
        ("--seed -1", "seed must be a whole number of at least 0, not -1"),
    ],
)
def test_wrong_ones_are_said(shell: Shell, alpha: Stub, flags: str, message: str) -> None:
    assert str(shell.run(f"%orch {flags} hi").error) == message
    assert bodies(alpha) == []


# -- images


def test_images_are_variables_or_paths(shell: Shell, alpha: Stub) -> None:
    Path("a.gif").write_bytes(GIF)
    Path("two words.gif").write_bytes(GIF)
    shell.ip.user_ns |= {"photo": PNG, "where": Path("a.gif")}
    code = f"%%orch {NAMED} --image photo --image a.gif --image 'two words.gif' --image where\nhi"
    shell.run(code).result.raise_error()
    assert urls(bodies(alpha)[0]) == [url("png", PNG), *[url("gif", GIF)] * 3]
    assert alpha.log()[-1].prompt == "hi"


def test_a_variable_comes_before_a_file_of_its_name(shell: Shell, alpha: Stub) -> None:
    Path("photo").write_bytes(GIF)
    shell.run(f"%orch {NAMED} --image photo hi").result.raise_error()
    shell.ip.user_ns["photo"] = PNG
    shell.run(f"%orch {NAMED} --image photo hi").result.raise_error()
    assert [urls(body) for body in bodies(alpha)] == [[url("gif", GIF)], [url("png", PNG)]]


def test_an_option_is_a_name_and_no_code(shell: Shell, alpha: Stub) -> None:
    shell.ip.user_ns["photos"] = [PNG]
    error = shell.run(f"%orch {NAMED} --image photos[0] hi").error
    assert isinstance(error, InputError)
    assert "'photos[0]' cannot be read" in str(error)
    assert bodies(alpha) == []


@pytest.mark.parametrize(
    ("image", "kind", "message"),
    [
        ("phtoo", UnknownNameError, "unknown image 'phtoo'; did you mean photo?"),
        ("gone.png", InputError, "the image 'gone.png' cannot be read (No such file"),
        ("number", InputError, "int is no image"),
    ],
)
def test_what_is_no_image_is_said(
    shell: Shell, alpha: Stub, image: str, kind: type[InputError], message: str
) -> None:
    shell.ip.user_ns |= {"photo": PNG, "number": 5}
    error = shell.run(f"%orch --image {image} hi").error
    assert type(error) is kind
    assert message in str(error)
    assert alpha.log() == []


def test_images_and_classes_decide_who_is_ranked(shell: Shell, alpha: Stub) -> None:
    shell.ip.user_ns |= {"photo": PNG, "Place": Place}
    for code in ("%orch_select --image photo hi", "%orch --dry-run --image photo hi"):
        assert "not known to read images" in str(shell.run(code).error)
    decision = shell.run("%orch_select --schema Place hi").value
    assert decision.profile.needs == {"json"}
    for flag, value in (("image", "photo"), ("schema", "Place")):
        error = shell.run(f"%orch_select --{flag} {value}").error
        assert str(error) == f"--{flag} holds for one prompt; write the prompt after it"
    assert bodies(alpha) == []


# -- classes


@pytest.mark.parametrize("kind", [Place, Town])
def test_an_answer_in_a_class(shell: Shell, alpha: Stub, kind: Any) -> None:
    alpha.rule("alpha", write("ok", text=FITS))
    shell.ip.user_ns["Place"] = kind
    cell = shell.run("%%orch --schema Place --no-stream\nWhere?")
    assert cell.value.parsed == kind(city="Rome", people=3)
    assert '\n{\n  "city": "Rome",\n  "people": 3\n}\n\nalpha:' in cell.printed
    assert shell.run("_.parsed.city").value == "Rome"
    form = bodies(alpha)[0]["response_format"]["json_schema"]
    assert (form["strict"], form["schema"]["required"]) == (True, ["city", "people"])


def test_a_class_of_the_notebook(kernel: Kernel, alpha: Stub) -> None:
    alpha.rule("alpha", write("ok", text=FITS))
    kernel.run("from typing_extensions import TypedDict")
    kernel.run("class City(TypedDict):\n    city: str\n    people: int")
    ran = kernel.run("%%orch --schema City\nWhere?")
    assert ran.reply["status"] == "ok", ran.reply
    assert '"people": 3\n}' in ran.result["data"]["text/plain"]
    assert "<pre><code>" in ran.result["data"]["text/html"]
    assert kernel.run("_.parsed['people'] + 1").result["data"]["text/plain"] == "4"


def test_an_answer_that_does_not_fit_fails_the_cell(shell: Shell, alpha: Stub) -> None:
    shell.ip.user_ns["Place"] = Place
    error = shell.run("%orch --schema Place Where?").error
    assert isinstance(error, BrokenAnswer)
    assert "the answer is no Place: " in str(error)
    assert str(error).isprintable()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Palce", "unknown schema 'Palce'; did you mean Place?"),
        ("place", "unknown schema 'place'; did you mean Place?"),  # no class, whatever it holds
        ("int", "unknown schema 'int'; choose from Place, Plain"),
        ("Place()", "unknown schema 'Place()'; did you mean Place?"),
        ("Plain", "Plain is no pydantic model, dataclass or TypedDict to answer in"),
    ],
)
def test_what_is_no_class_is_said(shell: Shell, alpha: Stub, name: str, message: str) -> None:
    plain = type("Plain", (), {})
    shell.ip.user_ns |= {"Place": Place, "place": Place(city="", people=0), "Plain": plain}
    assert message in str(shell.run(f"%orch --schema '{name}' hi").error)
    assert alpha.log() == []


def test_a_task_is_stated(shell: Shell, alpha: Stub) -> None:
    stated = shell.run("%orch_select --task code_generation Name three rivers").result.result
    assert stated.profile.kind == "code"
    wrong = shell.run("%orch --task codding hi").result.error_in_exec
    assert str(wrong) == "unknown task 'codding'; did you mean coding?"
    assert not [entry for entry in alpha.log() if entry.wire == "chat"]


def test_help_is_a_prompt_after_two_dashes(shell: Shell, alpha: Stub) -> None:
    shell.run("%orch -- help").result.raise_error()
    assert [entry.prompt for entry in alpha.log() if entry.wire == "chat"] == ["help"]
