"""Many language models in one notebook, chosen by cost, quality and speed.

In a notebook::

    %load_ext orch_nb
    %%orch --strategy balanced
    Explain {{ df.describe() }} in two sentences.

In Python::

    import orch_nb
    orch_nb.session().ask("Name three rivers.", strategy="cost").text
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orch_nb._version import __version__
from orch_nb.current import session
from orch_nb.errors import OrchError
from orch_nb.session import Session
from orch_nb.types import Decision, Response

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = [
    "Decision",
    "OrchError",
    "Response",
    "Session",
    "__version__",
    "load_ipython_extension",
    "session",
    "unload_ipython_extension",
]


def load_ipython_extension(ipython: InteractiveShell) -> None:
    """``%load_ext orch_nb``: add the magics and say in one line what was found."""
    from orch_nb.notebook.extension import load  # noqa: PLC0415 - Python users need no notebook

    load(ipython)


def unload_ipython_extension(ipython: InteractiveShell) -> None:
    """``%unload_ext orch_nb``: take the magics away and close the session."""
    from orch_nb.notebook.extension import unload  # noqa: PLC0415

    unload(ipython)
