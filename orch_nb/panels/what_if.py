"""What the last prompts would be answered by under other settings, without asking anybody."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from orch_nb.errors import OrchError
from orch_nb.figures import count, dollars, seconds
from orch_nb.sanitize import one_line
from orch_nb.store.ledger import Ledger
from orch_nb.store.records import NEWEST
from orch_nb.types import Choice, Decision, Request

#: How many of the newest prompts are ranked anew. Chosen: a page.
MOST = 20
_WIDTH = 60  # characters of a prompt
Said = Decision | OrchError


@dataclass(frozen=True, slots=True)
class WhatIf:
    """One prompt: who would be asked ``before`` and ``now``; None where nobody may answer.

    ``why`` says what decides where it is not the strategy.
    """

    prompt: str
    before: Choice | None
    now: Choice | None
    why: str = ""

    @property
    def flipped(self) -> bool:
        """Whether somebody else would be asked."""
        return _name(self.before) != _name(self.now)


def last_requests(ledger: Ledger) -> list[Request]:
    """The newest `MOST` requests that differ, the newest first, of the last 500 calls."""
    found: list[Request] = []
    for record in reversed(ledger[-NEWEST:]):
        if record.request not in found:
            found.append(record.request)
        if len(found) == MOST:
            break
    return found


def compare(
    requests: Sequence[Request], before: Sequence[Said], now: Sequence[Said]
) -> list[WhatIf]:
    """What changes for each of `requests`, of which `before` and `now` have the decisions."""
    return [
        WhatIf(one_line(request.prompt, _WIDTH), _best(old), _best(new), _why(request, new))
        for request, old, new in zip(requests, before, now, strict=True)
    ]


def cells(changes: Sequence[WhatIf]) -> list[list[str]]:
    """The table of `changes` under its head; the flips say so in words, not by colour alone."""
    head = ["prompt", "before", "now", "", "expected cost", "expected time"]
    return [head, *(_cells(change) for change in changes)]


def saving(changes: Sequence[WhatIf]) -> str:
    """One sentence: how many would go elsewhere, and what that is expected to save."""
    flipped = [change for change in changes if change.flipped]
    if not changes:
        return "no prompts yet: the last ones will be ranked anew here"
    if not flipped:
        return f"no flips: {count(len(changes), 'prompt')} ranked anew"
    said = f"{len(flipped)} of {count(len(changes), 'prompt')} would go to another model"
    pairs = [(c.before.estimate, c.now.estimate) for c in flipped if c.before and c.now]
    money = [a.cost - b.cost for a, b in pairs if a.cost is not None and b.cost is not None]
    times = [
        a.seconds - b.seconds for a, b in pairs if a.seconds is not None and b.seconds is not None
    ]
    expected = []
    if money:
        spared = sum(money, Decimal(0))
        expected.append(f"{dollars(abs(spared))} {_direction(spared)}{_of(money, flipped)}")
    if times:
        gained = sum(times)
        expected.append(f"{seconds(abs(gained))} {_direction(gained)}{_of(times, flipped)}")
    return f"{said}; expected in all: {', '.join(expected)}" if expected else said


def _direction(spared: Decimal | float) -> str:
    return "less" if spared > 0 else "more"


def _of(known: Sequence[object], flipped: Sequence[object]) -> str:
    """Of how many a sum is, where it is not of all."""
    return "" if len(known) == len(flipped) else f" (known of {len(known)})"


def _cells(change: WhatIf) -> list[str]:
    expected = None if change.now is None else change.now.estimate
    return [
        change.prompt,
        _name(change.before),
        _name(change.now),
        "flips" if change.flipped else change.why,
        dollars(None if expected is None else expected.cost),
        seconds(None if expected is None else expected.seconds),
    ]


def _name(choice: Choice | None) -> str:
    return "nobody" if choice is None else choice.model


def _best(said: Said) -> Choice | None:
    return said.best if isinstance(said, Decision) else None


def _why(request: Request, said: Said) -> str:
    if isinstance(said, OrchError):
        return one_line(str(said), _WIDTH)
    if said.source != "strategy":
        return said.source
    return "its own strategy" if request.wants.strategy else ""
