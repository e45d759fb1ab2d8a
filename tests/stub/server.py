"""The server: which provider and wire a request is for, and who answers it."""

from __future__ import annotations

import json
import time
import urllib.parse
from collections.abc import Mapping
from typing import Any

from stub import early, plain, stream
from stub.answer import compose
from stub.connection import Closed, Connection, Request, listen, port_of
from stub.exchange import Exchange
from stub.spec import STREAM_ONLY, Spec, parse
from stub.state import LOOKUPS, Entry, State
from stub.wires import WIRES, WRONG, messages, models, responses
from stub.wires.base import Json, encode

_ROUTES = {
    ("POST", "/chat/completions"): "chat",
    ("POST", "/responses"): "responses",
    ("POST", "/messages"): "messages",
    ("POST", "/chat/completions/input_tokens"): "count",  # llama.cpp's own
    ("POST", "/responses/input_tokens"): "count",
    ("POST", "/messages/count_tokens"): "count",
    ("POST", "/api/chat"): "ollama",
    ("POST", "/api/show"): "show",
    ("GET", "/api/ps"): "ps",
    ("GET", "/api/tags"): "models",
    ("GET", "/api/v1/models"): "native",
    ("GET", "/models"): "models",
}
_NO_PROVIDER = {"", "v1", "api", "chat", "responses", "messages", "models"}


class Server:
    """The providers' origin and the sink, a second origin that only logs what arrives."""

    def __init__(self) -> None:
        self.state = State()
        self.live: set[Connection] = set()

    async def start(self, port: int) -> None:
        self._origin = await listen(self._answer, self.live, port)
        self._second = await listen(self._sink, set())
        self.port, self.sink_port = port_of(self._origin), port_of(self._second)

    def reset(self) -> None:
        """Forget everything, and cut whatever is still open."""
        self.state = State()
        for connection in self.live:
            connection.reset()
        self.live.clear()

    async def _sink(self, connection: Connection, request: Request) -> None:
        self.state.sink.append(
            {
                "method": request.method,
                "path": request.target,
                "headers": request.headers,
                "body": request.body.decode("latin-1"),
            }
        )
        await connection.respond(b'{"sink": true}')

    async def _answer(self, connection: Connection, request: Request) -> None:
        state = self.state  # of the test that asked, should there be a reset meanwhile
        entry = _entry(connection, request, state)
        state.begin(entry)
        try:
            await self._dispatch(connection, entry, state)
            entry.finished = True
        except Closed:
            entry.hung_up = time.time() - entry.at if connection.hung_up else None
            raise
        finally:
            await state.end(entry)

    async def _dispatch(self, connection: Connection, entry: Entry, state: State) -> None:
        wire_name = entry.wire if entry.wire in WIRES else _family(entry)
        wire = WIRES[wire_name]
        try:
            spec = _spec(entry)
        except ValueError as error:
            status = 400 if entry.wire else 404
            await connection.respond(encode(wire.error(status, "stub", str(error))), status)
            return
        if spec.name == "wrong_wire":
            wire = WRONG[wire_name]
        answer = compose(spec, entry.prompt or wire.prompt(entry.body), entry.model, len(state.log))
        elsewhere = f"http://127.0.0.1:{self.sink_port}"
        await _reply(
            Exchange(connection, entry, spec, wire, answer, entry.body, elsewhere),
            state.models.get(entry.provider, [models.Row(name) for name in models.DEFAULT]),
        )


def _spec(entry: Entry) -> Spec:
    """The spec for `entry`. Raises ValueError when what was asked makes no sense."""
    if not entry.wire:
        raise ValueError(f"unknown path: {entry.method} {entry.path}")
    if not isinstance(entry.body, dict):
        raise ValueError("the body is not a JSON object")  # noqa: TRY004 - one except for all
    spec = parse(entry.fault)
    if spec.name in STREAM_ONLY and not entry.stream:
        raise ValueError(f"the fault {spec.name} needs a stream")
    return spec


async def _reply(exchange: Exchange, listed: list[models.Row]) -> None:
    spec, entry = exchange.spec, exchange.entry
    if spec.name == "hang":
        if entry.wire not in LOOKUPS:
            exchange.bill()
        await exchange.connection.pause(None)
    if spec.name == "slow":
        await exchange.connection.pause(spec.number("s", 2))
    if spec.status is not None:
        await early.status(exchange)
    elif spec.name in early.EARLY:
        await early.EARLY[spec.name](exchange)
    elif entry.wire in LOOKUPS:
        await plain.respond(exchange, encode(_list(exchange, listed)))
    elif spec.name == "stream_for_json" or (entry.stream and spec.name not in plain.FAULTS):
        await stream.answer(exchange)
    else:
        await plain.answer(exchange)


def _family(entry: Entry) -> str:
    """The wire whose errors a request gets that generates nothing."""
    if "/api/" in entry.path and entry.wire != "native":
        return "ollama"
    if entry.path.endswith("/responses/input_tokens"):
        return "responses"
    return "messages" if "anthropic-version" in entry.headers else "chat"


def _list(exchange: Exchange, rows: list[models.Row]) -> Json:
    match exchange.entry.wire, _family(exchange.entry):
        case "show", _:
            return models.show(rows, exchange.body)
        case "ps", _:
            return models.ps(rows)
        case "native", _:
            return models.native(rows)
        case "count", "responses":
            return responses.counted(exchange.answer)
        case "count", _:
            return messages.counted(exchange.answer)
        case _, "ollama":
            return models.tags(rows)
        case _, "messages":
            return models.anthropic(rows)
    return models.openai(rows)


def _entry(connection: Connection, request: Request, state: State) -> Entry:
    path = urllib.parse.urlsplit(request.target).path
    first = urllib.parse.unquote(path.split("/")[1])
    provider = "" if first in _NO_PROVIDER else first
    routes = (w for (m, end), w in _ROUTES.items() if m == request.method and path.endswith(end))
    wire = next(routes, "")
    body = _parse_body(request.body)
    fields: Mapping[str, Any] = body if isinstance(body, dict) else {}
    model = str(fields.get("model", ""))
    return Entry(
        provider=provider,
        wire=wire,
        method=request.method,
        path=path,
        model=model,
        stream=fields.get("stream") is True,
        headers=request.headers,
        body=body,
        prompt=WIRES[wire].prompt(fields) if wire in WIRES else "",
        fault=state.choose(provider, wire, model) if wire else "404",
        connection=connection.number,
    )


def _parse_body(body: bytes) -> Any:
    try:
        return json.loads(body) if body else {}
    except ValueError:
        return None
