"""What servers send that is almost right: the whole answer, or an error, and never less."""

from __future__ import annotations

import json
from typing import Any

import pytest

from invoke.scripted import WIRES, lines, reply, scripted, sse
from orch_nb import Response, Session
from orch_nb.errors import OrchError


def chunk(delta: object = None, finish: object = None, index: int = 0, **more: Any) -> Any:
    delta = {} if delta is None else delta
    return {"choices": [{"index": index, "delta": delta, "finish_reason": finish}], **more}


def said(text: str, finish: object = None, index: int = 0) -> Any:
    return chunk({"content": text}, finish, index)


def called(**function: str) -> Any:
    return chunk({"content": "", "tool_calls": [{"index": 0, "id": "1", "function": function}]})


HELLO, END, DONE = said("Hello"), chunk(finish="stop"), "[DONE]"
START = {"type": "message_start", "message": {"usage": {"input_tokens": 3, "output_tokens": 1}}}
STOP = {"type": "message_stop"}


def block(kind: str = "text", **fields: object) -> Any:
    return {"type": "content_block_start", "index": 0, "content_block": {"type": kind, **fields}}


def part(**delta: object) -> Any:
    return {"type": "content_block_delta", "index": 0, "delta": delta}


def ended(reason: object = "end_turn", **usage: object) -> Any:
    usage = usage or {"output_tokens": 2}
    return {"type": "message_delta", "delta": {"stop_reason": reason}, "usage": usage}


TEXT = (block(text=""), part(type="text_delta", text="Hello"))
TOOL = block("tool_use", id="1", name="f", input={})


def line(text: str, **more: object) -> Any:
    return {"message": {"role": "assistant", "content": text}, "done": False, **more}


LAST = line("", done=True, done_reason="stop", prompt_eval_count=3, eval_count=2)

