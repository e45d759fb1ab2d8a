"""What a server's failure means: from status, code and message to one of our errors.

Reading codes and messages ends here; policy above reads class flags only.
"""

from __future__ import annotations

import email.utils
import math
import re
import time
from collections.abc import Mapping

from orch_nb.errors import (
    BrokenAnswer,
    ContextTooLong,
    KeyRefused,
    ModelNotFound,
    ProviderError,
    QuotaSpent,
    RateLimited,
    Refused,
    Rejected,
    RequestRefused,
    ServerFailed,
    TimedOut,
    Unreachable,
)

# A rate limit's message may say where to pay for a higher one.
_QUOTA = re.compile(
    r"insufficient_quota|^(?!.*rate_limit_exceeded).*"
    r"(billing|credit balance|usage limit|out of credit|insufficient credit)",
    re.I | re.S,
)
_CONTEXT = re.compile(
    r"context_length_exceeded|context (length|window|size)|maximum context|prompt is too long"
    r"|too many tokens|exceeds? the (available )?context",
    re.I,
)
_STATUS = re.compile(r"([45]\d\d)(?:: |$)")
_POLICY = re.compile(r"content_policy|content_filter|policy_violation|safety system", re.I)
_MISSING = re.compile(
    r"model_not_found|not_found_error|model .{0,80}(does not exist|not found)", re.I
)
# Statuses that do not say that no answer was made: a gateway has lost, or waits no longer for, who
# makes it (https://www.rfc-editor.org/rfc/rfc9110#section-15.6, and Cloudflare's 520 and 524:
# https://developers.cloudflare.com/support/troubleshooting/http-status-codes/cloudflare-5xx-errors/).
# Azure bills 408, and a 400 for its policy:
# https://learn.microsoft.com/azure/ai-services/openai/how-to/manage-costs
_GIVEN_UP = {408, 502, 504, 520, 524}


def from_status(
    model: str,
    status: int,
    said: str,
    headers: Mapping[str, str],
    key_hint: str,
    *,
    unstreamed: bool = False,
) -> ProviderError:
    """The error for an HTTP status that is no success.

    `said` is what `describe` read from the body. `key_hint` says how to set a key. To a request
    whose answer is `unstreamed` the status comes when all is written, or would have been.
    """
    failure = _of_status(model, status, said, headers, key_hint)
    if isinstance(failure, Rejected) or (unstreamed and status in _GIVEN_UP):
        failure.asked = True
    if headers.get("x-should-retry") == "false":  # as OpenAI and Anthropic say that it cannot help
        failure.retryable = False
    return failure


def _of_status(
    model: str, status: int, said: str, headers: Mapping[str, str], key_hint: str
) -> ProviderError:
    said = said.removeprefix(f"{status}: ")
    detail = f": {said}" if said else ""
    wait = _retry_after(headers)
    if status < 400:
        return RequestRefused(
            model,
            f"answered with a redirect ({status}), not followed; check base_url",
            status=status,
        )
    if status == 402 or (status in (400, 403, 429) and _QUOTA.search(said)):
        return QuotaSpent(model, f"the account has no quota left ({status}){detail}", status=status)
    if status in (401, 403):
        return KeyRefused(model, f"the key was not accepted ({status}); {key_hint}", status=status)
    if status == 429:
        return RateLimited(
            model, f"too many requests (429){detail}; try later", status=status, retry_after=wait
        )
    if status == 408:
        return TimedOut(model, f"the server gave up waiting (408){detail}", status=status)
    if status >= 500 or status in (409, 425):
        return ServerFailed(
            model,
            f"the server failed ({status}){detail}; run again later",
            status=status,
            retry_after=wait,
        )
    return _from_client_error(model, status, said, detail)


def _from_client_error(model: str, status: int, said: str, detail: str) -> ProviderError:
    if status == 413 or _CONTEXT.search(said):
        return ContextTooLong(
            model, f"the prompt is too long for this model ({status}){detail}", status=status
        )
    if status == 404 or _MISSING.search(said):
        return ModelNotFound(
            model,
            f"no such model or address ({status}){detail}; see what the provider lists",
            status=status,
        )
    if _POLICY.search(said):
        return Rejected(
            model, f"refused by the provider's policy ({status}){detail}", status=status
        )
    return RequestRefused(model, f"the request was refused ({status}){detail}", status=status)


