"""Anthropic Messages: https://docs.anthropic.com/en/api/messages-streaming."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from stub.answer import Answer, Call
from stub.wires.base import Frame, Json, last_user_text

_STOP = {
    "stop": "end_turn", "length": "max_tokens", "tool": "tool_use",
    "refusal": "refusal", "filter": "refusal",
}  # fmt: skip
_ERRORS = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}


def prompt(body: Mapping[str, Any]) -> str:
    return last_user_text(body.get("messages"))


def plain(answer: Answer) -> Json:
    content: list[Json] | None = [{"type": "text", "text": answer.text, "citations": None}]
    if answer.blank:
        content = []
    elif answer.calls:
        said = content if answer.said else []
        content = [*said, *(_call(call, call.values) for call in answer.calls)]
    elif answer.text is None:
        content = None
    usage = {"usage": _usage(answer)} if answer.counted else {}
    return {**_message(answer), "content": content, **_ending(answer), **usage}


def events(answer: Answer, _body: Mapping[str, Any]) -> Iterator[Frame]:
    begun = {"usage": {**_usage(answer), "output_tokens": 1}} if answer.counted else {}
    message = {**_message(answer), "content": [], "stop_reason": None, "stop_sequence": None}
    yield _frame("open", "message_start", message={**message, **begun})
    if not answer.blank and (answer.said or not answer.calls):
        block = {"type": "text", "text": ""}
        yield _frame("open", "content_block_start", index=0, content_block=block)
        yield _frame("open", "ping")
        for piece in answer.pieces:
            delta = {"type": "text_delta", "text": piece}
            yield _frame("text", "content_block_delta", index=0, delta=delta)
        yield _frame("close", "content_block_stop", index=0)
    for index, call in enumerate(answer.calls, start=1 if answer.said else 0):
        yield _frame("text", "content_block_start", index=index, content_block=_call(call, {}))
        for piece in call.pieces:
            delta = {"type": "input_json_delta", "partial_json": piece}
            yield _frame("text", "content_block_delta", index=index, delta=delta)
        yield _frame("close", "content_block_stop", index=index)
    ended = {"usage": {"output_tokens": answer.output_tokens}} if answer.counted else {}
    yield _frame("close", "message_delta", delta=_ending(answer), **ended)
    yield _frame("close", "message_stop")


def counted(answer: Answer) -> Json:
    """What a prompt would take: POST /v1/messages/count_tokens."""
    return {"input_tokens": answer.input_tokens}


def failure(_answer: Answer, code: str, message: str, _number: int) -> Frame:
    return Frame("text", {"type": "error", "error": {"type": code, "message": message}}, "error")


def error(status: int, _code: str | None, message: str) -> Json:
    said = {"type": _ERRORS.get(status, "api_error"), "message": message}
    return {"type": "error", "error": said, "request_id": "req_stub"}


def _frame(kind: Any, name: str, **data: object) -> Frame:
    return Frame(kind, {"type": name, **data}, name)


def _call(call: Call, values: object) -> Json:
    return {"type": "tool_use", "id": call.id, "name": call.name, "input": values}


def _message(answer: Answer) -> Json:
    message = {"id": f"msg_{answer.id}", "type": "message", "role": "assistant"}
    return {**message, "model": answer.model}


def _ending(answer: Answer) -> Json:
    ending: Json = {"stop_reason": _STOP[answer.finish], "stop_sequence": None}
    if ending["stop_reason"] == "refusal":
        ending["stop_details"] = {"type": "refusal", "category": None, "explanation": None}
    return ending


def _usage(answer: Answer) -> Json:
    fresh = answer.input_tokens
    if isinstance(fresh, int):  # Anthropic counts cached tokens apart
        fresh -= answer.cached_tokens
    return {
        "input_tokens": fresh,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": answer.cached_tokens,
        "output_tokens": answer.output_tokens,
    }
