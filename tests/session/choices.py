"""Settings of two providers with a small and a large model each."""

from __future__ import annotations

from stub.client import Stub

PRICES = {"small": 0.1, "large": 10.0}
BOTH = ("text", "vision", "json", "tools")


def settings(stub: Stub, **more: object) -> dict[str, object]:
    rows = {name: {"type": "compatible", "base_url": stub.url(name, "/v1")} for name in ("a", "b")}
    models = {
        f"{provider}:{model}": {
            "price": {"input": price, "output": price},
            "quality": {"chat": 0.9 if model == "large" else 0.4},
            "capabilities": list(BOTH[1:]) if model == "large" else ["json"],
        }
        for provider in rows
        for model, price in PRICES.items()
    }
    return {"providers": rows, "models": models, "probe": False, "cache": "off", **more}
