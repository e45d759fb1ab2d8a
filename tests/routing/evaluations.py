"""Made evaluations, in which it is known which model is better at what."""

from __future__ import annotations

import random

from orch_nb.routing.outcomes import Outcome

STRONG, WEAK, ODD = "a:strong", "b:weak", "c:odd"
_WORDS = ("tree", "river", "stone", "cloud", "lamp", "window", "garden", "music", "paper", "bridge")


def telling(count: int, seed: int = 0) -> list[Outcome]:
    """`WEAK` is as good as `STRONG` unless the prompt asks for a proof; `ODD` never is."""
    draw = random.Random(seed)
    outcomes = []
    for number in range(count):
        hard = draw.random() < 0.5
        words = " ".join(draw.choices(_WORDS, k=12))
        prompt = f"{'Prove with a lemma that' if hard else 'Say in a word whether'} {words}"
        for model, quality, cost in (
            (STRONG, draw.random() < 0.9, 0.01),
            (WEAK, draw.random() < (0.2 if hard else 0.9), 0.001),
            (ODD, draw.random() < 0.1, 0.02),
        ):
            outcomes.append(Outcome(f"p{number}", "", prompt, model, float(quality), cost))
    return outcomes


def two_tasks(count: int, seed: int = 0) -> list[Outcome]:
    """`STRONG` is better at one task, `WEAK` at the other."""
    draw = random.Random(seed)
    outcomes = []
    for number in range(count):
        task, start = draw.choice((("poem", "Write a rhyme on"), ("sum", "Add 17 and 4 to")))
        prompt = f"{start} {' '.join(draw.choices(_WORDS, k=8))}"
        good, bad = (STRONG, WEAK) if task == "poem" else (WEAK, STRONG)
        for model, rate in ((good, 0.9), (bad, 0.4)):
            quality = float(draw.random() < rate)
            outcomes.append(Outcome(f"p{number}", task, prompt, model, quality, float("nan")))
    return outcomes


def silent(count: int, models: int, seed: int = 0) -> list[Outcome]:
    """What the prompt says has nothing to do with who is right."""
    draw = random.Random(seed)
    outcomes = []
    for number in range(count):
        prompt = " ".join(draw.choices(_WORDS, k=15))
        for model in range(models):
            quality = float(draw.random() < 0.5 + 0.3 * model / models)
            cost = 0.001 * (1 + model)
            outcomes.append(Outcome(f"p{number}", "", prompt, f"m:{model:02}", quality, cost))
    return outcomes
