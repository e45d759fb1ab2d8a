"""What a provider asks with is imported when it is first asked."""

from __future__ import annotations

import asyncio
import importlib


async def import_beside(package: str) -> None:
    """Import `package` and the transport, up to a second of CPU, without holding the loop up."""
    for module in (package, "orch_nb.providers._link"):
        await asyncio.to_thread(importlib.import_module, module)
