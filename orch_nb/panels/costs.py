"""What the session's calls cost and took, model by model."""

from __future__ import annotations

from orch_nb.notebook.report import show_report
from orch_nb.notebook.tables import Bundle
from orch_nb.panels.panel import Panel, panel


@panel("costs")
class Costs(Panel):
    """The table of the models, and what there is to do better."""

    def still(self) -> Bundle:
        """The session's report."""
        return show_report([], self.session)
