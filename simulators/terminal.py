"""A simulated JT/T 808 terminal: calls the gateway, keeps each position until answered, sends again after a cut."""

from __future__ import annotations

import asyncio
import random
from collections import deque

from devices.contract.readings import TruckPosition
from devices.truck.jt808.description import Edition
from devices.truck.jt808.terminal import Answered, Jt808Terminal
from simulators.clock import SimClock
from simulators.county import County, Device
from simulators.faults import Fault
from simulators.truck import position_of, seconds, speeds
from simulators.truth import Truth

EDITIONS: tuple[Edition, ...] = (2011, 2013, 2019)
#: Twenty positions fit any edition's 0704.
_BATCH = 20
_PATIENCE_S = 10.0


def phone_of(device: Device) -> str:
    """The terminal's number: plainly made up (all zeros but the truck's own number), twelve digits."""
    return f"{int(device.id.rpartition('-')[2]):012}"


class Terminal:
    """One truck's terminal on a TCP wire. A position is the terminal's until the gateway has answered it."""

    def __init__(self, device: Device, edition: Edition, address: tuple[str, int], hurt: Fault, seed: int = 0) -> None:
        digits = 20 if edition == 2019 else 12
        self.terminal = Jt808Terminal(phone_of(device).zfill(digits), edition)
        self.reconnects = 0
        self._address = address
        self._hurt = hurt
        self._rng = random.Random(f"{seed}:{device.id}:wire")
        self._kept: deque[TruckPosition] = deque()
        self._writer: asyncio.StreamWriter | None = None
        self._news = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def unanswered(self) -> int:
        """Positions (or batches of them) that the gateway has not answered yet."""
        return len(self._kept) + len(self.terminal.unanswered())

    def keep(self, position: TruckPosition) -> None:
        """The truck was here: report it now, or when the gateway is there again."""
        self._kept.append(position)
        self._idle.clear()
        self._news.set()

    async def settle(self) -> None:
        """Return when everything kept has been answered."""
        await self._idle.wait()

    def cut(self) -> None:
        """The connection breaks, as under a bridge."""
        if self._writer is not None and self._writer.transport is not None:
            self._writer.transport.abort()

    async def run(self) -> None:
        """Connect, register, authenticate, report, again and again until cancelled."""
        attempt = 0
        while True:
            try:
                await self._converse()
                attempt = 0
            except (OSError, TimeoutError, asyncio.IncompleteReadError):
                attempt = min(attempt + 1, 5)
            self.reconnects += 1
            await asyncio.sleep(self._rng.uniform(0.1, 0.3) * 2**attempt)

    async def _converse(self) -> None:
        async with asyncio.timeout(_PATIENCE_S):
            reader, writer = await asyncio.open_connection(*self._address)
        self._writer = writer
        terminal = self.terminal
        terminal.connected()
        try:
            async with asyncio.timeout(_PATIENCE_S):
                if not terminal.code:
                    await self._ask(reader, writer, terminal.register(), 0x0100)
                await self._ask(reader, writer, terminal.authenticate(), 0x0102)
            for frame in terminal.unanswered():
                await self._write(writer, frame)
            await self._report(reader, writer)
        finally:
            self._writer = None
            writer.transport.abort()

    async def _ask(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, frame: bytes, message: int
    ) -> None:
        """Send a frame that is never hurt, and wait for its answer; a refusal ends the connection."""
        writer.write(frame)
        await writer.drain()
        while True:
            for event in self.terminal.receive(await _some(reader)):
                if isinstance(event, Answered) and event.id == message:
                    if event.result != 0:
                        self.terminal.code = ""
                        raise ConnectionRefusedError(f"0x{message:04X} answered {event.result}")
                    return

    async def _report(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Send what is kept as it comes and take answers, until the wire breaks or an answer is overdue."""
        reading = asyncio.ensure_future(_some(reader))
        try:
            while True:
                await self._send_kept(writer)
                waiting = asyncio.ensure_future(self._news.wait())
                patience = _PATIENCE_S if self.terminal.unanswered() else 3600
                done, _ = await asyncio.wait((reading, waiting), timeout=patience, return_when=asyncio.FIRST_COMPLETED)
                waiting.cancel()
                if not done:
                    raise TimeoutError("the gateway owes an answer")
                if reading in done:
                    self.terminal.receive(reading.result())
                    reading = asyncio.ensure_future(_some(reader))
                    if not self.unanswered:
                        self._idle.set()
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    async def _send_kept(self, writer: asyncio.StreamWriter) -> None:
        self._news.clear()
        while self._kept:
            batch = [self._kept.popleft() for _ in range(min(_BATCH, len(self._kept)))]
            frame = self.terminal.report(batch[0]) if len(batch) == 1 else self.terminal.report_many(batch)
            await self._write(writer, frame)

    async def _write(self, writer: asyncio.StreamWriter, frame: bytes) -> None:
        for piece in self._hurt(frame):
            writer.write(piece)
            await writer.drain()


async def _some(reader: asyncio.StreamReader) -> bytes:
    data = await reader.read(65536)
    if not data:
        raise ConnectionResetError("the gateway hung up")
    return data


async def run_terminal_truck(
    device: Device,
    county: County,
    terminal: Terminal,
    truth: Truth,
    clock: SimClock,
    stop: asyncio.Event,
    every_s: float = 5.0,
) -> None:
    """A truck that reports every `every_s` simulated seconds until `stop`, and returns when all has been answered."""
    for at, moving in zip(seconds(clock.now()), speeds(device, county, truth), strict=False):
        await clock.until(at, stop)
        if stop.is_set():
            break
        if at.timestamp() % every_s == int(device.id.rpartition("-")[2]) % every_s:
            keep(terminal, truth, position_of(device.id, at, moving, loaded=moving.loaded))
    await terminal.settle()


def keep(terminal: Terminal, truth: Truth, position: TruckPosition) -> None:
    """The truck's terminal has this position: from now on the county must have it in the end."""
    truth.say("truck_position", position.device, position.at, latitude=position.latitude, longitude=position.longitude)
    terminal.keep(position)
