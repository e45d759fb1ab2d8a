"""What the answer of a weak model says about itself."""

from __future__ import annotations

import numpy as np

from orch_nb.routing.escalation import fit_escalation, signs


def worked(n: int, *, wrong: bool) -> str:
    return f"There are {n} * 3 = {3 * n + wrong} apples.\n#### {3 * n + wrong}"


def test_wrong_sums_are_found_to_matter() -> None:
    prompts = [f"Three boxes hold {n} apples each. How many?" for n in range(2, 122)]
    wrong = [n % 3 == 0 for n in range(2, 122)]
    answers = [worked(n, wrong=bad) for n, bad in zip(range(2, 122), wrong, strict=True)]
    fitted = fit_escalation(prompts, answers, np.array(wrong, float))
    prompt = "Three boxes hold 200 apples each. How many?"
    bad = fitted.escalation(prompt, worked(200, wrong=True))
    assert bad > fitted.escalation(prompt, worked(200, wrong=False)) + 0.3


def test_signs_of_any_text_are_finite() -> None:
    for answer in ("", "\ud800", "1+" * 50_000 + "= 3", "None", "#### " + "9" * 70):
        row = signs(answer, answer)
        assert row.shape == (22,)
        assert np.isfinite(row).all()


def test_a_missing_answer_and_repeated_lines_are_seen() -> None:
    plain = signs("How many of the 7?", "All of them.\n#### 7")
    odd = signs("How many of the 7?", "Let me think about all that there may be here.\n" * 20)
    assert (plain != odd).sum() > 8
