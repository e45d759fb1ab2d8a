"""Ollama's chat: https://github.com/ollama/ollama/blob/main/docs/api.md."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from stub.answer import Answer, Call
from stub.wires.base import Frame, Json, last_user_text

#: What an answer took, in nanoseconds.
TOOK = 1_234_000_000


def prompt(body: Mapping[str, Any]) -> str:
    return last_user_text(body.get("messages"))


def plain(answer: Answer) -> Json:
    return {**_line(answer, answer.text, answer.calls), **_ending(answer)}


def events(answer: Answer, _body: Mapping[str, Any]) -> Iterator[Frame]:
    for piece in answer.pieces:
        yield Frame("text", {**_line(answer, piece), "done": False})
    for call in answer.calls:  # each comes whole
        yield Frame("text", {**_line(answer, "", [call]), "done": False})
    yield Frame("close", {**_line(answer, ""), **_ending(answer)})


def failure(_answer: Answer, code: str, message: str, _number: int) -> Frame:
    return Frame("text", error(500, code, message))


def error(_status: int, code: str | None, message: str) -> Json:
    return {"error": f"{code}: {message}" if code else message}


def _line(answer: Answer, text: str | None, calls: Sequence[Call] = ()) -> Json:
    message: Json = {"role": "assistant", "content": text}
    if calls:
        message["tool_calls"] = [
            {"id": c.id, "function": {"name": c.name, "arguments": c.values}} for c in calls
        ]
    said = {} if answer.blank else {"message": message}
    return {"model": answer.model, "created_at": "2026-01-01T00:00:00Z", **said}


def _ending(answer: Answer) -> Json:
    counts = {"prompt_eval_count": answer.input_tokens, "eval_count": answer.output_tokens}
    return {
        "done": True,
        "done_reason": "length" if answer.finish == "length" else "stop",
        "total_duration": TOOK,
        "load_duration": 1_000_000,
        "prompt_eval_duration": 33_000_000,
        "eval_duration": 1_200_000_000,
        **(counts if answer.counted else {}),
    }
