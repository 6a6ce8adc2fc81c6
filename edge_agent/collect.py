"""One device's conversation with the gateway: its bytes become readings on disk, then it gets its answers.

The order is the promise. A reading is put before anything is said to the device about it, and an answer leaves only
when every reading before it is on disk; meanwhile the next bytes are already being read, so that an alarm never
waits for the routine readings before it to be committed.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, NamedTuple

import msgspec

from devices.contract.readings import BloodPressure, DeviceLink, Reading, TruckPosition
from devices.events import Answer, Damaged, Decoder, Event, Hangup
from edge_agent.clock import Moment, Put
from edge_agent.damage import Damage
from edge_agent.group_commit import SpoolClosed
from edge_agent.spool import SpoolFull

#: Starts a task that outlives the device's own loop: what is on its way to the disk arrives, whoever hangs up.
Start = Callable[[Coroutine[Any, Any, bool]], "asyncio.Task[bool]"]

#: JT/T 808-2013 table 24: bit 0 emergency (SOS), 29 collision, 30 rollover.
JT808_URGENT = 1 << 0 | 1 << 29 | 1 << 30
#: National Basic Public Health Service Specification, 3rd edition, hypertension: refer now.
URGENT_SYSTOLIC_MMHG = 180
URGENT_DIASTOLIC_MMHG = 110

#: Steps of one device that may be on their way to the disk before its bytes are left unread.
MAX_UNSETTLED = 16


def urgent(reading: Reading) -> bool:
    """Whether the county must hear of it at once."""
    match reading:
        case TruckPosition(jt808_alarm=int(alarm)):
            return bool(alarm & JT808_URGENT)
        case BloodPressure():
            return reading.systolic_mmhg >= URGENT_SYSTOLIC_MMHG or reading.diastolic_mmhg >= URGENT_DIASTOLIC_MMHG
        case _:
            return False


def stamped(reading: Reading, moment: Moment) -> Reading:
    """The reading, saying so where it bears the gateway's own time and the gateway does not know the time."""
    if reading.clock == "gateway" and moment.clock != "gateway":
        return msgspec.structs.replace(reading, clock=moment.clock)
    return reading


class _Step(NamedTuple):
    """Readings on their way to the disk, and what the device is told when they are there."""

    puts: list[asyncio.Task[bool]]
    then: list[Answer | Hangup]


class Conversation:
    """Takes a device's bytes as they come; everything else follows from them.

    `receive` never waits. `room` says whether the device may go on talking; `on_room` is called when it may again.
    """

    def __init__(
        self,
        device: Callable[[], str],
        decoder: Decoder,
        *,
        put: Put,
        start: Start,
        damage: Damage,
        send: Callable[[bytes], None],
        hang_up: Callable[[str], None],
        on_room: Callable[[], None] = lambda: None,
        shape_only: bool = False,
    ) -> None:
        self._device = device
        self._decoder = decoder
        self._put = put
        self._start = start
        self._damage = damage
        self._send = send
        self._hang_up = hang_up
        self._on_room = on_room
        self._shape_only = shape_only
        self._steps: deque[_Step] = deque()
        self.readings = 0

    @property
    def room(self) -> bool:
        """Whether more bytes may come: not too much is waiting for the disk."""
        return len(self._steps) < MAX_UNSETTLED

    def receive(self, data: bytes, moment: Moment) -> None:
        """Bytes came over the wire at that moment."""
        self._take(self._decoder.feed(data, moment.at), moment)

    def finish(self, moment: Moment) -> None:
        """The wire has ended: what was held back is put too. Nobody is left to be answered."""
        self._take(self._decoder.finish(moment.at), moment)

    def _take(self, events: list[Event], moment: Moment) -> None:
        """Put what was read, and queue what the device is told when it is on disk: one step for one chunk."""
        alarms: list[Reading] = []
        routine: list[Reading] = []
        then: list[Answer | Hangup] = []
        for event in events:
            match event:
                case Reading():
                    (alarms if urgent(event) else routine).append(stamped(event, moment))
                case Answer() | Hangup():
                    then.append(event)
                case Damaged():
                    self._damage.add(self._device(), event, moment.at, shape_only=self._shape_only)
        if alarms or routine or then:
            self.readings += len(alarms) + len(routine)
            self._steps.append(
                _Step([*self._puts(alarms, is_urgent=True), *self._puts(routine, is_urgent=False)], then)
            )
        self._release()

    def _puts(self, readings: Sequence[Reading], *, is_urgent: bool) -> list[asyncio.Task[bool]]:
        if not readings:
            return []
        put = self._start(self._commit(readings, is_urgent))
        put.add_done_callback(lambda _: self._landed())
        return [put]

    async def _commit(self, readings: Sequence[Reading], is_urgent: bool) -> bool:
        """Whether the readings are on disk. If not, their answers are never sent, and the device sends again."""
        try:
            await self._put(readings, is_urgent)
        except SpoolFull:
            self._hang_up("the spool takes no more readings")
            return False
        except SpoolClosed:
            return False
        return True

    def _landed(self) -> None:
        had_room = self.room
        self._release()
        if not had_room and self.room:
            self._on_room()

    def _release(self) -> None:
        """Send the answers of every step at the head that is on disk."""
        while self._steps and all(_on_disk(put) for put in self._steps[0].puts):
            for word in self._steps.popleft().then:
                if isinstance(word, Answer):
                    self._send(word.data)
                else:
                    self._hang_up(word.reason)


def _on_disk(put: asyncio.Task[bool]) -> bool:
    return put.done() and not put.cancelled() and put.exception() is None and put.result()


def device_link(device: str, moment: Moment, damage: Damage, *, connected: bool, reason: str) -> DeviceLink:
    """The fact that a device is there, or gone and why, with what it damaged since the agent started."""
    return DeviceLink(
        device=device,
        at=moment.at,
        clock=moment.clock,
        connected=connected,
        reason=reason[:200] or None,
        damaged=damage.count(device),
    )
