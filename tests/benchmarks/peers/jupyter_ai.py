"""jupyter-ai's ``%%ai``, which waits for the whole answer: the magics of jupyter-ai 3."""

from __future__ import annotations

import os

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
os.environ["OPENAI_API_KEY"] = "none"

from benchmarks.peers import cells


class Subject:
    """A cell with an alias for the model; as by default, the last two exchanges go along."""

    def __init__(self, urls: list[str], seconds: float) -> None:
        self._url = f"{urls[0]}/v1"
        self._shell = cells.shell("jupyter_ai_magic_commands")
        self._known: set[str] = set()

    def ask(self, prompt: str, model: str) -> str:
        if model not in self._known:
            cells.run(self._shell, f"%ai alias {model} openai/{model} --api-base {self._url}")
            self._known.add(model)
        shown = cells.run(self._shell, f"%%ai {model}\n{prompt}")
        return str(getattr(shown, "data", shown))

    def close(self) -> None:
        pass
