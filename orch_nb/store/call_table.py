"""Calls as a table: what they cost, and rows for pandas and JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from decimal import Decimal
from typing import TYPE_CHECKING

from orch_nb.errors import OrchError
from orch_nb.store.account import Spend
from orch_nb.store.call_row import CallRow

if TYPE_CHECKING:
    import pandas  # type: ignore[import-untyped]

_MONEY = ("cost", "billed", "known", "estimated", "unknown_cost")


class CallTable:
    """Rows of calls, oldest first. It does not change when calls are added."""

    def __init__(self, rows: Sequence[CallRow]) -> None:
        self._rows = tuple(rows)

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[CallRow]:
        return iter(self._rows)

    @property
    def spent(self) -> Spend:
        """What all of them have cost."""
        return Spend(
            sum((row.known for row in self), Decimal(0)),
            sum((row.estimated for row in self), Decimal(0)),
            sum(row.unknown for row in self),
            sum((row.unknown_cost for row in self), Decimal(0)),
        )

    def to_records(self) -> list[dict[str, object]]:
        """One dictionary a call, by the names of `CallRow`. Money is Decimal dollars."""
        return [asdict(row) for row in self]

    def to_json(self) -> str:
        """`to_records` as a JSON array. Dollars are strings, so that they stay exact."""
        return json.dumps(self.to_records(), default=_plain, ensure_ascii=False, indent=1)

    def to_pandas(self) -> pandas.DataFrame:
        """`to_records` as a DataFrame: dollars as floats, ``at`` as a UTC timestamp.

        Raises `OrchError` where pandas is not installed.
        """
        try:
            import pandas  # noqa: PLC0415 - optional, and slow to import
        except ImportError:
            raise OrchError("to_pandas needs pandas: pip install pandas") from None
        columns = list(CallRow.__slots__)
        frame = pandas.DataFrame.from_records(self.to_records(), columns=columns)
        frame["at"] = pandas.to_datetime(frame["at"], unit="s", utc=True)
        return frame.astype(dict.fromkeys(_MONEY, float))

    def __repr__(self) -> str:
        return f"CallTable({len(self)} calls)"


def _plain(dollars: Decimal) -> str:
    return f"{dollars.normalize():f}"
