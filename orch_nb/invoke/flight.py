"""Equal requests under way at the same time share one call: one pays, all get the answer."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Coroutine, Hashable
from typing import Any, Generic, TypeVar

from orch_nb.errors import BudgetExceeded, ProviderError, TimedOut
from orch_nb.invoke.attempt import Answer, Progress, out_of_time, silent
from orch_nb.invoke.breaker import Permit

T = TypeVar("T")

# Seconds between two timers for the same moment, at most. Chosen.
_MOMENT = 0.1
# Seconds that a server has at least to show that it is there, before a deadline that it did not
# keep counts against it. Chosen.
_FAIR = 1.0


class Flight(Generic[T]):
    """One call under way, and those who wait for its answer.

    Parameters
    ----------
    progress
        What has arrived of the answer.
    until
        Until when the answer itself may take, in the loop's time: without an end, where those who
        wait see to that.
    """

    def __init__(self, progress: Progress, until: float = math.inf) -> None:
        self.progress, self.until = progress, until
        #: Whether its model was asked, and it waits for nothing else any more.
        self.asking = False
        #: Whether it was cancelled because nobody had time left.
        self.late = False


class _Shared(Flight[T]):
    """One that others may join.

    ``deadline`` is that of the one who began it, in the loop's time: until then it may wait for its
    turn. The answer itself may take as long as somebody waits.
    """

    def __init__(self, model: str, deadline: float) -> None:
        super().__init__(Progress(model, self._publish))
        self.deadline = deadline
        self.riders: list[Progress] = []
        self.landed = False
        self.task: asyncio.Task[None]
        self._answer: T
        self._error: BaseException | None = None
        self._waiting: list[asyncio.Future[None]] = []

    async def fly(self, fly: Fly[T]) -> None:
        """Make the call, and wake those who wait for it."""
        try:
            self._answer = await fly(self)
        except BaseException as error:  # noqa: BLE001 - those who wait raise it
            self._error = error

    def answer(self) -> T:
        """The answer. Raises what came instead."""
        if self._error is not None:
            raise self._error
        return self._answer

    def board(self, rider: Progress) -> None:
        """Let `rider` have what has arrived, and all that will."""
        self.riders.append(rider)
        if self.progress.size:
            rider.follow(self.progress, self.progress.parts)

    def leave(self, rider: Progress) -> None:
        """Let `rider` out; another one pays, if there is one."""
        self.riders = [other for other in self.riders if other is not rider]
        if not self.landed:
            rider.unpaid = bool(self.riders)

    def land(self) -> None:
        """Let the first of those who still wait pay, and wake them all."""
        self.landed = True
        self.progress.show = self.progress.began = None  # they lead back to here
        for place, rider in enumerate(self.riders):
            rider.unpaid = place > 0
        if self.riders:
            self.riders[0].pay(self.progress)
        for waiting in self._waiting:
            _wake(waiting)

    async def wait(self, rider: Progress, deadline: float, patience: float) -> None:
        """Wait for the end until `deadline`, unless no sign of life comes until `patience`.

        Who has shown nothing may ask another one: it looks again after half of the time left.
        """
        heard = 0.0
        while patience < deadline - _MOMENT and not rider.shown:
            await self.land_by(patience)
            if self.landed or self.progress.elapsed == heard:
                return
            heard, patience = self.progress.elapsed, (patience + deadline) / 2
        await self.land_by(deadline)

    async def land_by(self, until: float) -> None:
        """Wait for the end until then, in the loop's time."""
        if self.landed:
            return
        loop = asyncio.get_running_loop()
        waiting: asyncio.Future[None] = loop.create_future()
        self._waiting.append(waiting)
        timer = loop.call_at(until, _wake, waiting)
        try:
            await waiting
        finally:
            timer.cancel()
            self._waiting.remove(waiting)

    def _publish(self, text: str) -> None:
        for rider in self.riders:
            rider.follow(self.progress, [text])


def _wake(waiting: asyncio.Future[None]) -> None:
    if not waiting.done():
        waiting.set_result(None)


Fly = Callable[[Flight[T]], Coroutine[Any, Any, T]]


class Flights(Generic[T]):
    """The calls under way, by what makes them equal. Used by the event loop's thread only."""

    def __init__(self) -> None:
        self._flights: dict[Hashable, _Shared[T]] = {}

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
                return flight.answer(), not rider.unpaid
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

    def _begin(self, key: Hashable, model: str, fly: Fly[T], deadline: float) -> _Shared[T]:
        flight: _Shared[T] = _Shared(model, deadline)
        self._flights[key] = flight

        async def run() -> None:
            await flight.fly(fly)
            self._forget(key, flight)
            flight.land()

        flight.task = asyncio.create_task(run())
        return flight

    async def _wait(
        self, key: Hashable, flight: _Shared[T], rider: Progress, deadline: float, patience: float
    ) -> None:
        loop = asyncio.get_running_loop()
        try:
            await flight.wait(rider, deadline, patience)
            if not (flight.asking or flight.landed):
                # It ends at the same deadline, and says what it has waited for.
                await flight.land_by(loop.time() + _MOMENT)
        except asyncio.CancelledError:
            await self._leave(key, flight, rider, late=False)
            raise
        if not flight.landed:
            await self._leave(key, flight, rider, late=True)
            error = silent if loop.time() < deadline else out_of_time
            raise error(rider.model)

    async def _leave(
        self, key: Hashable, flight: _Shared[T], rider: Progress, *, late: bool
    ) -> None:
        flight.leave(rider)
        if flight.riders or flight.landed:
            return
        self._forget(key, flight)
        flight.late = late
        flight.task.cancel()
        await asyncio.wait([flight.task])
        rider.pay(flight.progress)

    def _forget(self, key: Hashable, flight: _Shared[T]) -> None:
        if self._flights.get(key) is flight:
            del self._flights[key]


async def judged(asked: Awaitable[Answer], permit: Permit, flight: Flight[T]) -> Answer:
    """The answer of the attempt, after `permit` was told how it went: an interrupt says nothing."""
    loop, progress = asyncio.get_running_loop(), flight.progress
    fair = loop.time() + _FAIR

    def too_soon() -> bool:
        """Whether the deadline came before the server could show that it is there, or it did."""
        return progress.elapsed > 0 or loop.time() < fair

    try:
        answer = await asked
    except ProviderError as error:
        at_deadline = isinstance(error, TimedOut) and loop.time() >= flight.until
        if not (at_deadline and too_soon()):
            permit.failed(error)
        raise
    except asyncio.CancelledError:
        if flight.late and not too_soon():
            permit.failed(out_of_time(progress.model))
        raise
    permit.succeeded()
    return answer
