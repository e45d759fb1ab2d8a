"""Any server that speaks the OpenAI wire format: vLLM, OpenRouter, a LiteLLM proxy …"""

from __future__ import annotations

from orch_nb.providers._openai_wire import OpenAIWire


class Provider(OpenAIWire):
    """A settings row: ``base_url``, and ``api_key_env`` where the server wants a key."""
