"""Equal requests under way at the same time share one call: one pays, all get the answer."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Generic, TypeVar

from orch_nb.errors import BudgetExceeded, ProviderError
from orch_nb.invoke.attempt import Progress, out_of_time, silent

T = TypeVar("T")

# Seconds between two timers for the same moment, at most. Chosen.
_MOMENT = 0.1


class Flight(Generic[T]):
    """One call under way, and those who wait for its answer.

    Parameters
    ----------
    model
        Who is asked.
    deadline
        That of the one who began it, in the loop's time: until then it may wait for its turn. The
        answer itself may take as long as somebody waits.
    """

    def __init__(self, model: str, deadline: float) -> None:
        self.progress, self.deadline = Progress(model, self._publish), deadline
        #: Called with the first text.
        self.began: Callable[[], None] | None = None
        #: Whether its model was asked, and it waits for nothing else any more.
        self.asking = False
        #: Whether it was cancelled because nobody had time left.
        self.late = False
        self.riders: list[Progress] = []
        self.landed = False
        self.task: asyncio.Task[T]

    def board(self, rider: Progress) -> None:
        """Let `rider` have what has arrived, and all that will."""
        self.riders.append(rider)
        if self.progress.size:
            rider.follow(self.progress, self.progress.parts)

    def leave(self, rider: Progress) -> None:
        """Let `rider` out; another one pays, if there is one."""
        if self.task.done():
            self.land()
        self.riders = [other for other in self.riders if other is not rider]
        if not self.landed:
            rider.unpaid = bool(self.riders)

    def land(self) -> None:
        """Let the first of those who still wait pay, once."""
        if self.landed:
            return
        self.landed = True
        for place, rider in enumerate(self.riders):
            rider.unpaid = place > 0
        if self.riders:
            self.riders[0].pay(self.progress)

    async def wait(self, rider: Progress, deadline: float, patience: float) -> None:
        """Wait for the end until `deadline`, unless no sign of life comes until `patience`.

        Who has shown nothing may ask another one: it looks again after half of the time left.
        """
        heard = 0.0
        while patience < deadline - _MOMENT and not rider.shown:
            await self._land_by(patience)
            if self.task.done() or self.progress.elapsed == heard:
                return
            heard, patience = self.progress.elapsed, (patience + deadline) / 2
        await self._land_by(deadline)

    async def _land_by(self, until: float) -> None:
        now = asyncio.get_running_loop().time()
        await asyncio.wait([self.task], timeout=until - now)

    def _publish(self, text: str) -> None:
        if self.began is not None:
            self.began()
            self.began = None
        for rider in self.riders:
            rider.follow(self.progress, [text])


Fly = Callable[[Flight[T]], Coroutine[Any, Any, T]]


class Flights(Generic[T]):
    """The calls under way, by what makes them equal. Used by the event loop's thread only."""

    def __init__(self) -> None:
        self._flights: dict[Hashable, Flight[T]] = {}

    async def ride(
        self,
        key: Hashable,
        rider: Progress,
        fly: Fly[T],
        deadline: float,
        patience: float = math.inf,
    ) -> tuple[T, bool]:
        """The answer of the call `key`, which `fly` makes if none is under way; who pays for it.

        The text goes to `rider`, what had arrived before as well. The second value is whether it
        is this one's to pay: of those who still wait, the first one pays. Whoever is cancelled
        leaves the others their call, and the last one ends it.

        Raises what `fly` raises, and `TimedOut` at `deadline`, in the loop's time, or from
        `patience` on if the server has fallen silent.
        """
        while True:
            flight = self._flights.get(key)
            mine = flight is None
            if flight is None:
                flight = self._begin(key, rider.model, fly, deadline)
            flight.board(rider)
            await self._wait(key, flight, rider, deadline, patience)
            try:
                return flight.task.result(), not rider.unpaid
            except BudgetExceeded:
                if mine or rider.shown:
                    raise
                key = object()  # it was another's budget
            except ProviderError:
                late = asyncio.get_running_loop().time() >= flight.deadline
                if mine or rider.shown or flight.asking or not late:
                    raise
                # It was another's deadline, which ended its wait for a turn.
            rider.restart()

    def _begin(self, key: Hashable, model: str, fly: Fly[T], deadline: float) -> Flight[T]:
        flight = self._flights[key] = Flight[T](model, deadline)
        flight.task = asyncio.create_task(fly(flight))

        def land(task: asyncio.Task[T]) -> None:
            self._forget(key, flight)
            flight.land()
            if not task.cancelled():
                task.exception()  # nobody may be left to hear of it

        flight.task.add_done_callback(land)
        return flight

    async def _wait(
        self, key: Hashable, flight: Flight[T], rider: Progress, deadline: float, patience: float
    ) -> None:
        loop = asyncio.get_running_loop()
        try:
            await flight.wait(rider, deadline, patience)
        except asyncio.CancelledError:
            await self._leave(key, flight, rider, late=False)
            raise
        if not (flight.asking or flight.task.done()):
            # It ends at the same deadline, and says what it has waited for.
            await asyncio.wait([flight.task], timeout=_MOMENT)
        if not flight.task.done():
            await self._leave(key, flight, rider, late=True)
            error = silent if loop.time() < deadline else out_of_time
            raise error(rider.model)

    async def _leave(
        self, key: Hashable, flight: Flight[T], rider: Progress, *, late: bool
    ) -> None:
        flight.leave(rider)
        if flight.riders or flight.landed:
            return
        self._forget(key, flight)
        flight.late = late
        flight.task.cancel()
        await asyncio.wait([flight.task])
        rider.pay(flight.progress)

    def _forget(self, key: Hashable, flight: Flight[T]) -> None:
        if self._flights.get(key) is flight:
            del self._flights[key]
