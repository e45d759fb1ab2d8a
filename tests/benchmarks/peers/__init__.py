"""Ways to ask a model, one module each, that `benchmarks.worker` measures in a process of its own.

A module has a ``Subject(urls, seconds)``: `urls` is one server for each deployment, the first to be
asked and the rest to fall back to, as the way's own documents recommend; `seconds` is how long one
of them may take. A subject has those of these methods that the way has: ``ask(prompt, model)`` for
a whole answer, ``stream(prompt, model, on_text)`` piece by piece, ``aask(prompt, model)`` for many
at a time with ``aclose()``, and ``close()``. Only `orch` and `magic` import orch_nb; the others run
in an environment that does not have it. Reports and look-ups of newer versions are off.
"""
