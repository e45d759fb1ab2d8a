"""Which models exist, and what is known about them."""

from __future__ import annotations

from orch_nb.registry.catalog import Catalog

__all__ = ["Catalog"]
