"""What is shown of a decision: all that counted, in two forms, of any number of models, inert."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest

from orch_nb.notebook import decisions
from orch_nb.notebook.tables import Bundle
from orch_nb.routing.analyse import analyse
from orch_nb.routing.named import name_models
from orch_nb.routing.route import route
from orch_nb.types import (
    Cascade,
    Choice,
    Decision,
    LazySequence,
    ModelCard,
    Rejection,
    Track,
)
from routing.candidates import ASK, card, seen, situation, took
from shells.here import Shell
from stub.client import Stub

HOSTILE = "x<img src=x onerror=alert(1)>\x1b[31m\u202e\n**b** $y$ \ud800"


def decided(*models: ModelCard, strategy: str = "balanced", **facts: Any) -> Decision:
    return route(ASK, analyse(ASK), strategy, situation(models, **facts))


def known(name: str, price: float | None, tier: float, **facts: Any) -> ModelCard:
    return card(name, price, tier=tier, tier_source="a snapshot", **facts)


def shown(made: Decision) -> list[str]:
    bundle, _ = decisions.decision(made)
    return bundle["text/plain"].splitlines()


def cells(made: Decision, model: str) -> list[str]:
    (line,) = [line for line in shown(made) if re.match(rf"{model}( |$)", line)]
    return re.split(r" {2,}", line)


class Tags(HTMLParser):
    def __init__(self, body: str) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.text = ""
        self.feed(body)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert {name for name, _ in attrs} <= {"style"}
        self.found.add(tag)
        self.text += "\n"

    def handle_data(self, data: str) -> None:
        self.text += data


def assert_inert(bundle: Bundle) -> None:
    tags = Tags(bundle["text/html"])
    assert not tags.found & {"img", "script", "b"}
    for said in (tags.text, bundle["text/plain"]):
        assert "<img src=x onerror=alert(1)>" in said
        assert "\\x1b[31m" in said
        assert not set("\x1b\u202e\ud800") & set(said)
    json.dumps(bundle).encode("utf-8")


def test_everything_that_counted_is_shown() -> None:
    made = decided(
        known("a", 10, 0.75), known("b", 1, 0.25), tracks={"a": Track(3, 3, p50=2.0), "b": took(4)}
    )
    assert shown(made)[0] == "balanced (strategy)"
    assert shown(made)[1].startswith("task chat: ")
    assert "difficulty" in shown(made)[1]
    assert shown(made)[1].endswith(f"about {made.profile.input_tokens}→250 tokens")
    head = re.split(r" {2,}", shown(made)[2])
    for choice in made.ranking:
        picked = " (picked)" if choice is made.best else ""
        name = f"{choice.model}{picked}"
        terms = [f"{choice.terms[n]:.2f}" for n in ("cost", "quality", "speed")]
        row = dict(zip(head, cells(made, re.escape(name)), strict=True))
        assert [row["cost 0–1"], row["quality 0–1"], row["speed 0–1"]] == terms
        assert row["score"] == f"{choice.score:.2f}"
        assert row["expected cost"] == ("$0.0026" if choice.card.name == "a" else "$0.00026")
        assert row["expected time"] == ("2.0 s" if choice.card.name == "a" else "4.0 s")
        assert row["expected quality"] == f"{choice.quality:.2f}"


def test_origins_are_said_once_for_all_models_that_share_them() -> None:
    models = known("a", 10, 0.75), known("b", 1, 0.25), known("c", 1, 0.25)
    made = decided(*models, tracks={"a": took(2)})
    assert [line for line in shown(made) if line.startswith("from ")] == [
        "from cost: stated · seconds: seen · quality: a snapshot (p:a)",
        "from cost: stated · seconds: unknown · quality: a snapshot (p:b, p:c)",
        "from assumption: an unknown time as quicker the lower the quality",
    ]
    said = Tags(decisions.decision(made)[0]["text/html"]).text
    assert "seconds: unknown · quality: a snapshot (p:b, p:c)" in said


def test_a_quality_that_counts_less_for_failures_says_so() -> None:
    made = decided(known("a", 10, 0.75), tracks={"a": Track(20, 0)})
    (line,) = [line for line in shown(made) if line.startswith("from cost")]
    share = made.best.terms["quality"] / made.best.quality
    assert share < 0.5
    assert f"answers: {100 * share:.0f} % of calls" in line


def test_names_above_figures_take_two_lines_so_that_the_table_fits_a_page() -> None:
    head, _, _ = decisions.decision(decided(known("a", 10, 0.75)))[0]["text/html"].partition("<td")
    assert "expected<br/>quality" in head
    assert "0–1<" in head


def test_what_is_unknown_is_a_dash() -> None:
    made = decided(card("a"), known("b", 1, 0.5), strategy="cost")
    assert cells(made, "p:a")[1] == "—"
    assert cells(made, "p:a")[-3:] == ["—", "—", "—"]
    origins = [line for line in shown(made) if line.startswith("from ")]
    assert "from cost: unknown · seconds: unknown · quality: unknown (p:a)" in origins
    assert origins[-1].endswith("an unknown quality as 0.50")
    (why,) = [line for line in shown(made) if line.startswith("without a score p:a: ")]
    assert "its price is not known, place 2" in why
    assert "nan" not in "\n".join(shown(made))


def test_what_would_change_it_is_said() -> None:
    made = decided(known("a", 10, 0.75), known("b", 1, 0.25), strategy="task")
    said = "what would change it: 90 % cheaper with p:b if an expected quality ≥ 0.25 is enough"
    assert said in shown(made)
    assert said in Tags(decisions.decision(made)[0]["text/html"]).text


def test_notice_and_cascade_stand_above() -> None:
    made = replace(
        decided(known("a", 10, 0.75), known("b", 1, 0.25)),
        notice="task found no model, so cost chose",
        cascade=Cascade(("p:b", "p:c"), "p:a", "agreement", "tiers"),
    )
    lines = shown(made)
    assert lines[1] == "task found no model, so cost chose"
    assert lines[3] == "cascade: p:b and p:c must agree, else p:a (tiers)"


def test_a_cascade_says_what_it_costs_either_way() -> None:
    one = decided(known("a", 10, 0.75), known("b", 1, 0.25))
    plan = Cascade(("p:b", "p:b"), "p:a", "verifier", "tiers")
    (line,) = [text for text in shown(replace(one, cascade=plan)) if text.startswith("cascade:")]
    assert line == (
        "cascade: p:b must accept what p:b says, else p:a; about $0.00051 if so, $0.0031 if not "
        "(tiers)"
    )


def test_a_named_model_has_no_terms() -> None:
    model = known("a", 10, 0.75)
    made = name_models(ASK, analyse(ASK), [model], seen())
    assert shown(made)[0] == "explicit (explicit model)"
    assert cells(made, "p:a")[:2] == ["p:a (picked)", "1.00"]


def test_who_may_not_answer_is_folded() -> None:
    made = decided(known("a", 10, 0.75), card("e", unranked="no chat model"))
    assert shown(made)[-1] == "not p:e: no chat model"
    tags = Tags(decisions.decision(made)[0]["text/html"])
    assert "details" in tags.found
    assert "not considered (1)\n" in tags.text
    assert "p:e: no chat model" in tags.text


@pytest.mark.parametrize("count", [50, 51, 10_000])
def test_of_many_only_the_first_are_made(count: int) -> None:
    one = decided(known("a", 10, 0.75)).best
    made: set[str] = set()

    def choice(place: int) -> Choice:
        made.add(f"choice {place}")
        return replace(one, card=replace(one.card, name=f"m{place}"))

    def rejection(place: int) -> Rejection:
        made.add(f"rejection {place}")
        return Rejection(f"p:r{place}", "excluded")

    many = replace(
        decided(known("a", 10, 0.75)),
        ranking=LazySequence(count, choice),
        rejected=LazySequence(count * 4, rejection),
    )
    lines = shown(many)
    assert len(made) == 50 + 200
    assert sum(line.startswith("p:m") for line in lines) == 50
    assert sum(line.startswith("not p:r") for line in lines) == 200
    more = [line for line in lines if line.startswith("and ")]
    expected = [f"and {count - 50} more candidates", f"and {count * 4 - 200} more not considered"]
    assert more == [line for line in expected if not line.startswith("and 0")]
    assert f"not considered ({count * 4})\n" in Tags(decisions.decision(many)[0]["text/html"]).text


def test_hostile_names_and_reasons_are_inert() -> None:
    hostile = known(HOSTILE, 10, 0.75)
    made = replace(
        decided(replace(hostile, tier_source=HOSTILE), known("b", 1, 0.25), strategy="task"),
        notice=HOSTILE,
        rejected=(Rejection(f"a:{HOSTILE}", HOSTILE),),
        cascade=Cascade((HOSTILE,), HOSTILE, "verifier", HOSTILE),
    )
    bundle, _ = decisions.decision(made)
    assert_inert(bundle)
    assert len(bundle["text/plain"].splitlines()) == 4 + 3 + 3 + 1
    assert_inert(decisions.dry_run(HOSTILE, made))
    changed = replace(made, cascade=None, ranking=tuple(reversed(made.ranking)))
    assert "better by" in decisions.decision(changed)[0]["text/plain"]
    assert_inert(decisions.decision(changed)[0])


def test_a_substitution_is_announced_where_it_is_asked_and_where_it_is_ranked(
    shell: Shell, alpha: Stub
) -> None:
    ranked = shell.run("%orch_select -s task,cost hello")
    answered = shell.run("%orch -s task,cost hello")
    assert "task found no model, so cost chose" in ranked.printed
    assert "task found no model, so cost chose" in answered.printed
    assert "(picked)" in ranked.printed
    assert "(picked)" in shell.run("%orch --dry-run hello").outputs[0].data["text/plain"]
