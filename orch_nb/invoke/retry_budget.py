"""How many retries a provider gets: retries must not become the load that keeps it down.

A token bucket as in Finagle's RetryBudget and gRPC's retry throttling (gRFC A6): each call puts a
part of a token in, each retry takes one out, and without one there is no retry. Over many calls
that is one retry for five calls. What lies in the bucket at the start, and comes back with time,
is for those who call seldom.
"""

from __future__ import annotations

from collections.abc import Callable

# Finagle's default: retries are at most a fifth of the calls.
_SHARE = 0.2
# Tokens that the bucket holds, and seconds in which it fills without calls. Chosen: three calls
# in a row that fail have all of their retries, and a minute later again.
_MOST = 10.0
_REFILL = 60.0


class RetryBudget:
    """The retries that one provider may get now.

    Parameters
    ----------
    clock
        Seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._tokens, self._at = _MOST, clock()

    def deposit(self) -> None:
        """Note a call, which is no retry."""
        self._add(_SHARE)

    def withdraw(self) -> bool:
        """Whether there may be a retry; if so, it is counted."""
        self._add(0.0)
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True

    def _add(self, tokens: float) -> None:
        now = self._clock()
        tokens += (now - self._at) * _MOST / _REFILL
        self._tokens, self._at = min(_MOST, self._tokens + tokens), now
