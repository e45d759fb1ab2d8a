"""What the shells of tests are set up with."""

from __future__ import annotations

from pathlib import Path

from stub.client import Stub


def write_settings(folder: Path, stub: Stub) -> None:
    """An orch.yaml with the provider ``alpha``, whose models have prices and no fallback."""
    (folder / "orch.yaml").write_text(
        f"""\
providers:
  alpha: {{type: compatible, base_url: "{stub.url("alpha", "/v1")}", max_retries: 0}}
models:
  "alpha:stub-large": {{price: {{input: 2, output: 10}}}}
  "alpha:stub-small": {{price: {{input: 0.1, output: 0.5}}}}
fallback: fail
"""
    )