#: What is sent, and what comes of it: the text, the tool's arguments, or the name of the error.
CHAT: dict[str, tuple[bytes | str, object]] = {
    "a finish that is empty is no end": (sse(said("Hel", ""), said("lo", "")), "BrokenAnswer"),
    "nor is it one before the mark": (sse(said("Hel", ""), DONE), "BrokenAnswer"),
    "the mark without a finish": (sse(HELLO, DONE), "BrokenAnswer"),
    "a finish that is no word": (sse(HELLO, chunk(finish=1), DONE), "BrokenAnswer"),
    "a finish of another vendor": (sse(HELLO, chunk(finish="eos"), DONE), "Hello"),
    "a second choice is no part of the answer": (
        sse(HELLO, said("WRONG", index=1), said("!"), END, chunk(finish="stop", index=1), DONE),
        "Hello!",
    ),
    "nor is its end": (sse(HELLO, said("WRONG", "stop", 1), DONE), "BrokenAnswer"),
    "a first choice that is not 0": (sse(said("Hello", index=7), chunk(None, "stop", 7)), "Hello"),
    "broken off": (sse(HELLO, chunk(finish="error"), DONE), "ServerFailed"),
    "aborted": (sse(HELLO, chunk(finish="abort"), DONE), "ServerFailed"),
    "out of resources": (
        sse(HELLO, chunk(finish="insufficient_system_resource"), DONE),
        "ServerFailed",
    ),
    "filtered after text": (sse(HELLO, chunk(finish="content_filter"), DONE), "Rejected"),
    "the end twice": (sse(HELLO, END, END, DONE), "Hello"),
    "text after the end": (sse(HELLO, END, said(" AFTER"), DONE), "Hello"),
    "text after the mark": (sse(HELLO, END, DONE, said(" AFTER")), "Hello"),
    "no delta at the end": (
        sse(HELLO, {"choices": [{"delta": None, "finish_reason": "stop"}]}),
        "Hello",
    ),
    "no choices": (sse({"choices": None}, HELLO, {"choices": [3]}, END, DONE), "Hello"),
    "a call beside empty text": (
        sse(called(name="f", arguments='{"a"'), called(arguments=": 1}"), END, DONE),
        {"a": 1},
    ),
    "a call that is cut": (sse(called(name="f", arguments='{"a"'), END, DONE), "BrokenAnswer"),
    "a call of nothing": (sse(called(arguments="{}"), END, DONE), "BrokenAnswer"),
    "only reasoning": (sse(chunk({"reasoning_content": "hm"}), END, DONE), "BrokenAnswer"),
    "only blanks": (sse(said(" \n\t"), END, DONE), "BrokenAnswer"),
    "no credit, in the stream": (
        sse({"error": {"code": 402, "message": "Insufficient credits"}}),
        "QuotaSpent",
    ),
    "too fast, in the stream": (sse({"error": {"code": 429, "message": "wait"}}), "RateLimited"),
    "a wrong key, in the stream": (sse({"error": {"code": "401", "message": "?"}}), "KeyRefused"),
    "an error that is text": (sse({"error": "boom"}), "ServerFailed"),
    "an error with half a character": (sse({"error": {"message": "\ud800"}}), "ServerFailed"),
    "comments": (f": a\n\n{sse(HELLO)}: PROCESSING\n\n:\n{sse(END, DONE)}", "Hello"),
    "other fields": ("id: 1\nretry: 5\n" + sse(HELLO, END, DONE), "Hello"),
    "no space": (sse(HELLO, END, DONE).replace("data: ", "data:"), "Hello"),
    "data in two lines": (sse(HELLO, END).replace('"choices"', '\ndata: "choices"'), "Hello"),
    "no blank line at the end": (sse(HELLO, END).rstrip("\n"), "Hello"),
    "a list": (sse([HELLO], DONE), "BrokenAnswer"),
    "a number of 5000 digits": (sse(HELLO, '{"x": ' + "9" * 5000 + "}", END), "BrokenAnswer"),
    "plain text": ("Hello", "BrokenAnswer"),
}
MESSAGES: dict[str, tuple[bytes | str, object]] = {
    "pings": (sse(START, {"type": "ping"}, *TEXT, {"type": "ping"}, ended(), STOP), "Hello"),
    "overloaded in the middle": (
        sse(START, *TEXT, {"type": "error", "error": {"type": "overloaded_error"}}, STOP),
        "ServerFailed",
    ),
    "an error that says nothing": (sse(START, *TEXT, {"type": "error"}, STOP), "ServerFailed"),
    "no credit": (
        sse({"type": "error", "error": {"message": "Your credit balance is too low"}}),
        "QuotaSpent",
    ),
    "no end mark": (sse(START, *TEXT, ended()), "BrokenAnswer"),
    "refused after text": (sse(START, *TEXT, ended("refusal"), STOP), "Rejected"),
    "paused": (sse(START, *TEXT, ended("pause_turn"), STOP), "BrokenAnswer"),
    "a stop sequence": (sse(START, *TEXT, ended("stop_sequence"), STOP), "Hello"),
    "no reason": (sse(START, *TEXT, ended(None), STOP), "Hello"),
    "text in the block's start": (
        sse(START, block(text="Hel"), part(type="text_delta", text="lo"), ended(), STOP),
        "Hello",
    ),
    "text after the end": (sse(START, *TEXT, ended(), STOP, TEXT[1]), "Hello"),
    "a call in pieces": (
        sse(START, TOOL, part(partial_json='{"a"'), part(partial_json=": 1}"), ended(), STOP),
        {"a": 1},
    ),
    "a call in one": (
        sse(START, block("tool_use", id="1", name="f", input={"a": 1}), ended(), STOP),
        {"a": 1},
    ),
    "a call that is cut": (
        sse(START, TOOL, part(partial_json='{"a"'), ended("max_tokens"), STOP),
        "BrokenAnswer",
    ),
    "only thinking": (
        sse(START, block("thinking"), part(thinking="hm"), ended(), STOP),
        "BrokenAnswer",
    ),
}
OLLAMA: dict[str, tuple[bytes | str, object]] = {
    "an error in the middle": (lines(line("Hel"), {"error": "CUDA error"}), "ServerFailed"),
    "an error beside the end": (lines(line("Hello"), {**LAST, "error": "x"}), "ServerFailed"),
    "no end": (lines(line("Hello")), "BrokenAnswer"),
    "an end that is a word": (lines(line("Hello"), {**LAST, "done": "true"}), "BrokenAnswer"),
    "only loaded": (lines({**LAST, "done_reason": "load"}), "BrokenAnswer"),
    "only thinking": (lines(line("", thinking="hm"), LAST), "BrokenAnswer"),
    "text beside the end": (lines(line("Hel"), {**LAST, **line("lo"), "done": True}), "Hello"),
    "text after the end": (lines(line("Hello"), LAST, line("AFTER")), "Hello"),
    "blank lines and CRLF": (lines("", line("Hello"), "\r", LAST).replace("\n", "\r\n"), "Hello"),
    "a mark of bytes first": ("\ufeff" + lines(line("Hello"), LAST), "Hello"),
    "no newline at the end": (lines(line("Hello"), LAST).rstrip(), "Hello"),
    "a list": (lines([1], LAST), "BrokenAnswer"),
    "the form of another call": (lines({"response": "Hello"}, LAST), "BrokenAnswer"),
    "arguments that are text": (
        lines({"message": {"tool_calls": [{"function": {"name": "f", "arguments": "{"}}]}}, LAST),
        "BrokenAnswer",
    ),
}
CASES = {"chat": CHAT, "messages": MESSAGES, "ollama": OLLAMA}


