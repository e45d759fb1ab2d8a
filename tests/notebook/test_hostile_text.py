"""Hostile text in a plain IPython: nothing that moves a cursor or turns a line leaves any sink."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator
from pathlib import Path

from orch_nb.errors import OrchError
from shells.here import Cell, Shell
from stub.client import Stub
from stub.spec import write

DATA = Path(__file__).parents[1] / "data" / "hostile_answers.json"
TEXTS = {
    case["id"]: case["text"] for case in json.loads(DATA.read_text())["cases"] if "text" in case
}
TEXTS |= {"title": "\x1b]0;x\x07\u202eevil\x9b31m", "half": "\ud800x"}
TURNS = frozenset("\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
EACH = (
    "%orch -m alpha:m case {id}",
    "%%orch -m alpha:m\nsay {{{{ t }}}}",
    "%%orch -m alpha:m -f json\n{id} as JSON",
    "%%orch -m alpha:m -f html\n{id} as HTML",
    "%%orch -m alpha:m -f latex\n{id} as LaTeX",
    "s.ask(t, model=['alpha:down', 'alpha:m'])",
    "s.ask(t, model='alpha:down')",
    "s.ask('q', model='alpha:m', system=t)",
    "s.ask('q', model=t)",
    "s.ask('q', strategy=t)",
    "s.ask('q', tool=t)",
    "s.pipeline(t)",
    "s.compare(t, ['alpha:m', 'alpha:down'])",
    "s.evaluate([(t, t)], ['alpha:m'])",
)
AFTER = (
    *("%orch models --refresh", "%orch providers", "%orch doctor", "%orch why", "%orch why 1"),
    *("%orch history", "%orch costs", "%orch report", "%orch cache", "%orch budget", "%orch tools"),
    *("%orch config", "%orch compare", "%orch panel", "%orch_select hi", "s.select('x')"),
    *("s.ledger", "s.ledger.last", "s.ledger.to_pandas()", "s.report()"),
)


def test_no_control_character_leaves_any_sink(shell: Shell, alpha: Stub) -> None:
    alpha.models("alpha", ["m", "down", "\x1b[31mred\u202e", "x\u2066y"])
    said = "\x1b]0;t\x07\u202emsg\x9b\ud800"
    alpha.rule("alpha", write("400", code=said, msg=said), model="down")
    shell.run("import orch_nb; s = orch_nb.session()")
    found: dict[str, set[str]] = {}
    for name, text in TEXTS.items():
        alpha.rule("alpha", write("ok", text=text), model="m")
        shell.ip.push({"t": text or "x"})
        for code in EACH:
            note(found, code, shell.run(code.format(id=name)))
    for code in AFTER:
        note(found, code, shell.run(code))
    assert found == {}


def note(found: dict[str, set[str]], code: str, cell: Cell) -> None:
    """Note what `cell` shows that it should not, and errors that are not ours."""
    for text in shown(cell):
        if odd := {hex(ord(letter)) for letter in text if moves(letter)}:
            found.setdefault(code, set()).update(odd)
    if cell.error is not None and not isinstance(cell.error, OrchError):
        found.setdefault(code, set()).add(type(cell.error).__name__)


def shown(cell: Cell) -> Iterator[str]:
    yield cell.printed
    if cell.error is not None:
        yield str(cell.error)
    for output in cell.outputs:
        for part in (*output.data.values(), *(output.metadata or {}).values()):
            yield part if isinstance(part, str) else json.dumps(part, ensure_ascii=False)


def moves(letter: str) -> bool:
    return letter in TURNS or (
        unicodedata.category(letter) in ("Cc", "Cs") and letter not in "\n\t"
    )
