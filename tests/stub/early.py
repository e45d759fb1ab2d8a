"""Faults that strike before a model is reached: nothing is generated, and nothing billed."""

from __future__ import annotations

import email.utils
import time
from collections.abc import Awaitable, Callable, Mapping

from stub.connection import Closed
from stub.exchange import Exchange
from stub.wires.base import encode

_LOGIN = b"<!doctype html><title>Sign in</title><form action=/login><input name=password></form>"
_BAD_GATEWAY = b"<html><head><title>Bad gateway</title></head><body><script>alert(1)</script>"


async def status(exchange: Exchange) -> None:
    """Any status; ``body`` is json, html, empty, or echo_key (the error quotes the key)."""
    values, code = exchange.spec.values, exchange.spec.status or 500
    headers = {}
    if "retry_after" in values:
        wait = values["retry_after"]
        if wait == "date":  # two seconds ahead
            wait = email.utils.formatdate(time.time() + 2, usegmt=True)
        headers["Retry-After"] = wait
    if "retry_after_ms" in values:
        headers["Retry-After-Ms"] = values["retry_after_ms"]
    body = values.get("body", "json")
    if body == "html":
        await exchange.connection.respond(_BAD_GATEWAY, code, "text/html", headers)
    elif body == "empty":
        await exchange.connection.respond(b"", code, headers=headers)
    else:
        message = values.get("msg", f"injected {code}")
        if body == "echo_key":  # real providers have done this
            message = f"Incorrect API key provided: {_key(exchange)}."
        await exchange.fail(code, values.get("code"), message, headers)


async def _quota(exchange: Exchange) -> None:
    if exchange.entry.wire == "messages":
        await exchange.fail(400, None, "You have reached your specified API usage limits.")
    else:
        message = "You exceeded your current quota, please check your plan and billing details."
        await exchange.fail(429, "insufficient_quota", message)


async def _context(exchange: Exchange) -> None:
    if exchange.entry.wire == "messages":
        await exchange.fail(400, None, "prompt is too long: 250000 tokens > 200000 maximum")
    else:
        message = "This model's maximum context length is 10 tokens."
        await exchange.fail(400, "context_length_exceeded", message)


async def _close(_exchange: Exchange) -> None:
    raise Closed


async def _reset(exchange: Exchange) -> None:
    exchange.connection.reset()
    raise Closed


async def _redirect(exchange: Exchange) -> None:
    itself = exchange.spec.values.get("to") == "self"
    where = exchange.entry.path if itself else f"{exchange.elsewhere}/elsewhere"
    code = exchange.spec.count("status", 307)
    await exchange.connection.respond(b"", code, headers={"Location": where})


async def _html(exchange: Exchange) -> None:
    await exchange.connection.respond(_LOGIN, content_type="text/html; charset=utf-8")


async def _notjson(exchange: Exchange) -> None:
    await exchange.connection.respond(b"upstream ok\n")


async def _error200(exchange: Exchange) -> None:
    body = exchange.wire.error(500, "server_error", "injected error with status 200")
    await exchange.connection.respond(encode(body))


def _key(exchange: Exchange) -> str:
    headers = exchange.entry.headers
    return headers.get("x-api-key") or headers.get("authorization", "").removeprefix("Bearer ")


EARLY: Mapping[str, Callable[[Exchange], Awaitable[None]]] = {
    "quota": _quota,
    "context": _context,
    "close": _close,
    "reset": _reset,
    "redirect": _redirect,
    "html": _html,
    "notjson": _notjson,
    "error200": _error200,
}
