"""Devices that call in over TCP: a bounded number of connections, each with its own session.

The port is open to whoever finds it, so everything is bounded: connections in all and by address, the time until a
caller has said who it is, the silence it may keep, the answers it may leave unread, what it may send before the disk
has taken the rest. What is refused is counted. No task is spent on a connection: a county's trucks are thousands of
connections that mostly say nothing.
"""

from __future__ import annotations

import asyncio
import logging
import resource
import socket
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from struct import pack
from typing import NamedTuple, Protocol

from devices.events import Decoder
from edge_agent.clock import Now
from edge_agent.collect import Conversation
from edge_agent.transports.wire import TransportLost

log = logging.getLogger(__name__)

#: Answers are 20 bytes; who leaves this many unread is not a terminal.
UNREAD_ANSWER_BYTES = 16 * 1024
#: Who has not said who it is by then never will.
INTRODUCE_WITHIN_S = 30.0
STOPS_READING_FOR_S = 30.0
CLOSES_WITHIN_S = 5.0
SWEEP_EVERY_S = 1.0
#: Descriptors the agent needs beside its connections: spool, broker, serial ports, cameras' pipes.
OTHER_DESCRIPTORS = 128


class Session(Decoder, Protocol):
    """A codec that knows whom it speaks with once the device has proved it."""

    @property
    def device(self) -> str | None:
        """The device's id, None until it is known."""
        ...


class Bounds(NamedTuple):
    """What callers may do; `per_address` 0 is no bound (a mobile network may put a whole fleet behind one address)."""

    connections: int = 5000
    per_address: int = 0
    idle_s: float = 300.0
    introduce_within_s: float = INTRODUCE_WITHIN_S


class Counts(NamedTuple):
    """What a listener has seen since it started; `dropped` are connections that were ended for breaking a bound."""

    connected: int
    identified: int
    accepted: int
    refused: int
    dropped: int


