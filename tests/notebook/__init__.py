"""Tests of orch_nb.notebook: a package, since Jupyter Notebook has one of this name, too."""
