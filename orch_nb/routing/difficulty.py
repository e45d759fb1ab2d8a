"""How hard a prompt is likely to be, as a stated heuristic."""

from __future__ import annotations

import math

from orch_nb.routing.wording import Wording

# What a kind starts from, in order of what it takes. Chosen.
_STARTS = {
    "chat": 0.1,
    "translation": 0.15,
    "summary": 0.15,
    "extraction": 0.15,
    "creative": 0.2,
    "vision": 0.25,
    "planning": 0.3,
    "analysis": 0.3,
    "code": 0.3,
    "math": 0.3,
    "reasoning": 0.35,
}
_CONDITION_WORDS = """must should only exactly least most without except unless if then when
    each every both either never other same different given such while until before after less
    more fewer twice half muss genau mindestens höchstens ohne außer wenn jede jeder beide
    doit exactement sans sauf si chaque debe exactamente sin salvo cada"""
_PROOF_WORDS = """prove proof derive derivation justify deduce optimal optimise optimize
    beweise herleitung démontre prouve demuestra"""
_CONDITIONS = frozenset(_CONDITION_WORDS.split())
_PROOFS = frozenset(_PROOF_WORDS.split())
_PER_DOUBLING = 0.04
_FOR_A_PROOF = 0.15
_SHORT = 40  # characters that add nothing


def difficulty(kind: str, prompt: str, wording: Wording) -> tuple[float, str]:
    """Difficulty in 0..1 (two digits), 0.1 for "Hello", 0.8 for a long riddle; and what counted.

    The start of the kind, and 0.04 for each doubling of the length, of the numbers and of the
    conditions, and 0.15 for a proof: all chosen. Within 17 benchmarks (200 to 3511 prompts, 2 to 27
    models) its rank correlation with failure is between -0.06 and 0.39, median 0.13, and above 0
    by a 95 % interval in 9 (``tests/benchmarks/difficulty.py`` on 2026-11-21): a hint.
    Weights fitted to some sets of benchmarks did not hold on another one (-0.21 to 0.35), so none
    are.
    """
    numbers = wording.numbers
    conditions = sum(map(_CONDITIONS.__contains__, wording.words))
    doublings = (
        math.log2(max(1.0, len(prompt) / _SHORT))
        + math.log2(1 + numbers)
        + math.log2(1 + conditions)
    )
    level = _STARTS[kind] + _PER_DOUBLING * doublings
    reasons = [f"{numbers} numbers"] if numbers > 1 else []
    if conditions > 1:
        reasons.append(f"{conditions} conditions")
    if not _PROOFS.isdisjoint(wording.distinct):
        level += _FOR_A_PROOF
        reasons.append("a proof")
    return round(min(level, 1.0), 2), ", ".join(reasons)
