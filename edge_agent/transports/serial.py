"""A serial device: a port's path, or `socket://host:port` where a terminal server or a simulator stands in for it.

Bytes are taken from the port as soon as they come, whatever the spool is doing: a tty holds only 4 KiB, which a
115200 baud receiver fills in a third of a second. pyserial opens and sets the port; reading and writing go to its
descriptor. A `socket://` is connected here and not by pyserial, whose own throws away what comes first and last, blocks
0.3 s in close, and never notices a terminal server that lost its power.
"""

from __future__ import annotations

import asyncio
import os
import socket
import termios
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal, Protocol
from urllib.parse import urlsplit

import serial

from edge_agent.clock import Now
from edge_agent.transports.wire import Chunk, TransportLost

READ_BYTES = 4096
#: What waits for the spool; beyond it the port is left unread, and what the kernel then loses the codec reports.
MAX_WAITING_BYTES = 256 * 1024
OPEN_TIMEOUT_S = 10.0

ByteSize = Literal[5, 6, 7, 8]
Parity = Literal["N", "E", "O", "M", "S"]
StopBits = Literal[1, 2]


class Line(Protocol):
    """What was opened: a descriptor that does not block, and how to give it back."""

    def fileno(self) -> int:
        """The descriptor."""
        ...

    def close(self) -> None:
        """Give it back."""
        ...


class SerialWire:
    """An open port. Reads go through the event loop; `read` and `send` raise TransportLost when the device is gone."""

    def __init__(self, line: Line, now: Now) -> None:
        self._line = line
        self._fd = line.fileno()
        self._now = now
        self._waiting: deque[Chunk] = deque()
        self._waiting_bytes = 0
        self._lost: TransportLost | None = None
        self._news = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._watching = False
        self._watch()

    async def read(self) -> Chunk:
        """The next bytes, at least one. What came before the wire was lost is still given. Raises TransportLost."""
        while not self._waiting:
            if self._lost:
                raise self._lost
            self._news.clear()
            await self._news.wait()
        chunk = self._waiting.popleft()
        self._waiting_bytes -= len(chunk.data)
        if not self._watching and not self._lost and self._waiting_bytes < MAX_WAITING_BYTES // 2:
            self._watch()
        return chunk

    def send(self, data: bytes) -> None:
        """Write an answer. A device that does not take a few bytes at once is not listening: TransportLost."""
        try:
            taken = os.write(self._fd, data)
        except OSError as error:  # BlockingIOError too: nothing was taken
            self._lose(_plain(error))
            return
        if taken != len(data):
            self._lose("the device does not take its answers")

    def hang_up(self, reason: str) -> None:
        """End the conversation; the port will be opened anew."""
        self._lose(reason)

    def close(self) -> None:
        """Give the port back."""
        self._unwatch()
        self._line.close()

    def _watch(self) -> None:
        self._loop.add_reader(self._fd, self._readable)
        self._watching = True

    def _unwatch(self) -> None:
        if self._watching:
            self._loop.remove_reader(self._fd)
            self._watching = False

    def _readable(self) -> None:
        # Not pyserial's read: at the end of a socket it raises away the bytes that it has just taken.
        try:
            data = os.read(self._fd, READ_BYTES)
        except BlockingIOError:
            return
        except OSError as error:
            self._lose(_plain(error))
            return
        if not data:
            self._lose("the device is gone")
            return
        self._waiting.append(Chunk(data, self._now()))
        self._waiting_bytes += len(data)
        self._news.set()
        if self._waiting_bytes >= MAX_WAITING_BYTES:
            self._unwatch()

    def _lose(self, reason: str) -> None:
        self._unwatch()
        self._lost = self._lost or TransportLost(reason)
        self._news.set()


@asynccontextmanager
async def open_serial(
    port: str,
    *,
    baud: int,
    bytesize: ByteSize,
    parity: Parity,
    stopbits: StopBits,
    now: Now,
) -> AsyncIterator[SerialWire]:
    """Open the port for nobody else but us. Raises TransportLost where it is absent, taken or cannot do this."""

    def opened() -> Line:
        if port.startswith("socket://"):
            return _connected(port)
        return serial.Serial(
            port,
            baudrate=baud,
            bytesize=bytesize,
            parity=parity,
            stopbits=stopbits,
            timeout=0,
            write_timeout=0,
            exclusive=True,
        )

    try:
        line = await asyncio.to_thread(opened)
    except termios.error as error:
        settings = f"{baud} {bytesize}{parity}{stopbits}"
        raise TransportLost(f"does not support {settings}: {error.args[-1]}") from error
    except (OSError, ValueError) as error:  # serial.SerialException is an OSError
        raise TransportLost(_plain(error)) from error
    wire = SerialWire(line, now)
    try:
        yield wire
    finally:
        wire.close()


def _connected(url: str) -> socket.socket:
    """A connection that notices within a minute that the other end is without power or network."""
    address = urlsplit(url)
    line = socket.create_connection((address.hostname, address.port), timeout=OPEN_TIMEOUT_S)
    line.setblocking(False)
    for option, value in ((socket.TCP_KEEPIDLE, 30), (socket.TCP_KEEPINTVL, 10), (socket.TCP_KEEPCNT, 3)):
        line.setsockopt(socket.IPPROTO_TCP, option, value)
    line.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    return line


def _plain(error: Exception) -> str:
    """Pyserial nests the system's words twice; once is enough for a technician."""
    if isinstance(error, TimeoutError):
        return f"no answer within {OPEN_TIMEOUT_S:g} s"
    number = getattr(error, "errno", None)
    return os.strerror(number) if isinstance(number, int) else str(error)