@pytest.mark.parametrize("wire", CASES)
def test_the_whole_answer_or_an_error(wire: str) -> None:
    kind, path, content_type = WIRES[wire]
    rows, ended = {}, {}
    with scripted() as server:
        for place, (body, _) in enumerate(CASES[wire].values()):
            server.script(f"p{place}", reply(body, content_type))
            key = {} if kind == "ollama" else {"api_key": "sk-test"}
            url = server.url(f"p{place}", path)
            rows[f"p{place}"] = {"type": kind, "base_url": url, "max_retries": 0, **key}
        with Session({"providers": rows}) as s:
            for place, name in enumerate(CASES[wire]):
                ended[name] = outcome(s, f"p{place}:m")
    assert ended == {name: expected for name, (_, expected) in CASES[wire].items()}


def outcome(s: Session, model: str) -> object:
    try:
        response: Response = s.ask("x", model=model)
    except OrchError as error:
        return type(error).__name__ if "\n" not in str(error) else str(error)
    return dict(response.calls[0].arguments) if response.calls else response.text


@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        (429, {"code": "rate_limit_exceeded", "message": "see /account/billing"}, "RateLimited"),
        (429, {"code": "insufficient_quota", "message": "see your plan"}, "QuotaSpent"),
        (400, {"message": "Your credit balance is too low"}, "QuotaSpent"),
        (403, {"message": "billing is not active"}, "QuotaSpent"),
        (400, {"code": 400, "message": "the request exceeds the available context size"}, "Cont"),
        (404, {"message": "no such model"}, "ModelNotFound"),
        (400, {"code": "content_filter", "message": "filtered"}, "Rejected"),
        (422, {"message": ["not", "text"]}, "RequestRefused"),
        (500, "\ud800", "ServerFailed"),
        (529, {"type": "overloaded_error"}, "ServerFailed"),
        (599, [], "ServerFailed"),
        (408, {}, "TimedOut"),
    ],
)
def test_a_status_and_its_words(status: int, error: object, kind: str) -> None:
    with scripted() as server:
        body = json.dumps({"error": error})
        server.script("p", reply(body, "application/json", status=status))
        row = {"type": "compatible", "base_url": server.url("p", "/v1"), "max_retries": 0}
        with Session({"providers": {"p": row}}) as s:
            assert str(outcome(s, "p:m")).startswith(kind)
