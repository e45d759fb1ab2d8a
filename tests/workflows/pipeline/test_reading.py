"""Pipelines in YAML: what they say, and the line of what is wrong with them."""

from __future__ import annotations

import json
import subprocess
import sys
from decimal import Decimal

import jsonschema  # type: ignore[import-untyped]
import pytest

from orch_nb.workflows.pipeline.errors import PipelineError
from orch_nb.workflows.pipeline.graph import Graph
from orch_nb.workflows.pipeline.reading import read
from orch_nb.workflows.pipeline.spec import Spec

STEPS = "steps:\n  - {id: a, prompt: Hello}\n"


def graph(text: str) -> Graph:
    return read(text.encode(), "p.yaml")


def said(text: str) -> str:
    with pytest.raises(PipelineError) as wrong:
        graph(text)
    return str(wrong.value)


def test_a_word_and_a_map_select_alike() -> None:
    word = graph("selection_schema: cost\n" + STEPS).spec.selection_schema
    mapped = graph("selection_schema: {strategy: cost}\n" + STEPS).spec.selection_schema
    assert word == mapped
    assert word.strategy == "cost"


def test_experts_are_a_list_a_map_or_named_with_settings() -> None:
    listed = graph("experts:\n  - sql: team:qwen\n  - plan: b:m\n" + STEPS).spec.experts
    mapped = graph("experts: {sql: team:qwen, plan: b:m}\n" + STEPS).spec.experts
    named = graph(
        "experts:\n  sql: {model: qwen, provider: team}\n  plan: {model: b:m}\n" + STEPS
    ).spec.experts
    assert listed == mapped
    ids = [{name: expert.id for name, expert in found.items()} for found in (listed, named)]
    assert ids[0] == ids[1] == {"sql": "team:qwen", "plan": "b:m"}


@pytest.mark.parametrize("written", ["none", "{}", "{expertise: []}"])
def test_none_requires_nothing(written: str) -> None:
    spec = graph(f"requires_model: {written}\n" + STEPS).spec
    assert spec.requires_model == Spec(steps=spec.steps).requires_model


def test_requirements_in_words() -> None:
    required = graph(
        "requires_model:\n  min_size: 7B\n  max_size: 350M\n"
        "  expertise: [medium-high, code, json]\n"
        "  cost_limit: 0.02\n  preferred: a:b\n" + STEPS
    ).spec.requires_model
    assert (required.min_size, required.max_size) == (7.0, 0.35)
    assert required.expertise == ["medium-high", "code", "json"]
    assert required.cost_limit == Decimal("0.02")
    assert required.preferred == ["a:b"]
    assert graph("requires_model: high\n" + STEPS).spec.requires_model.expertise == ["high"]


def test_inputs_are_values_or_described() -> None:
    inputs = graph("inputs: {topic: rivers, must: , n: {default: 3, description: x}}\n" + STEPS)
    assert inputs.spec.inputs["topic"].default == "rivers"
    assert inputs.spec.inputs["must"].required
    assert inputs.spec.inputs["n"].default == 3


