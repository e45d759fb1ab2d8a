"""OpenAI Responses: https://platform.openai.com/docs/api-reference/responses-streaming."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from stub.answer import Answer, Call
from stub.wires.base import Frame, Json, last_user_text
from stub.wires.chat import error

__all__ = ["counted", "error", "events", "failure", "plain", "prompt"]

_STATUS = {
    "stop": "completed", "refusal": "completed", "tool": "completed",
    "length": "incomplete", "filter": "incomplete",
}  # fmt: skip
_INCOMPLETE = {"length": "max_output_tokens", "filter": "content_filter"}


def prompt(body: Mapping[str, Any]) -> str:
    return last_user_text(body.get("input"))


def plain(answer: Answer) -> Json:
    status = _STATUS[answer.finish]
    output = [_item(answer, status, [_part(answer, answer.text)])] if _speaks(answer) else []
    output += [_call(call, status, call.arguments) for call in answer.calls]
    reason = _INCOMPLETE.get(answer.finish)
    return {
        **_response(answer, status),
        "incomplete_details": {"reason": reason} if reason else None,
        "output": output,
        "usage": _usage(answer) if answer.counted else None,
    }


def events(answer: Answer, _body: Mapping[str, Any]) -> Iterator[Frame]:
    for number, (kind, name, data) in enumerate(_steps(answer)):
        yield _frame(kind, name, number, data)


def counted(answer: Answer) -> Json:
    """What a prompt would take: POST /v1/responses/input_tokens."""
    return {"object": "response.input_tokens", "input_tokens": answer.input_tokens}


def failure(answer: Answer, code: str, message: str, number: int) -> Frame:
    failed = {**_response(answer, "failed"), "error": {"code": code, "message": message}}
    return _frame("text", "response.failed", number, {"response": failed})


_Step = tuple[Literal["open", "text", "close"], str, Json]


def _steps(answer: Answer) -> Iterator[_Step]:
    begun = {"response": _response(answer, "in_progress")}
    yield "open", "response.created", begun
    yield "open", "response.in_progress", begun
    if _speaks(answer):
        yield from _message_steps(answer)
    for index, call in enumerate(answer.calls, start=1 if answer.said else 0):
        yield from _call_steps(call, index)
    yield "close", f"response.{_STATUS[answer.finish]}", {"response": plain(answer)}


def _message_steps(answer: Answer) -> Iterator[_Step]:
    refused = answer.finish == "refusal"
    name = "response.refusal" if refused else "response.output_text"
    field = "refusal" if refused else "text"
    logprobs: Json = {} if refused else {"logprobs": []}
    where = {"output_index": 0}
    place = {**where, "item_id": f"msg_{answer.id}", "content_index": 0}
    whole, status = _part(answer, answer.text), _STATUS[answer.finish]
    begun = _item(answer, "in_progress", [])
    yield "open", "response.output_item.added", {**where, "item": begun}
    yield "open", "response.content_part.added", {**place, "part": _part(answer, "")}
    for piece in answer.pieces:
        yield "text", f"{name}.delta", {**place, "delta": piece, **logprobs}
    yield "close", f"{name}.done", {**place, field: answer.text, **logprobs}
    yield "close", "response.content_part.done", {**place, "part": whole}
    yield "close", "response.output_item.done", {**where, "item": _item(answer, status, [whole])}


def _call_steps(call: Call, index: int) -> Iterator[_Step]:
    name = "response.function_call_arguments"
    where = {"output_index": index}
    place = {**where, "item_id": f"fc_{call.id}"}
    yield "text", "response.output_item.added", {**where, "item": _call(call, "in_progress", "")}
    for piece in call.pieces:
        yield "text", f"{name}.delta", {**place, "delta": piece}
    yield "close", f"{name}.done", {**place, "arguments": call.arguments}
    whole = _call(call, "completed", call.arguments)
    yield "close", "response.output_item.done", {**where, "item": whole}


def _speaks(answer: Answer) -> bool:
    """Whether there is a message, be it empty."""
    return not answer.blank and bool(answer.said or not answer.calls)


def _call(call: Call, status: str, arguments: str) -> Json:
    item = {"id": f"fc_{call.id}", "type": "function_call", "status": status}
    return {**item, "call_id": call.id, "name": call.name, "arguments": arguments}


def _frame(kind: Literal["open", "text", "close"], name: str, number: int, data: Json) -> Frame:
    return Frame(kind, {"type": name, "sequence_number": number, **data}, name)


def _part(answer: Answer, text: str | None) -> Json:
    if answer.finish == "refusal":
        return {"type": "refusal", "refusal": text}
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def _item(answer: Answer, status: str, content: list[Json]) -> Json:
    item = {"id": f"msg_{answer.id}", "type": "message", "role": "assistant", "status": status}
    return {**item, "content": content}


def _response(answer: Answer, status: str) -> Json:
    return {
        "id": f"resp_{answer.id}",
        "object": "response",
        "created_at": 1767225600,
        "status": status,
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "metadata": {},
        "model": answer.model,
        "output": [],
        "parallel_tool_calls": True,
        "temperature": 1.0,
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "usage": None,
    }


def _usage(answer: Answer) -> Json:
    cached = {"cached_tokens": answer.cached_tokens, "cache_write_tokens": 0}
    return {
        "input_tokens": answer.input_tokens,
        "input_tokens_details": cached,
        "output_tokens": answer.output_tokens,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": answer.total_tokens,
    }
