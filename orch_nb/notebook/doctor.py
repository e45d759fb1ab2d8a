"""``%orch providers`` and ``%orch doctor``: what is configured and reachable, and what to do."""

from __future__ import annotations

import os
import time

from orch_nb.errors import InputError, KeyRefused
from orch_nb.notebook.tables import Bundle, table
from orch_nb.registry.source import Listing
from orch_nb.session import Session
from orch_nb.settings import stored_where, user_home

_UNITS = ((86400.0, "d"), (3600.0, "h"), (60.0, "min"), (0.0, "s"))


def show_providers(words: list[str], session: Session) -> Bundle:
    """Every provider that takes part, as it was when it was last asked; nobody is asked now."""
    if words:
        raise InputError("use `%orch providers`; `%orch models --refresh` asks them anew")
    head = ["provider", "type", "address", "key", "reachable", "models", "priority"]
    rows = []
    for name, connection in sorted(session.connections.items()):
        row = session.catalog.listings().get(name)
        asked = row is not None and row.at is not None
        rows.append(
            [
                name,
                connection.type,
                connection.base_url or "built in",
                _key(name, connection.endpoint.key_env, connection.endpoint.key is not None),
                "built in" if connection.base_url is None else _reachable(row),
                str(len(row.cards)) if row is not None and asked else "—",
                str(connection.priority),
            ]
        )
    return table(head, rows, "`%orch doctor` asks all of them and says what to do")


def show_doctor(words: list[str], session: Session) -> Bundle:
    """Ask every provider which models it has, free and within 5 seconds, and say what is wrong."""
    if words:
        raise InputError("use `%orch doctor`")
    session.refresh()
    names = session.providers or tuple(session.connections)
    rows = [line for name in names for line in _examine(name, session)]
    settings = session.settings
    rows.append(["settings", "ok", f"preset {settings.preset}, strategy {settings.strategy}"])
    if not session.providers:
        todo = "set OPENAI_API_KEY or ANTHROPIC_API_KEY, or run `%orch keys set openai`"
        rows.append(["real models", "none", f"{todo}, or start Ollama or LM Studio"])
    return table(["what", "is", "what to do"], rows, "no paid call was made")


def _examine(name: str, session: Session) -> list[list[str]]:
    row = session.catalog.listings().get(name)
    if not session.catalog.takes_part(name):
        return [[name, "not here", "nothing, unless you want it: start it, then %orch doctor"]]
    if row is None or row.error is not None:
        problem = str(row.error).removeprefix(f"{name}: ") if row else "not asked"
        return [[name, "no key" if row and isinstance(row.error, KeyRefused) else "down", problem]]
    cards = [card for card in session.catalog.cards() if card.provider == name]
    ranked = [card for card in cards if not card.unranked]
    if not ranked:
        reason = cards[0].unranked if cards else "it lists no model"
        return [[name, "reachable", f"no strategy picks from it: {reason}"]]
    lines = [[name, "ok", f"{len(ranked)} of {len(cards)} models may be picked"]]
    unpriced = [card.id for card in ranked if card.prices is None]
    if unpriced:
        todo = f'state models: {{"{unpriced[0]}": {{price: {{input: …, output: …}}}}}} in orch.yaml'
        lines.append([f"{name}: prices", f"{len(unpriced)} unknown", todo])
    return lines


def _reachable(row: Listing | None) -> str:
    if row is None or row.at is None:
        return "not asked yet"
    seconds = max(0.0, time.time() - row.at)
    size, unit = next((s, unit) for s, unit in _UNITS if seconds >= s)
    return f"{'yes' if row.reachable else 'no'}, {seconds / (size or 1):.0f} {unit} ago"


def _key(name: str, variable: str | None, there: bool) -> str:
    stored = stored_where(user_home(os.environ), name)
    if variable and os.environ.get(variable):
        return f"{variable} is set"
    if stored:
        return f"stored in {stored}"
    if there:
        return "given in Python"
    return f"{variable} is not set" if variable else "none needed"
