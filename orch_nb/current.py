"""The one session that the magics, and ``orch_nb.session()``, use."""

from __future__ import annotations

from orch_nb.session import Session

_session: Session | None = None


def session() -> Session:
    """The session that the magics use; made when it is first asked for."""
    global _session  # noqa: PLW0603 - the one place where "the" session is kept
    if _session is None:
        _session = Session()
    return _session


def close_session() -> None:
    """Close the session that the magics use; the next call of `session` makes another."""
    global _session  # noqa: PLW0603
    if _session is not None:
        _session.close()
    _session = None