def from_event(model: str, said: str) -> ProviderError:
    """The error for an ``error`` object in a stream, after status 200, as `describe` read it."""
    if found := _STATUS.match(said):  # proxies say so what they were answered themselves
        return from_status(
            model, int(found[1]), said[found.end() :], {}, "see what the server needs"
        )
    detail = f": {said}" if said else ""
    if _QUOTA.search(said):
        return QuotaSpent(model, f"the account has no quota left{detail}")
    if re.search(r"rate_limit|too many requests", said, re.I):
        return RateLimited(model, f"too many requests{detail}; try later")
    if _CONTEXT.search(said):
        return ContextTooLong(model, f"the prompt is too long for this model{detail}")
    if _POLICY.search(said):
        return Rejected(model, f"refused by the provider's policy{detail}")
    return ServerFailed(model, f"the server failed while answering{detail}; run again later")


def refusal(model: str, said: str = "") -> Rejected:
    """The error for an answer that the provider's policy stopped."""
    return Rejected(
        model, "the provider's policy refused this prompt" + (f": {said}" if said else "")
    )


def cut(model: str, how: str = "no end mark") -> BrokenAnswer:
    """The error for an answer that ended before its end."""
    return BrokenAnswer(model, f"the answer was cut short ({how}); run again")


def empty(model: str) -> BrokenAnswer:
    """The error for a success with nothing in it."""
    return BrokenAnswer(model, "the server's answer is empty; run again, or check base_url")


def unconnected(model: str, address: str) -> TimedOut:
    """The error for a connection that was not made in time: nothing was asked over it."""
    failure = TimedOut(model, f"no connection to {address} in time; is it up?")
    failure.asked = False
    return failure


def untrusted(model: str, address: str, error: Exception) -> Unreachable:
    """The error for a certificate that was refused: nothing was asked, and no retry helps."""
    why = getattr(error, "verify_message", "").rstrip(".") or "unusable"  # as OpenSSL says it
    failure = Unreachable(
        model,
        f"the certificate of {address} is refused ({why}); check base_url, or name its CA in "
        "SSL_CERT_FILE",
    )
    failure.asked = failure.retryable = False
    return failure


def no_http(model: str, address: str) -> Unreachable:
    """The error for an answer whose head cannot be read: what was asked may be billed."""
    failure = Unreachable(
        model, f"what {address} answered is not HTTP, or its head is too large; check base_url"
    )
    failure.asked = True
    return failure


def broken(model: str) -> Unreachable:
    """The error for a connection that broke after an answer was promised: it may be billed."""
    failure = Unreachable(model, "the connection broke while the answer came; run again")
    failure.asked = True
    return failure


def malformed(model: str, what: str) -> BrokenAnswer:
    """The error for bytes that are not the provider's format."""
    return BrokenAnswer(
        model, f"the server did not answer in the expected format ({what}); check base_url"
    )


def check_key(model: str, key: str | None, key_hint: str) -> None:
    """Refuse a key that no header could carry, before it is sent anywhere."""
    if key is not None and not (key.isascii() and key.isprintable() and key.strip() == key):
        raise no_key(model, f"the key holds spaces or letters that none has; {key_hint}")


def no_key(model: str, key_hint: str) -> Refused:
    """The error for a provider that needs a key and has none."""
    return KeyRefused(model, f"no key; {key_hint}")


def no_client(model: str) -> Unreachable:
    """The error for an environment whose proxy or certificates no client can be made with."""
    return Unreachable(
        model,
        "the proxy or the certificates of HTTPS_PROXY, ALL_PROXY or SSL_CERT_FILE are unusable",
    )


def describe(body: object) -> str:
    """Code and message from an error body, or "" when it says nothing readable."""
    error = body.get("error", body) if isinstance(body, Mapping) else body
    if isinstance(error, Mapping):
        parts = [error.get(key) for key in ("code", "type", "message")]
        if type(parts[0]) is int:
            parts[0] = str(parts[0])[:9]
        return ": ".join(dict.fromkeys(p for p in parts if isinstance(p, str) and p))[:500]
    if isinstance(error, str) and not error.lstrip().startswith("<"):
        return error[:500]
    return ""  # HTML says nothing that a notebook's reader can use


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds from ``retry-after-ms`` or ``retry-after`` (a number or a date), None if unusable."""
    raw, scale = headers.get("retry-after-ms"), 1000.0
    if raw is None:
        raw, scale = headers.get("retry-after"), 1.0
    if raw is None:
        return None
    try:
        seconds = float(raw) / scale
    except ValueError:
        try:
            seconds = email.utils.parsedate_to_datetime(raw).timestamp() - time.time()
        except (ValueError, OverflowError):
            return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None
