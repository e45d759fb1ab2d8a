"""How often a growing answer is drawn: by a clock in hand, and in a real kernel."""

from __future__ import annotations

import pytest

from orch_nb.notebook.growing import GrowingAnswer
from shells.here import Shell
from shells.kernel import Kernel, Ran
from stub.client import Stub
from stub.spec import write

MOST = 12  # looks in one second


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize("rate", [5, 100, 1000, 10_000])
def test_at_most_twelve_looks_a_second_whatever_the_rate(rate: int, bare: Shell) -> None:
    clock, drawn = Clock(), list[float]()

    def lay_out(text: str) -> dict[str, str]:
        drawn.append(clock.now)
        return {"text/html": text, "text/plain": text}

    growing = GrowingAnswer(clock, lay_out)
    for number in range(5 * rate):
        clock.now = number / rate
        growing.add("x ")
    assert drawn[0] == 0.0  # the first piece is not kept back
    assert len(drawn) >= min(rate, 9) * 5
    starts = [at for at in drawn if at + 1 <= clock.now]
    assert all(sum(start <= at < start + 1 for at in drawn) <= MOST for start in starts)


def test_what_is_slow_to_draw_is_drawn_less_often(bare: Shell) -> None:
    clock, drawn = Clock(), list[float]()

    def lay_out(text: str) -> dict[str, str]:
        drawn.append(clock.now)
        clock.now += 0.5  # a very long answer
        return {"text/html": text, "text/plain": text}

    growing = GrowingAnswer(clock, lay_out)
    while clock.now < 10:
        clock.now += 0.01
        growing.add("x ")
    assert len(drawn) * 0.5 <= 0.3 * clock.now


def test_a_flood_of_tokens_in_a_kernel(kernel: Kernel, stub: Stub) -> None:
    stub.rule("alpha", write("ok", words=3000, delay=0.0005))
    lengths: list[int] = []

    def note(ran: Ran) -> None:
        kind, content = ran.messages[-1]
        if kind == "update_display_data" and content["data"]:
            lengths.append(len(content["data"]["text/plain"]))

    ran = kernel.run("%%orch --no-cache\nhi", during=note)
    assert ran.reply["status"] == "ok"
    assert lengths == sorted(lengths)
    assert 1 <= len(lengths) <= MOST * ran.seconds + 1
    # The whole answer is the result, and its place while it grew is empty.
    assert ran.of("update_display_data")[-1]["data"] == {}
    assert len(ran.result["data"]["text/plain"]) > lengths[-1]
