"""Panels: what a session is set to and what it does, shown and changed by mouse and keyboard.

A panel is one file: a class that derives from `Panel`, registered with `panel`. None of them holds
anything that the session does not. ipywidgets is imported when the first is shown.
"""

from orch_nb.panels.panel import Panel, panel

__all__ = ["Panel", "panel"]
