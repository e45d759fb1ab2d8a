"""``%orch keys``: which keys there are, masked; storing, forgetting and trying them."""

from __future__ import annotations

import getpass
import os

from IPython.core.error import StdinNotImplementedError

from orch_nb.errors import InputError, UnknownNameError
from orch_nb.notebook.tables import Bundle, table
from orch_nb.session import Session
from orch_nb.settings import (
    OFFICIAL,
    remove_key,
    store_key,
    stored_key,
    stored_names,
    stored_where,
    user_home,
)

_USE = "use `%orch keys`, or `%orch keys set|remove|test NAME`"
_ACTIONS = ("set", "remove", "test")


def show_keys(words: list[str], session: Session) -> Bundle:
    """The list of keys, or what became of the one that was named."""
    in_keyring = "--keyring" in words
    words = [word for word in words if word != "--keyring"]
    if not words and not in_keyring:
        return keys_table(session)
    if words[:1] and words[0] not in _ACTIONS:
        raise UnknownNameError("word", words[0], _ACTIONS)
    if len(words) != 2 or (in_keyring and words[0] != "set"):
        # A key on the command line would stay in the notebook and in the history.
        raise InputError(f"{_USE}; set asks for the key itself, and takes --keyring")
    action, name = words
    return {"set": _set, "remove": _remove, "test": _test}[action](name, session, in_keyring)


def keys_table(session: Session) -> Bundle:
    """Every provider that has a key, or wants one, and where the key comes from."""
    home = user_home(os.environ)
    rows = []
    for name in sorted({*session.settings.providers, *stored_names(home)}):
        row = session.settings.providers.get(name)
        given = row.key(os.environ) if row else None
        stored = stored_where(home, name)
        if not (given or stored or (row and row.api_key_env)):
            continue  # it wants none
        key = given or (stored_key(home, name) if stored else None)
        if given:
            where = "Session(config=…)" if row and row.api_key else f"{row and row.api_key_env}"
            where += f" (outweighs {stored})" if stored else ""
        else:
            where = stored or f"{row and row.api_key_env} is not set"
        rows.append([name, masked(key), where])
    return table(["provider", "key", "from"], rows, "`%orch keys set NAME` stores one; it asks")


def masked(key: str | None) -> str:
    """A key that cannot be read back: its beginning if that says of what kind it is, its end."""
    if not key:
        return "—"
    if len(key) < 16:
        return "…"
    kind = "sk-" if key.startswith("sk-") else ""
    return f"{kind}…{key[-4:]}"


def _set(name: str, session: Session, in_keyring: bool) -> Bundle:
    _check(name, session)
    home = user_home(os.environ)
    try:
        # By its full name: in a notebook the kernel puts its own there, which asks below the cell.
        key = getpass.getpass(f"Key of {name} (it is not shown): ")
    except (EOFError, StdinNotImplementedError):
        raise InputError("nobody can be asked for the key here; set its variable instead") from None
    store_key(home, name, key, in_keyring=in_keyring)
    session.reload()
    return _said(f"the key of {name} is in {stored_where(home, name)}; `%orch keys test {name}`")


def _remove(name: str, session: Session, _: bool) -> Bundle:
    remove_key(user_home(os.environ), name)
    session.reload()
    return _said(f"the stored key of {name} is forgotten")


def _test(name: str, session: Session, _: bool) -> Bundle:
    if name not in session.providers:
        raise UnknownNameError("provider", name, session.providers)
    session.refresh(name)
    row = session.catalog.listings()[name]
    if row.error is not None:
        raise row.error
    return _said(f"{name} answers and lists {len(row.cards)} models")


def _check(name: str, session: Session) -> None:
    known = {*session.settings.providers, *OFFICIAL}
    if name not in known:
        raise UnknownNameError("provider", name, known)


def _said(line: str) -> Bundle:
    return {"text/plain": line}
