"""OpenAI, by its official SDK."""

from __future__ import annotations

from orch_nb.providers._openai_wire import OPENAI_HOST, OpenAIWire


class Provider(OpenAIWire):
    """OpenAI's own service, or a stand-in for it at ``OPENAI_BASE_URL``."""

    key_env = "OPENAI_API_KEY"
    home = f"https://{OPENAI_HOST}/v1"
