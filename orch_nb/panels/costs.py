"""What the session's calls cost and took, model by model."""

from __future__ import annotations

from orch_nb.charts.report import cost_charts
from orch_nb.notebook.report import report_table
from orch_nb.notebook.tables import Bundle, light
from orch_nb.panels.panel import Panel, panel


@panel("costs")
class Costs(Panel):
    """The charts and the table of the models, and what there is to do better."""

    def still(self) -> Bundle:
        """The session's report as a table."""
        return report_table(self.session.report())

    def refresh(self) -> None:
        """Draw the charts as still pictures, above the table."""
        report = self.session.report()
        pictures = "".join(f"<div>{c['text/html']}</div>" for c in cost_charts(report.overview))
        self._shown.value = pictures + light(report_table(report)["text/html"])
