"""``%orch cache``: the answers that are kept, what they saved, and an end to all of them."""

from __future__ import annotations

from dataclasses import asdict

from orch_nb.errors import InputError
from orch_nb.figures import count, size
from orch_nb.notebook.display import below, quiet
from orch_nb.notebook.tables import Bundle, table
from orch_nb.panels.cache import note, rows
from orch_nb.session import Session

_WORDS = ("stats", "clear", "on", "off")


def show_cache(words: list[str], session: Session) -> Bundle:
    """The numbers of the cache, after what the one of `words` says was done."""
    word = words[0] if words else "stats"
    if len(words) > 1 or word not in _WORDS:
        raise InputError("use `%orch cache [stats|clear|on|off]`")
    done = _clear(session) if word == "clear" else _switch(session, word)
    shown = table(["answers kept", ""], rows(session), note(session))
    return below(quiet([done]), shown) if done else shown


def _clear(session: Session) -> str:
    if session.cache is None:
        return "nothing was removed: the cache is off, and what it kept lies where it was"
    held = session.cache.stats()
    entries = session.clear_cache()
    return f"removed {count(entries, 'answer')}, {size(held.bytes)}; the next call is asked anew"


def _switch(session: Session, word: str) -> str:
    if word == "stats" or (kept := session.settings.cache).enabled is (word == "on"):
        return ""
    session.change(cache={**asdict(kept), "enabled": word == "on"})
    return f"the cache is {word} from now on; calls under way have ended"
