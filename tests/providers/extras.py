"""What every provider does with schemas, images, tools and counting; a part of the contract."""

from __future__ import annotations

import base64
from typing import Any, ClassVar

import pytest

from orch_nb.errors import BrokenAnswer, KeyRefused, ProviderError
from orch_nb.types import Image, Message, Parameters, Request, Schema, Tool, ToolCall
from providers.asking import PROMPT, Asking, check_type, sent
from stub.answer import count
from stub.client import Stub
from stub.spec import write

#: Each byte there is, so that base64 has each of its digits.
PICTURE = base64.b64encode(bytes(range(256))).decode("ascii")
PLACE = {
    "type": "object",
    "properties": {
        "city": {"type": "string"},
        "near": {"anyOf": [{"type": "string"}, {"type": "null"}]},
    },
    "required": ["city", "near"],
    "additionalProperties": False,
}
RICH = Request(
    (Message("user", PROMPT, (Image("image/png", PICTURE), Image("image/webp", "aW1n"))),),
    parameters=Parameters(temperature=0.0, seed=0, effort="low"),
    schema=Schema("Place", PLACE),
    tools=(Tool("look_up", "Looks it up.", PLACE),),
)
_URLS = [f"data:image/png;base64,{PICTURE}", "data:image/webp;base64,aW1n"]
_FUNCTION = {"name": "look_up", "description": "Looks it up.", "parameters": PLACE}
_STRICT = {"name": "Place", "strict": True, "schema": PLACE}


def _said(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"role": "user", "content": list(parts)}


#: What `RICH` must become on each wire; a wire without a seed, or an effort, sends none.
BODIES: dict[str, dict[str, Any]] = {
    "chat": {
        "messages": [
            _said(
                {"type": "text", "text": PROMPT},
                *({"type": "image_url", "image_url": {"url": url}} for url in _URLS),
            )
        ],
        "response_format": {"type": "json_schema", "json_schema": _STRICT},
        "tools": [{"type": "function", "function": _FUNCTION}],
        "temperature": 0,
        "seed": 0,
        "reasoning_effort": "low",
    },
    "responses": {
        "input": [
            {
                "type": "message",
                **_said(
                    {"type": "input_text", "text": PROMPT},
                    *({"type": "input_image", "detail": "auto", "image_url": u} for u in _URLS),
                ),
            }
        ],
        "text": {"format": {"type": "json_schema", **_STRICT}},
        "tools": [{"type": "function", "strict": False, **_FUNCTION}],
        "temperature": 0,
        "reasoning": {"effort": "low"},
    },
    "messages": {
        "messages": [
            _said(
                *(
                    {
                        "type": "image",
                        "source": {"type": "base64", "media_type": f"image/{kind}", "data": data},
                    }
                    for kind, data in (("png", PICTURE), ("webp", "aW1n"))
                ),
                {"type": "text", "text": PROMPT},
            )
        ],
        "output_config": {"effort": "low", "format": {"type": "json_schema", "schema": PLACE}},
        "tools": [{"name": "look_up", "description": "Looks it up.", "input_schema": PLACE}],
        "temperature": 0,
    },
    "ollama": {
        "messages": [{"role": "user", "content": PROMPT, "images": [PICTURE, "aW1n"]}],
        "format": PLACE,
        "tools": [{"type": "function", "function": _FUNCTION}],
    },
}
BROKEN = {
    "cut": '{"city": "Ro',
    "list": "[1]",
    "text": '"Rome"',
    "null": "null",
    "deep": '{"a": ' + "[" * 3000,
    "prose": "Rome, of course",
}


class Extras(Asking):
    """What goes with a prompt beside text, and what comes back."""

    def test_what_goes_with_a_prompt_is_the_wires_own(self, stub: Stub) -> None:
        self.answer(stub, RICH)
        body = sent(stub)[-1].body
        check_type(self.params, body)
        expected = BODIES[self.wire]
        assert {name: body.get(name) for name in expected} == expected
        allowed = BODIES[self.wire].keys() | {"model", "max_tokens", "stream", "stream_options"}
        assert body.keys() - allowed <= {"store", "options", "truncate", "shift", "return_progress"}

    def test_nothing_is_sent_that_was_not_given(self, stub: Stub) -> None:
        self.answer(stub)
        (entry,) = sent(stub)
        assert not entry.body.keys() & (BODIES[self.wire].keys() - {"messages", "input"})

    def test_a_tool_call_comes_whole(self, stub: Stub) -> None:
        values = {"city": "Reykjavík \u2713", "near": None, "n": [1, {"x": -0.5}]}
        said = '{"city": "Reykjavík \\u2713", "near": null, "n": [1, {"x": -0.5}]}'
        stub.rule("alpha", write("tool", name="look_up", arguments=said))
        answer = self.answer(stub, RICH)
        assert answer.calls == (ToolCall("look_up", values, "call_0"),)
        assert (answer.finish, answer.text) == ("tool", "")
        assert answer.usage is not None

    def test_calls_at_once_stay_apart_and_in_order(self, stub: Stub) -> None:
        lines = '{"city": "Rome"}\n{"city": "Oslo"}\n'
        stub.rule("alpha", write("tool", text="Let me see.", arguments=lines))
        answer = self.answer(stub, RICH)
        assert answer.calls == (
            ToolCall("look_up", {"city": "Rome"}, "call_0"),
            ToolCall("look_up", {"city": "Oslo"}, "call_1"),
            ToolCall("look_up", {}, "call_2"),
        )
        assert (answer.finish, answer.text) == ("tool", "Let me see.")

    @pytest.mark.parametrize("arguments", BROKEN.values(), ids=BROKEN)
    def test_arguments_that_are_no_object_are_a_broken_answer(
        self, stub: Stub, arguments: str
    ) -> None:
        stub.rule("alpha", write("tool", arguments=arguments))
        error = self.failure(self.url(stub))
        assert type(error) is BrokenAnswer
        assert "tool call" in str(error)
        assert len(str(error)) < 500


class Counting(Asking):
    """For wires that count the tokens of a prompt; `counted` is the SDK's type of that request."""

    counted: ClassVar[Any]

    def test_tokens_are_counted_and_nothing_is_asked(self, stub: Stub) -> None:
        assert self.count(stub, RICH) == count(PROMPT)
        (entry,) = stub.log()
        assert entry.wire == "count"
        check_type(self.counted, entry.body)
        assert entry.body.keys() <= self.counted.__annotations__.keys() | self.extra
        shared = {"messages", "input", "text", "tools", "output_config"} & BODIES[self.wire].keys()
        assert {name: entry.body[name] for name in shared} == {
            name: BODIES[self.wire][name] for name in shared
        }
        assert stub.bill() == {}

    @pytest.mark.parametrize(
        ("fault", "kind"), [("401?body=echo_key", KeyRefused), ("notjson", BrokenAnswer)]
    )
    def test_counting_fails_as_asking_does(
        self, stub: Stub, fault: str, kind: type[ProviderError]
    ) -> None:
        stub.rule("alpha", fault, wire="count")
        with pytest.raises(kind) as caught:
            self.count(stub, RICH)
        assert str(caught.value).startswith("alpha:m: ")
        assert "\n" not in str(caught.value)
