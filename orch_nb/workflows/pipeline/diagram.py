"""The steps of a pipeline as a Mermaid diagram."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from orch_nb.sanitize import one_line

# What Mermaid takes for syntax, even in quotes; names of models are a server's words.
_ODD = re.compile(r"[^\w .,:/+-]", re.ASCII)


def mermaid(needs: Mapping[str, Sequence[str]], said: Mapping[str, str]) -> str:
    """A flowchart of the steps in `needs`, with what is `said` of each below its name."""
    numbers = {name: f"s{n}" for n, name in enumerate(needs)}
    lines = []
    for name in needs:
        label = "<br/>".join(filter(None, (name, _label(said.get(name, "")))))
        lines.append(f'  {numbers[name]}["{label}"]')
    for name, before in needs.items():
        lines += [f"  {numbers[other]} --> {numbers[name]}" for other in before]
    return "\n".join(["flowchart TD", *lines])


def _label(text: str) -> str:
    return _ODD.sub("_", one_line(text, 60))
