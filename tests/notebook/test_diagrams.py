"""Mermaid in answers: plain diagrams are drawn, whatever could load something stays code."""

from __future__ import annotations

import pytest

from orch_nb.notebook.diagrams import diagrams
from shells.kernel import Kernel
from stub.client import Stub
from stub.spec import write

MERMAID = "text/vnd.mermaid"
FLOW = """flowchart TD
    A[Start] --> B{ok?}
    B -->|yes| C["End<br/>of it"]
    B <--> D
    D:::warn"""
STYLED = (
    "flowchart TD\n    style A fill:#f9f,stroke:url(//x)\n    A --> B\n    classDef w fill:#fee\n"
)
SEQUENCE = "sequenceDiagram\n    %% a comment\n    Alice->>Bob: Hello\n    Bob-->>Alice: Hi"
CLASSES = "classDiagram\n    Animal <|-- Duck\n    Animal : +int age"
RELATIONS = 'erDiagram\n    CUSTOMER ||--o{ ORDER : places\n    ORDER }|..|{ LINE : "has"'


def fence(*sources: str) -> str:
    return "Look:\n" + "\n".join(f"```mermaid\n{source}\n```\n" for source in sources)


@pytest.mark.parametrize("source", [FLOW, CLASSES, RELATIONS, 'pie\n  "a" : 3', "graph LR\nA-->B"])
def test_plain_diagrams_are_drawn_as_they_are(source: str) -> None:
    drawn, kept = diagrams(fence(source))
    assert [bundle[MERMAID] for bundle in drawn] == [source]
    assert kept == []


def test_comments_and_colours_go() -> None:
    ((drawn,), _) = diagrams(fence(STYLED))
    assert drawn[MERMAID] == "flowchart TD\n    A --> B"
    ((drawn,), _) = diagrams(fence(SEQUENCE))
    assert drawn[MERMAID] == SEQUENCE.replace("    %% a comment\n", "")


def test_other_places_have_an_empty_picture_and_a_line() -> None:
    ((drawn,), _) = diagrams(fence(FLOW))
    assert set(drawn) == {MERMAID, "image/svg+xml", "text/plain"}
    assert drawn["text/plain"] == "the diagram that is code above"


# What JupyterLab fetches or a page would obey, see tests/ui/test_display.py.
HOSTILE = {
    "a directive": [
        "%%{init: {'securityLevel':'loose'}}%%\nflowchart TD\n A-->B",
        "flowchart TD\n %%{init: {'themeCSS':'*{background:url(//x)}'}}%%\n A-->B",
        "flowchart TD\n A-->B %%{\ninit: {}}%%",
    ],
    "no kind that is drawn here": [
        "C4Context\n title x",
        "---\nconfig:\n  themeCSS: '*{background:url(//x)}'\n---\nflowchart TD\n A-->B",
        "architecture-beta\n group api(cloud)[API]",
        "",
    ],
    "a tag": [
        'flowchart TD\n A["<img src=//x>"]-->B',
        "flowchart TD\n A[</div><script>x</script>]-->B",
        "sequenceDiagram\n A->>B: <IMG SRC=//x>",
        'flowchart TD\n A["<br onload=x>"]-->B',
    ],
    "an image or an icon": [
        'flowchart TD\n A@{ img: "http://x/y.png" }\n A-->B',
        'flowchart TD\n A@ {icon: "fa:bell"}',
        "mindmap\n root\n  a\n  ::icon(fa fa-book)",
    ],
    "a link": [
        'flowchart TD\n A-->B\n click A "http://x"',
        "flowchart TD; A-->B; click A call x()",
        'classDiagram\n class A\n link A "http://x"',
        'sequenceDiagram\n participant A\n links A: {"x": "http://x"}',
        'classDiagram\n callback A "alert"',
        "flowchart TD\n A[javascript:alert] --> B",
    ],
    "a style that may load something": [
        "flowchart TD\n A-->B; style A fill:url(http://x)",
        "flowchart TD\n A-->B; style A background-image:image-set('http://x' 1x)",
        'flowchart TD\n A-->B; style A fill:"x"',
        "flowchart TD; A-->B; classDef x mask:cross-fade(a)",
        "sequenceDiagram\n rect URL (http://x)\n A->>B: x\n end",
    ],
    "an escape": [
        'flowchart TD\n A["#60;b#62;"]-->B',
        'flowchart TD\n A["&lt;img src=x&gt;"]-->B',
        "flowchart TD\n A[\\75rl]-->B",
    ],
    "a formula": ['flowchart TD\n A["$$x$$"]-->B', 'flowchart TD\n A["$$\\href{x}{y}$$"]-->B'],
    "hidden characters": ["flowchart TD\n A[a\u202eb]-->B", "flowchart TD\n A[\x1b]-->B"],
    "too large": ["flowchart TD\n" + "A-->B\n" * 200, f"flowchart TD\n A[{'x' * 5000}]"],
}


@pytest.mark.parametrize("source", [source for each in HOSTILE.values() for source in each])
def test_what_could_load_or_run_stays_code(source: str) -> None:
    drawn, (why,) = diagrams(fence(source))
    assert drawn == []
    assert why.startswith("diagram 1 stays code: it ")


@pytest.mark.parametrize("what", HOSTILE)
def test_why_is_said(what: str) -> None:
    assert what in diagrams(fence(HOSTILE[what][0]))[1][0]


def test_few_are_drawn_and_each_counts_for_itself() -> None:
    drawn, kept = diagrams(fence("pie\n", "flowchart TD\n A[<b>]", *["graph LR\n A-->B"] * 3))
    assert len(drawn) == 3
    assert [line.split(":")[0] for line in kept] == [
        "diagram 2 stays code",
        "diagram 5 stays code",
    ]


def test_what_is_no_diagram_is_left_alone() -> None:
    assert diagrams("```python\nflowchart = 1\n```\nflowchart TD\n A-->B") == ([], [])


def test_the_diagram_follows_the_answer(kernel: Kernel, stub: Stub) -> None:
    stub.rule("alpha", write("ok", text=fence(FLOW, "pie\n click x")))
    ran = kernel.run("%%orch --no-cache --no-stream\ndraw")
    kinds = [kind for kind, _ in ran.messages if kind in ("execute_result", "display_data")]
    assert kinds == ["execute_result", "display_data", "display_data"]
    picture, line = ran.of("display_data")
    assert picture["data"][MERMAID] == FLOW
    assert line["data"]["text/plain"] == "diagram 2 stays code: it holds a link"
    assert MERMAID not in ran.result["data"]
    assert FLOW in ran.result["data"]["text/plain"]
