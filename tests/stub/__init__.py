"""A loopback server that stands for real providers, and misbehaves on demand.

It speaks OpenAI Chat Completions, OpenAI Responses, Anthropic Messages and Ollama's chat, streaming
and plain, lists models, in the forms of Ollama and LM Studio too, and counts tokens. The first path
segment names a provider, so that one port is as many providers as a test wants::

    http://127.0.0.1:PORT/alpha/v1    base_url for the OpenAI wires
    http://127.0.0.1:PORT/beta        base_url for Anthropic, Ollama and LM Studio

What is answered is said by a spec, ``name?key=value&key=value`` (`stub.spec`). The first of these
that is there decides: the provider's plan (each entry for one request), the latest standing rule
that matches, the model's name ``fault:SPEC``, and then ``ok``.

`stub.client.Stub` is the side for tests; ``python -m stub`` is the server.
"""
