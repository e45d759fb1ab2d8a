"""``%orch probe`` in a shell."""

from __future__ import annotations

from orch_nb.errors import InputError, UnknownNameError
from shells.here import Cell, Shell
from stub.client import Stub


def shown(cell: Cell) -> str:
    return "\n".join(output.data["text/plain"] for output in cell.outputs)


def test_a_model_is_probed(shell: Shell, alpha: Stub) -> None:
    done = shell.run("%orch probe alpha:tiny --for json,code")
    assert done.error is None
    assert "json" in shown(done)
    assert "0% (0% to" in shown(done)
    assert "95 % interval" in shown(done)


def test_a_dry_run_asks_nobody(shell: Shell, alpha: Stub) -> None:
    before = sum(entry.method == "POST" for entry in alpha.log())
    assert "alpha:tiny" in shown(shell.run("%orch probe alpha:tiny --dry-run"))
    assert sum(entry.method == "POST" for entry in alpha.log()) == before


def test_what_is_wrong_is_one_line(shell: Shell, alpha: Stub) -> None:
    assert isinstance(shell.run("%orch probe --fr json").error, InputError)
    assert isinstance(shell.run("%orch probe alpha:tiny --for jsn").error, UnknownNameError)
