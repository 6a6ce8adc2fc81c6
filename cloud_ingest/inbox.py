"""What the broker has delivered and nobody has acknowledged yet: a queue with a bound on messages and bytes.

The bound is ours because a broker's may not hold (Mosquitto 2.0.11 sends past the receive maximum). A message counts
from its arrival until the pipeline is done with it, not only while it waits.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol


class Delivery(NamedTuple):
    """One message as it came. `mid` means something only on its connection, which `connection` numbers."""

    topic: str
    payload: bytes
    content_type: str = ""
    boot: str = ""
    seq: str = ""
    mid: int = 0
    connection: int = 0
    #: The quarantine's number of it, where it comes from there a second time; nobody waits for its acknowledgement.
    quarantined: int | None = None


class Broker(Protocol):
    """What the pipeline says back."""

    @property
    def connected(self) -> bool:
        """Whether it is worth publishing now."""
        ...

    def acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        """Tell the broker, in this order, that it need not keep them; those of a lost connection are passed over."""
        ...

    def publish(self, topic: str, payload: bytes) -> None:
        """Send with QoS 1."""
        ...


class Inbox:
    """Messages in order of arrival, waiting for the pipeline or in its hands."""

    def __init__(self, most_messages: int, most_bytes: int) -> None:
        self._most_messages = most_messages
        self._most_bytes = most_bytes
        self._waiting: deque[Delivery] = deque()
        self._arrived = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._closed = False
        #: Called when there is room again after the inbox was full.
        self.on_room: Callable[[], None] = lambda: None
        #: Messages and payload bytes from arrival until `done`.
        self.in_flight = 0
        self.in_flight_bytes = 0

    @property
    def full(self) -> bool:
        """Whether no more should be read from the broker."""
        return self.in_flight >= self._most_messages or self.in_flight_bytes >= self._most_bytes

    def put(self, delivery: Delivery) -> None:
        """Take a message from the broker. It is taken even when full: it has already been read."""
        self._waiting.append(delivery)
        self.in_flight += 1
        self.in_flight_bytes += len(delivery.payload)
        self._arrived.set()
        if self.full:
            self._room.clear()

    def next(self) -> Delivery | None:
        """The oldest waiting message, if there is one."""
        if self._waiting:
            return self._waiting.popleft()
        if not self._closed:
            self._arrived.clear()
        return None

    async def arrival(self) -> bool:
        """Wait until a message is there (True) or the inbox is closed and empty (False)."""
        await self._arrived.wait()
        return bool(self._waiting) or not self._closed

    def done(self, deliveries: Sequence[Delivery]) -> None:
        """The pipeline has finished with these."""
        self.in_flight -= len(deliveries)
        self.in_flight_bytes -= sum(len(delivery.payload) for delivery in deliveries)
        # A little hysteresis, so that reading is not switched on and off for every message.
        roomy = self.in_flight <= self._most_messages * 3 // 4 and self.in_flight_bytes <= self._most_bytes * 3 // 4
        if roomy and not self._room.is_set():
            self._room.set()
            self.on_room()

    def forget(self) -> None:
        """The connection is lost: what waits will be delivered again, or sent again by its gateway."""
        self.done([delivery for delivery in self._waiting if delivery.quarantined is None])
        self._waiting = deque(delivery for delivery in self._waiting if delivery.quarantined is not None)

    async def room(self) -> None:
        """Wait until it is worth reading from the broker again."""
        await self._room.wait()

    def close(self) -> None:
        """No more will be put: `arrival` says so once the rest is taken."""
        self._closed = True
        self._arrived.set()
