"""Every error that orch-nb raises on purpose::

    OrchError
    ├── InputError             what was written is wrong; nothing was sent
    │   ├── UnknownNameError   a name that nobody knows, with the names that are known
    │   ├── TemplateError      a ``{{ expression }}`` that cannot be filled
    │   ├── SettingsError      a setting, or the file that holds it, is wrong
    │   └── PipelineError      a pipeline that cannot work, with its line
    ├── SelectionError         no model may answer; says why for each of them
    ├── ProviderError          what a provider did with one request
    │   ├── Transient          worth a retry, then the next model
    │   │   ├── Unreachable        no connection, or it broke
    │   │   ├── TimedOut           slower than a limit
    │   │   ├── RateLimited        429; may carry ``retry_after``
    │   │   ├── ServerFailed       5xx
    │   │   └── BrokenAnswer       empty, cut, malformed, or not an answer at all
    │   ├── Refused            no retry, but another model may do
    │   │   ├── KeyRefused         401, 403, or no key
    │   │   ├── QuotaSpent         402, or the account has no money left
    │   │   ├── BudgetExceeded     it could cost more than your budget has left
    │   │   ├── Benched            it failed again and again; it is tried again later
    │   │   ├── ModelNotFound      404
    │   │   ├── ContextTooLong     the prompt does not fit
    │   │   ├── OutOfTokens        max_tokens was reached before there was an answer
    │   │   └── RequestRefused     any other 4xx
    │   └── Rejected           the provider's policy forbids the prompt: stop
    ├── AllFailed              every model that was tried failed
    ├── PipelineFailed         a step failed; holds what was done
    ├── ChainFailed            a role failed, or its answer is not in the form
    ├── BatchRefused           a person was asked, and did not want to pay for a batch
    └── RecordingError         a replay finds no answer, or only a damaged one

Policy reads ``retryable``, ``falls_back``, ``fault`` and ``benches`` of the class, never a message.
`Interrupted` is a `KeyboardInterrupt`, so that ``except Exception`` in a loop swallows no stop.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, ClassVar, Literal, Self

from orch_nb.sanitize import one_line

if TYPE_CHECKING:
    from orch_nb.types import Attempt, Rejection, Response


class OrchError(Exception):
    """Base of all errors of orch-nb; in a notebook it is shown as one line."""

    def __str__(self) -> str:
        # Messages hold names of models, which are the words of a server.
        return one_line(super().__str__(), 4000)

    def _render_traceback_(self) -> list[str]:
        # IPython's protocol for errors that need no stack: the cell fails, nbclient stops.
        return [f"{type(self).__name__}: {self}"]


class InputError(OrchError):
    """Something that was written is wrong. Raised before any request is sent."""


class UnknownNameError(InputError):
    """A name that nobody knows.

    ``what`` is the kind of thing ("strategy"), ``choices`` all that would have been right.
    The message names the nearest choice, or up to twelve of them: all strategies, all tasks.
    """

    def __init__(self, what: str, name: str, choices: Iterable[str], hint: str = "") -> None:
        self.what, self.name, self.choices = what, name, sorted(choices)
        super().__init__(one_line(f"unknown {what} {name!r}{self._suggestion()}{hint}", 600))

    def _suggestion(self) -> str:
        if near := difflib.get_close_matches(self.name, self.choices, n=3, cutoff=0.6):
            return f"; did you mean {' or '.join(near)}?"
        listed = ", ".join(self.choices[:12])
        more = f" and {len(self.choices) - 12} more" if len(self.choices) > 12 else ""
        return f"; choose from {listed}{more}" if listed else ""


class TemplateError(InputError):
    """A ``{{ expression }}`` in a prompt that cannot be filled."""


class SettingsError(InputError):
    """A setting is wrong. ``line`` is its line in the file, if it came from one."""

    def __init__(self, message: str, *, source: str = "", line: int | None = None) -> None:
        self.source, self.line = source, line
        where = source + (f", line {line}" if line is not None else "")
        super().__init__(one_line(f"{where}: {message}" if where else message, 600))


class SelectionError(OrchError):
    """No model may answer. ``rejected`` holds every model with its reason."""

    def __init__(self, message: str, rejected: Sequence[Rejection] = ()) -> None:
        self.rejected = tuple(rejected)
        reasons = "; ".join(f"{r.model}: {r.reason}" for r in self.rejected[:8])
        more = f"; and {len(self.rejected) - 8} more" if len(self.rejected) > 8 else ""
        super().__init__(f"{message} ({reasons}{more})" if reasons else message)


class ProviderError(OrchError):
    """What a provider did with one request.

    The message is one line that says what happened and what to do about it. It never holds a
    key, and no request or response object hangs on the error. ``status`` is the HTTP status.
    """

    #: Whether it may pass; a server can say otherwise.
    retryable: bool = False
    falls_back: ClassVar[bool] = True
    #: What it speaks against: a breaker counts what is the fault of a model or of its provider.
    fault: ClassVar[Literal["request", "model", "provider"]] = "request"
    #: Whether one such error is enough to leave it alone for a while.
    benches: ClassVar[bool] = False
    #: What the trail shows when there is no HTTP status: "a (timed out) → b".
    label: ClassVar[str] = "failed"
    #: Whether an answer may have been made, and billed; None: what refused to make one made none.
    asked: bool | None = None

    def __init__(
        self,
        model: str,
        message: str,
        *,
        status: int | None = None,
        retry_after: float | None = None,
    ) -> None:
        self.model, self.status, self.retry_after = model, status, retry_after
        super().__init__(f"{model}: {one_line(message, 400)}")

    def alone(self) -> Self:
        """The error without what it was raised from, which may hold the request and its key."""
        self.__context__ = self.__cause__ = None
        return self

    @property
    def cause(self) -> str:
        """A word or a status for the route trail."""
        return str(self.status) if self.status is not None else self.label


class Transient(ProviderError):
    """Worth a retry after a pause; then the next model."""

    retryable = True
    fault: ClassVar[Literal["request", "model", "provider"]] = "model"


class Unreachable(Transient):
    """No connection could be made, or it broke; if ``asked``, perhaps after the answer was made."""

    asked = False
    fault = "provider"
    label = "unreachable"


class TimedOut(Transient):
    """A limit in seconds was reached."""

    label = "timed out"


class RateLimited(Transient):
    """Too many requests (429). ``retry_after`` is what the server asked for, in seconds."""

    label = "rate limited"


class ServerFailed(Transient):
    """The server failed (5xx), or said so in the middle of a stream."""

    label = "server error"


class BrokenAnswer(Transient):
    """An answer that is empty, cut short, malformed, too large, or not an answer at all."""

    label = "broken answer"


class Refused(ProviderError):
    """This model will not answer, however often it is asked; another one may."""


class KeyRefused(Refused):
    """The key is missing or was not accepted (401, 403)."""

    fault = "provider"
    benches = True
    label = "key refused"


class QuotaSpent(Refused):
    """The account has no money or quota left (402, or 429 that says so)."""

    fault = "provider"
    benches = True
    label = "quota spent"


class BudgetExceeded(Refused):
    """The model could cost more than a budget has left: it was not asked. Another one may fit.

    ``period`` is task, pipeline, session or hour, "" where only the price is unknown. In dollars:
    its ``limit``, ``spent``, ``reserved`` for calls under way, and ``worst``, the most of this one.
    """

    label = "over budget"

    def __init__(
        self,
        model: str,
        message: str,
        *,
        period: str = "",
        limit: Decimal | None = None,
        spent: Decimal = Decimal(0),
        reserved: Decimal = Decimal(0),
        worst: Decimal | None = None,
    ) -> None:
        self.period, self.limit, self.worst = period, limit, worst
        self.spent, self.reserved, self._message = spent, reserved, message
        super().__init__(model, message)

    def advised(self, route: str) -> BudgetExceeded:
        """The same error, and `route`: what would fit."""
        kept = {it: getattr(self, it) for it in ("period", "limit", "spent", "reserved", "worst")}
        return BudgetExceeded(self.model, f"{self._message}; {route}", **kept)


class Benched(Refused):
    """It or its provider failed again and again, by ``reason``: not asked for ``wait`` seconds."""

    label = "benched"

    def __init__(self, model: str, reason: str, wait: float) -> None:
        self.reason, self.wait = reason, wait
        super().__init__(model, reason)


class ModelNotFound(Refused):
    """The provider does not have this model (404)."""

    label = "not found"


class ContextTooLong(Refused):
    """The prompt does not fit into the model's context."""

    label = "context too long"


class OutOfTokens(Refused):
    """``max_tokens`` was reached before there was an answer: another try would be cut as well."""

    label = "out of tokens"


class RequestRefused(Refused):
    """The provider refused the request as it is (another 4xx, or a redirect)."""

    label = "request refused"


class Rejected(ProviderError):
    """The provider's policy forbids the prompt or its answer. No other model is tried."""

    falls_back = False
    label = "refused by policy"


class AllFailed(OrchError):
    """Every model that was tried failed. ``attempts`` holds each of them."""

    def __init__(self, attempts: Sequence[Attempt]) -> None:
        self.attempts = tuple(attempts)
        tried = list(dict.fromkeys(a.error for a in self.attempts if a.error))
        super().__init__("no model answered: " + "; ".join(tried))


class RecordingError(OrchError):
    """In the mode replay: what was asked is not recorded, or the file of it is damaged."""


class Interrupted(KeyboardInterrupt):
    """The user stopped a call. ``response`` holds the text that had arrived, if any had."""

    def __init__(self, response: Response | None = None) -> None:
        self.response = response
        super().__init__("stopped; the connection is closed")

    def _render_traceback_(self) -> list[str]:
        return [f"Interrupted: {self}"]
