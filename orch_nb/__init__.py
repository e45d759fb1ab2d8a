"""Many language models in one notebook."""

from orch_nb._version import __version__

__all__ = ["__version__"]