def test_steps_need_what_their_expressions_name() -> None:
    made = graph(
        """
inputs: {topic: x}
steps:
  - {id: last, prompt: "{{ steps.first.text }} {{ middle }}", when: "{{ other.ran }}"}
  - {id: middle, prompt: "{{ first.lines[0] }} {{ topic }}"}
  - {id: first, prompt: "About {{ inputs.topic }}"}
  - {id: other, prompt: "{{ item }} {{ index }}", for_each: "{{ first.lines }}", needs: middle}
outputs: {all: "{{ last }}"}
"""
    )
    assert list(made.nodes) == ["first", "middle", "other", "last"]
    assert made.nodes["last"].after == {"first", "middle", "other"}
    assert made.nodes["other"].after == {"first", "middle"}
    assert made.nodes["first"].after == set()


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("stepz: []\n" + STEPS, 1, "unknown key 'stepz'; did you mean steps?"),
        ("name: x\nsteps:\n- {id: a, prompt: x, modl: y}\n", 3, "did you mean model?"),
        (STEPS + "  - {id: a, prompt: x}\n", 3, "two steps have the id a"),
        ("steps:\n  - id: a\n    prompt: '{{ b }}'\n", 3, "unknown name 'b'"),
        ("steps:\n  - id: a\n    prompt: '{{ steps.b.text }}'\n", 3, "unknown step 'b'"),
        ("steps:\n  - id: a\n    prompt: '{{ item }}'\n", 3, "only in a step with for_each"),
        (
            "steps:\n  - id: a\n    prompt: x\n    for_each: [1]\n    when: 'item > 0'\n",
            5,
            "item is there only",
        ),
        (
            "steps:\n  - {id: a, prompt: x}\n  - id: b\n    prompt: '{{ a.txt }}'\n",
            4,
            "'txt'; did you mean text?",
        ),
        (
            "steps:\n  - {id: a, prompt: x}\n  - id: b\n    when: a.parsed.ok\n    prompt: x\n",
            4,
            "nothing without a schema",
        ),
        (
            "inputs: {topic: x}\nsteps:\n  - id: b\n    prompt: '{{ inputs.topc }}'\n",
            4,
            "'topc'; did you mean topic?",
        ),
        (
            "steps:\n  - id: a\n    prompt: x\n    schema: {f: '"
            + 3000 * "list["
            + 3000 * "]"
            + "'}\n",
            4,
            "nested too deep",
        ),
        ("steps:\n  - id: a\n    prompt: '{{ a + }}'\n", 3, "line 1"),
        ("steps:\n  - id: a\n    prompt: x\n    needs: [c]\n", 4, "unknown step 'c'"),
        ("steps:\n  - {id: a, prompt: x, needs: [a]}\n", 2, "needs itself"),
        (
            "steps:\n  - {id: a, prompt: '{{ b }}'}\n  - {id: b, prompt: '{{ a }}'}\n",
            2,
            "steps need each other",
        ),
        (STEPS + "selection_schema: cots\n", 3, "did you mean cost?"),
        (STEPS + "selection_schema:\n  strategy: cost\n  wieghts: {}\n", 5, "did you mean weights"),
        (STEPS + "experts:\n  - sql: {modl: x}\n", 4, "did you mean model?"),
        (STEPS + "requires_model:\n  expertise: expert\n", 4, "'expert' is none of the levels"),
        (STEPS + "requires_model:\n  min_size: big\n", 4, 'must be a size such as "7B"'),
        (STEPS + "requires_model:\n  capabilities: [sing]\n", 4, "must be"),
        ("steps:\n  - id: a\n    prompt: x\n    expert: b\n", 4, "unknown expert 'b'"),
        ("steps:\n  - id: a\n    prompt: x\n    task: codng\n", 4, "did you mean"),
        ("steps:\n  - id: a\n    prompt: x\n    schema: {n: strange}\n", 4, "is no type"),
        ("steps:\n  - id: 1a\n    prompt: x\n", 2, "must be a name"),
        ("steps:\n  - id: inputs\n    prompt: x\n", 2, "a word of the grammar"),
        ("inputs: {a: 1}\n" + STEPS, 3, "the name of an input"),
        ("steps: []\n", 1, "must not be empty"),
        ("- a\n", 1, "a map with steps"),
        ("a: &x 1\n", 1, "anchors"),
        ("budget: -1\n" + STEPS, 1, "greater than or equal to 0"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(text: str, line: int, words: str) -> None:
    message = said(text)
    assert words in message
    assert message.startswith(f"p.yaml, line {line}: "), message


def test_an_expression_evaluates_no_python() -> None:
    message = said("steps:\n  - {id: a, prompt: x, when: '__import__(\"os\")'}\n")
    assert "__import__" in message


def test_a_schema_is_words_or_json_schema() -> None:
    words = "{name: str, tags: 'list[str]', size: {width: float}}"
    formal = json.dumps(
        {
            "type": "object",
            "properties": {
                "name": {"type": "string"},
                "tags": {"type": "array", "items": {"type": "string"}},
                "size": {"type": "object", "properties": {"width": {"type": "number"}}},
                "kind": {"enum": ["a", "b"]},
            },
            "required": ["name", "tags", "size", "kind"],
        }
    )
    for written, extra in ((words, {}), (formal, {"kind": "b"})):
        form = graph(f"steps:\n  - {{id: a, prompt: x, schema: {written}}}\n").nodes["a"].form
        assert form is not None
        data = {"name": "x", "tags": ["y"], "size": {"width": 1.5}, **extra}
        if not extra:
            assert form(**data).model_dump() == data  # type: ignore[attr-defined]
        else:
            data["size"] = {"width": None}
            assert form(**data).kind == "b"  # type: ignore[attr-defined]
        with pytest.raises(ValueError, match="name"):
            form(**{**data, "name": 3})


def test_the_grammar_is_exported_for_editors() -> None:
    module = "orch_nb.workflows.pipeline"
    done = subprocess.run([sys.executable, "-m", module], capture_output=True, check=True)
    schema = json.loads(done.stdout)
    check = jsonschema.Draft202012Validator(schema)
    check.check_schema(schema)
    good = {"selection_schema": "cost", "steps": [{"id": "a", "prompt": "x"}], "budget": 1}
    assert check.is_valid(good)
    assert check.is_valid({**good, "experts": [{"sql": "a:b"}], "requires_model": "none"})
    assert check.is_valid({**good, "experts": {"sql": {"model": "b", "provider": "a"}}})
    assert not check.is_valid({**good, "stepz": []})
    assert not check.is_valid({"steps": [{"id": "a", "prompt": "x", "modl": "y"}]})
