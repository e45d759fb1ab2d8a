"""Evaluations of two models, one small and one large."""

from __future__ import annotations

import time
from collections.abc import Callable
from random import Random
from typing import Any

from orch_nb import Session
from orch_nb.workflows.evaluate import evaluate
from orch_nb.workflows.evaluation import Evaluation

Says = Callable[[str, str], None]
SUMS = [(f"What is {n} plus 0? Answer with the number.", 42) for n in range(12)]
BOTH = ["a:small", "a:large"]


def run(session: Session, *arguments: Any, **options: Any) -> Evaluation:
    return evaluate(session, *arguments, clock=time.time, random=Random(7), **options)
