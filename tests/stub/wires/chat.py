"""OpenAI Chat Completions: https://platform.openai.com/docs/api-reference/chat."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from stub.answer import Answer, Call
from stub.wires.base import Frame, Json, last_user_text

_FINISH = {
    "stop": "stop", "length": "length", "tool": "tool_calls",
    "refusal": "stop", "filter": "content_filter",
}  # fmt: skip


def prompt(body: Mapping[str, Any]) -> str:
    return last_user_text(body.get("messages"))


def plain(answer: Answer) -> Json:
    refused = answer.finish == "refusal"
    message = {
        "role": "assistant",
        "content": None if refused else answer.said,
        "refusal": answer.text if refused else None,
        **({"tool_calls": [_call(c, c.arguments) for c in answer.calls]} if answer.calls else {}),
    }
    choice = {
        "index": 0,
        "message": message,
        "logprobs": None,
        "finish_reason": _FINISH[answer.finish],
    }
    usage = {"usage": _usage(answer)} if answer.counted else {}
    choices = [] if answer.blank else [choice]
    return {**_envelope(answer, "chat.completion"), "choices": choices, **usage}


def events(answer: Answer, body: Mapping[str, Any]) -> Iterator[Frame]:
    counted = bool((body.get("stream_options") or {}).get("include_usage"))
    usage = {"usage": None} if counted else {}

    def chunk(delta: Json, finish: str | None = None) -> Json:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        choices = [] if answer.blank else [choice]
        return {**_envelope(answer, "chat.completion.chunk"), "choices": choices, **usage}

    field = "refusal" if answer.finish == "refusal" else "content"
    yield Frame("open", chunk({"role": "assistant", "content": "", "refusal": None}))
    for piece in answer.pieces:
        yield Frame("text", chunk({field: piece}))
    for index, call in enumerate(answer.calls):
        yield Frame("text", chunk({"tool_calls": [{"index": index, **_call(call, "")}]}))
        for piece in call.pieces:
            function = {"arguments": piece}
            yield Frame("text", chunk({"tool_calls": [{"index": index, "function": function}]}))
    yield Frame("close", chunk({}, _FINISH[answer.finish]))
    if counted and answer.counted:
        last = {**_envelope(answer, "chat.completion.chunk"), "choices": []}
        yield Frame("close", {**last, "usage": _usage(answer)})
    yield Frame("close", "[DONE]")


def failure(_answer: Answer, code: str, message: str, _number: int) -> Frame:
    return Frame("text", error(500, code, message))


def error(status: int, code: str | None, message: str) -> Json:
    kind = "server_error" if status >= 500 else "invalid_request_error"
    kind = {429: "rate_limit_exceeded"}.get(status, kind)
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def _call(call: Call, arguments: str) -> Json:
    function = {"name": call.name, "arguments": arguments}
    return {"id": call.id, "type": "function", "function": function}


def _envelope(answer: Answer, kind: str) -> Json:
    return {
        "id": f"chatcmpl-{answer.id}",
        "object": kind,
        "created": 1767225600,
        "model": answer.model,
    }


def _usage(answer: Answer) -> Json:
    return {
        "prompt_tokens": answer.input_tokens,
        "completion_tokens": answer.output_tokens,
        "total_tokens": answer.total_tokens,
        "prompt_tokens_details": {"cached_tokens": answer.cached_tokens},
    }