class TcpListener:
    """Accepts devices and holds their conversations until it is closed."""

    def __init__(
        self,
        name: str,
        session: Callable[[], Session],
        *,
        bounds: Bounds,
        now: Now,
        converse: Callable[..., Conversation],
        link: Callable[[str, bool, str], None],
    ) -> None:
        """`converse` makes conversations (as Intake does); `link` hears which device comes, or goes and why."""
        self.name = name
        self.session = session
        self.bounds = bounds
        self.now = now
        self.converse = converse
        self._link = link
        self._open: set[_Connection] = set()
        self._empty = asyncio.Event()
        self._empty.set()
        self._addresses: Counter[str] = Counter()
        self._current: dict[str, _Connection] = {}
        self._accepted = 0
        self._refused = 0
        self._dropped = 0

    @property
    def counts(self) -> Counts:
        """Connections now and since the start."""
        return Counts(len(self._open), len(self._current), self._accepted, self._refused, self._dropped)

    @asynccontextmanager
    async def listening(self, host: str, port: int) -> AsyncIterator[int]:
        """Listen, and give the port (which the system chooses for 0). Raises TransportLost where it is taken.

        On leaving, nobody is let in any more and every connection ends.
        """
        _allow_descriptors(self.bounds.connections + OTHER_DESCRIPTORS)
        loop = asyncio.get_running_loop()
        try:
            server = await loop.create_server(lambda: _Connection(self), host, port, backlog=1024)
        except OSError as error:
            raise TransportLost(f"cannot listen on {host}:{port}: {error.strerror}") from error
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            server.close()
            for connection in list(self._open):
                connection.end("the gateway is stopping")
            with suppress(TimeoutError):
                async with asyncio.timeout(CLOSES_WITHIN_S):
                    await self._empty.wait()
            for connection in list(self._open):
                connection.end("the device does not take its last answers")

    async def sweep(self) -> None:
        """End connections that are silent, nameless or deaf for too long; runs until it is cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(SWEEP_EVERY_S)
            now_s = loop.time()
            for connection in list(self._open):
                reason = connection.overdue(now_s)
                if reason:
                    self._dropped += 1
                    connection.end(reason)

    def admits(self, connection: _Connection) -> bool:
        """Whether there is room for one more; if so it is counted in."""
        crowded = self.bounds.per_address and self._addresses[connection.address] >= self.bounds.per_address
        if crowded or len(self._open) >= self.bounds.connections:
            self._refused += 1
            if self._refused & (self._refused - 1) == 0:  # 1, 2, 4, 8 ...: a flood must not flood the log
                log.warning("%s: connection refused, %d so far: %d are open", self.name, self._refused, len(self._open))
            return False
        self._accepted += 1
        self._open.add(connection)
        self._empty.clear()
        self._addresses[connection.address] += 1
        return True

    def identified(self, connection: _Connection, device: str) -> None:
        """A device has proved who it is. Its older connection, if any, is a dead one that nobody told us of."""
        older = self._current.get(device)
        self._current[device] = connection
        if older is None:
            self._link(device, True, "")
        else:
            older.end("the device has called again")

    def gone(self, connection: _Connection, reason: str) -> None:
        """A connection has ended."""
        self._open.discard(connection)
        if not self._open:
            self._empty.set()
        self._addresses[connection.address] -= 1
        if self._addresses[connection.address] <= 0:
            del self._addresses[connection.address]
        device = connection.device
        if device is not None and self._current.get(device) is connection:
            del self._current[device]
            self._link(device, False, reason)


class _Connection(asyncio.Protocol):
    """One caller: bytes in go to its conversation, answers out; the listener's bounds are checked against it."""

    __slots__ = (
        "_closing_since_s",
        "_conversation",
        "_deaf_since_s",
        "_heard_s",
        "_listener",
        "_opened_s",
        "_reason",
        "_session",
        "_transport",
        "address",
        "device",
    )

    def __init__(self, listener: TcpListener) -> None:
        self._listener = listener
        self._transport: asyncio.Transport | None = None
        self._conversation: Conversation | None = None
        self._session = listener.session()
        self._reason = "the device hung up"
        self._opened_s = self._heard_s = asyncio.get_running_loop().time()
        self._deaf_since_s: float | None = None
        self._closing_since_s: float | None = None
        self.address = ""
        self.device: str | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Let the caller in, or not."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - what create_server promises
        self._transport = transport
        self.address = str((transport.get_extra_info("peername") or ("",))[0])
        if not self._listener.admits(self):
            # A reset in place of a goodbye: a flood of callers leaves no TIME_WAIT behind.
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, pack("ii", 1, 0))
            transport.abort()
            return
        transport.set_write_buffer_limits(high=UNREAD_ANSWER_BYTES)
        self._conversation = self._listener.converse(
            lambda: self.device or self._listener.name,
            self._session,
            send=self._send,
            hang_up=self.end,
            on_room=self._listen_again,
        )

    def data_received(self, data: bytes) -> None:
        """Hand the bytes on; leave the rest in the network while too much of this device waits for the disk."""
        if self._conversation is None or self._transport is None:
            return
        self._heard_s = asyncio.get_running_loop().time()
        self._conversation.receive(data, self._listener.now())
        if self.device is None and self._session.device is not None:
            self.device = self._session.device
            self._listener.identified(self, self.device)
        if not self._conversation.room:
            self._transport.pause_reading()

    def pause_writing(self) -> None:
        """The device does not read its answers: it is not heard either, until it does."""
        self._deaf_since_s = asyncio.get_running_loop().time()
        if self._transport is not None:
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        """It reads again."""
        self._deaf_since_s = None
        self._listen_again()

    def connection_lost(self, exc: Exception | None) -> None:
        """Put what the decoder held back, and say that the device is gone."""
        if self._conversation is None:
            return
        self._conversation.finish(self._listener.now())
        self._conversation = None
        self._listener.gone(self, exc.__class__.__name__ if exc else self._reason)

    def overdue(self, now_s: float) -> str | None:
        """Why this connection must end, if it must."""
        if self._closing_since_s is not None:
            return (
                "the device does not take its last answers" if now_s - self._closing_since_s > CLOSES_WITHIN_S else None
            )
        if self._deaf_since_s is not None and now_s - self._deaf_since_s > STOPS_READING_FOR_S:
            return "the device does not read its answers"
        if self.device is None and now_s - self._opened_s > self._listener.bounds.introduce_within_s:
            return "the caller did not say who it is"
        if now_s - self._heard_s > self._listener.bounds.idle_s:
            return f"silent for {self._listener.bounds.idle_s:g} s"
        return None

    def end(self, reason: str) -> None:
        """Close, for a reason. Answers already written still leave, but nobody waits for them twice, or for long."""
        if self._transport is None:
            return
        if self._closing_since_s is not None or self._deaf_since_s is not None:
            self._transport.abort()
            return
        self._reason = reason
        self._closing_since_s = asyncio.get_running_loop().time()
        self._transport.close()

    def _send(self, data: bytes) -> None:
        # Readings may reach the disk after their device has gone; it will send them again to be answered.
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def _listen_again(self) -> None:
        transport, conversation = self._transport, self._conversation
        if transport is None or conversation is None or transport.is_closing():
            return
        if conversation.room and self._deaf_since_s is None:
            transport.resume_reading()


def _allow_descriptors(wanted: int) -> None:
    """Raise the soft limit of open files (1,024 by default) as far as the hard limit lets us."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    if allowed < wanted:
        log.warning("open files are limited to %d: fewer than the %d that max_connections needs", allowed, wanted)
