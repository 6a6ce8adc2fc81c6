"""The spool's front door: readings from all collectors are gathered for a moment and made durable in one commit.

One write to the card costs the same for one reading as for a hundred. `put` returns when its readings are on the card;
an alarm does not wait, and never shares a row (so never a fate) with routine.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import TypeVar

from devices.contract.message import MAX_MESSAGE_BYTES, encode_readings
from devices.contract.readings import Reading
from edge_agent.held import Anchor, ReadAnchor, stamping_anchor
from edge_agent.spool import Group, Spool, SpoolFull

log = logging.getLogger(__name__)

#: What the list of readings may take of a message; the rest is for its envelope.
_MAX_PAYLOAD_BYTES = MAX_MESSAGE_BYTES - 1024
#: A step of the wall clock, as against its slow correction.
_STEP_S = 0.5
#: How often the clock is looked at, receipts are applied and held readings released when nothing else happens.
_TICK_S = 1.0

_T = TypeVar("_T")


class SpoolClosed(Exception):
    """The agent is ending: these readings are not stored."""


class _Batch:
    """What one commit will hold: readings of each sort, and those who wait for it."""

    def __init__(self) -> None:
        self.readings: dict[tuple[bool, Anchor | None], list[Reading]] = {}
        self.count = 0
        self.urgent = False
        self.begun = asyncio.Event()
        self.ripe = asyncio.Event()
        self.done = asyncio.Event()
        self.failure: Exception | None = None


class GroupCommit:
    """Gathers readings until `after_s` seconds have passed, `readings` are there or one is urgent, then commits them.

    `run()` must be running. `anchor` reads both clocks (see edge_agent.held); `on_commit` is told when there are new
    rows, to wake the uplink. At most `waiting` readings wait in memory: beyond that `put` waits, and the wire with it.
    """

    def __init__(
        self,
        spool: Spool,
        *,
        anchor: ReadAnchor,
        after_s: float = 1.0,
        readings: int = 100,
        waiting: int = 5000,
        on_commit: Callable[[], None] = lambda: None,
    ) -> None:
        self._spool = spool
        self._anchor = anchor
        self._after_s = after_s
        self._readings = readings
        self._waiting = waiting
        self._on_commit = on_commit
        self._batch = _Batch()
        self._anchors: list[Anchor] = []
        self._earlier_held = True  # until the spool says that no earlier kernel boot left any
        self._holding = False
        self._closed = False
        #: How often the loop has turned: it does so every second or more, unless the card hangs (for the watchdog).
        self.turns = 0

    async def put(self, readings: Sequence[Reading], urgent: bool) -> None:
        """Return when these readings are on the card.

        Raises SpoolFull where there is no room even after dropping, SpoolClosed when the agent ends, SpoolBroken.
        Readings of a put that is cancelled may be stored nevertheless.
        """
        if not readings:
            return
        while self._batch.count and self._batch.count + len(readings) > self._waiting and not self._closed:
            await self._batch.done.wait()
        if self._closed:
            raise SpoolClosed
        batch = self._batch
        self._add(batch, readings, urgent)
        await batch.done.wait()
        if batch.failure is not None:
            raise batch.failure

    async def run(self) -> None:
        """Commit, until cancelled; what was put before is then committed last. Raises SpoolBroken."""
        try:
            while True:
                self.turns += 1
                if await self._ripe():
                    await self._commit()
                elif self._spool.owes:
                    await _to_its_end(self._spool.settle)
                await self._release()
        finally:
            self._closed = True
            await self._commit()

    def _add(self, batch: _Batch, readings: Sequence[Reading], urgent: bool) -> None:
        for reading in readings:
            held = self._stamped_by(reading) if reading.clock == "unsynchronised" else None
            batch.readings.setdefault((urgent, held), []).append(reading)
        batch.count += len(readings)
        batch.begun.set()
        if urgent or batch.count >= self._readings:
            batch.ripe.set()

    def _stamped_by(self, reading: Reading) -> Anchor | None:
        """The anchor to put the reading's time right by; None where it is not the gateway's clock that is wrong.

        A monitor whose own clock is off says so although the gateway knows the time: nothing to wait for.
        """
        now = self._look()
        anchor = stamping_anchor(reading.at, self._anchors, now)
        if anchor.synchronised:
            return None
        self._holding = True
        return anchor

    def _look(self) -> Anchor:
        """Both clocks now. The anchors before and after the last step of the wall clock are remembered."""
        now = self._anchor()
        if not self._anchors or abs(now.offset_s - self._anchors[-1].offset_s) > _STEP_S:
            self._anchors = [*self._anchors[-1:], now]
        return now

    async def _ripe(self) -> bool:
        """Wait until the batch is due; False where nothing came for a while."""
        batch = self._batch
        try:
            async with asyncio.timeout(_TICK_S):
                await batch.begun.wait()
        except TimeoutError:
            return False
        with suppress(TimeoutError):
            async with asyncio.timeout(self._after_s):
                await batch.ripe.wait()
        return True

    async def _commit(self) -> None:
        batch, self._batch = self._batch, _Batch()
        groups = list(self._groups(batch))
        try:
            if groups:
                await _to_its_end(lambda: self._spool.append(groups))
        except SpoolFull as full:
            batch.failure = full
            log.error("the spool takes no more readings: %s", full)  # noqa: TRY400 - who waits has the trace
        except BaseException as failure:
            batch.failure = failure if isinstance(failure, Exception) else SpoolClosed()
            self._closed = True
            raise
        finally:
            batch.done.set()
        self._on_commit()

    def _groups(self, batch: _Batch) -> Iterator[Group]:
        for (urgent, held), readings in batch.readings.items():
            for start in range(0, len(readings), self._readings):
                yield from _fitting(readings[start : start + self._readings], urgent, held)

    async def _release(self) -> None:
        """Let readings go that were held for the clock, a portion a turn."""
        now = self._look()
        if self._earlier_held or (self._holding and now.synchronised):
            if await _to_its_end(lambda: self._spool.release(now)):
                self._on_commit()
            else:
                self._earlier_held = False
                self._holding = self._holding and not now.synchronised


def _fitting(readings: Sequence[Reading], urgent: bool, held: Anchor | None) -> Iterator[Group]:
    """The readings as one group, or halved until each fits into a message."""
    payload = encode_readings(readings)
    if len(payload) <= _MAX_PAYLOAD_BYTES or len(readings) == 1:
        yield Group(payload, len(readings), urgent, held)
        return
    middle = len(readings) // 2
    yield from _fitting(readings[:middle], urgent, held)
    yield from _fitting(readings[middle:], urgent, held)


async def _to_its_end(work: Callable[[], _T]) -> _T:
    """Do blocking work in a thread. A cancellation is obeyed once the work has ended and its outcome is dealt with."""
    working = asyncio.get_running_loop().run_in_executor(None, work)
    try:
        return await asyncio.shield(working)
    except asyncio.CancelledError:
        await asyncio.wait([working])
        task = asyncio.current_task()
        if task is not None:
            task.cancel()  # arrives at the next await
        return working.result()
