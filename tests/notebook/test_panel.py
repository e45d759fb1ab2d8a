"""``%orch panel`` in shells: widgets where there is a kernel, tables everywhere."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from notebook.test_commands import failure, shown
from orch_nb.errors import InputError, UnknownNameError
from shells.here import Shell
from shells.kernel import Content, Kernel, Ran

VIEW = "application/vnd.jupyter.widget-view+json"
TITLES = ["Weights", "Experts", "Models", "Budget", "Cache", "Costs"]
# What the notebook file may grow by, in bytes.
LARGEST = 50_000


def test_without_a_kernel_all_panels_are_tables(shell: Shell) -> None:
    shell.run("%orch --quiet Name a river")
    text = shown(shell, "%orch panel")
    assert [line for line in text.splitlines() if line in TITLES] == TITLES
    assert "Name a river" in text
    assert "alpha:stub-large" in text
    assert "ipywidgets" not in sys.modules or "orch-panel" not in text


def test_one_panel_by_name(shell: Shell) -> None:
    text = shown(shell, "%orch panel budget")
    assert text.startswith("Budget\nperiod")
    assert "Weights" not in text
    error = failure(shell, "%orch panel budgte")
    assert isinstance(error, UnknownNameError)
    assert "did you mean budget?" in str(error)
    assert isinstance(failure(shell, "%orch panel budget cache"), InputError)


def test_nobody_pays_for_widgets_before_a_panel_is_shown() -> None:
    code = (
        "import sys\n"
        "from IPython.core.interactiveshell import InteractiveShell\n"
        "shell = InteractiveShell.instance()\n"
        "shell.run_line_magic('load_ext', 'orch_nb')\n"
        "shell.run_line_magic('orch', 'panel')\n"
        "assert 'ipywidgets' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def comms(ran: Ran) -> dict[str, Content]:
    """The states of the widgets that a cell has made, by their id."""
    return {c["comm_id"]: c["data"]["state"] for c in ran.of("comm_open")}


def send(kernel: Kernel, comm: str, **state: object) -> None:
    """Change a widget as a front end does."""
    data = {"method": "update", "state": state, "buffer_paths": []}
    message = kernel.client.session.msg("comm_msg", {"comm_id": comm, "data": data})
    kernel.client.shell_channel.send(message)


def value(kernel: Kernel, expression: str) -> str:
    return str(kernel.run(expression).result["data"]["text/plain"])


@pytest.fixture
def panel(kernel: Kernel) -> Ran:
    kernel.run("%orch_select --strategy balanced --weights cost=1,quality=1,speed=1")
    kernel.run("import orch_nb\n%orch --quiet Name a river")
    ran = kernel.run("%orch panel")
    assert ran.reply["status"] == "ok", ran.reply
    return ran


def test_a_kernel_shows_a_widget_below_its_still_form(panel: Ran) -> None:
    still, live = panel.saved
    assert set(still) == {"text/html", "text/plain"}
    assert set(live) == {VIEW}
    assert live[VIEW]["model_id"] in comms(panel)
    assert "<h4>Weights</h4>" in still["text/html"]
    assert "<script" not in still["text/html"]


def test_still_is_the_tables_alone(kernel: Kernel) -> None:
    kernel.run("import orch_nb\n%orch --quiet Name a river")
    ran = kernel.run("%orch panel weights --still")
    (still,) = ran.saved
    assert set(still) == {"text/html", "text/plain"}
    assert "Name a river" in still["text/plain"]
    assert comms(ran) == {}
    assert kernel.run("%orch panel --still budget cache").reply["status"] == "error"


def test_what_a_front_end_moves_is_so_in_the_session(kernel: Kernel, panel: Ran) -> None:
    sliders = {s["description"]: c for c, s in comms(panel).items() if "readout_format" in s}
    send(kernel, sliders["cost"], value=0.8)
    weights = value(kernel, "orch_nb.session().weights")
    assert weights == "Weights(cost=0.8, quality=0.1, speed=0.1)"
    send(kernel, sliders["cost"], value="much")
    assert value(kernel, "orch_nb.session().weights") == weights


def test_what_another_thread_changes_is_sent_to_the_front_end(kernel: Kernel, panel: Ran) -> None:
    (slider,) = (c for c, s in comms(panel).items() if s.get("description") == "speed")
    change = "session.change(weights={'cost': 0, 'quality': 0, 'speed': 1})"
    kernel.run(
        "import threading\nsession = orch_nb.session()\n"
        f"threading.Timer(0.5, lambda: {change}).start()"
    )
    told = dict[str, object]()
    while "value" not in told:
        message = kernel.client.get_iopub_msg(timeout=120)
        content = message["content"]
        if message["msg_type"] == "comm_msg" and content["comm_id"] == slider:
            told |= content["data"].get("state", {})
    assert told["value"] == 1.0


def test_a_saved_panel_is_small(kernel: Kernel, panel: Ran) -> None:
    states, outputs = comms(panel), len(json.dumps(panel.saved))
    assert outputs < LARGEST / 3, "as JupyterLab saves it"
    assert outputs + len(json.dumps(states)) < LARGEST, "with the widgets, as nbclient saves it"
