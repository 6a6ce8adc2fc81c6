"""A camera watched as the gateway does it, for tests: real decoder, real clock, readings kept with their times."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from devices.contract.readings import Reading
from edge_agent.clock import Moment
from edge_agent.collect_camera import collect_camera
from edge_agent.transports.camera_source import CameraSource


def now() -> Moment:
    return Moment(datetime.now(UTC), "gateway")


class Watched:
    """What was put, and when."""

    def __init__(self):
        self.readings = []
        self.urgent = []
        self._news = asyncio.Event()

    async def put(self, readings: Sequence[Reading], urgent: bool) -> None:
        self.readings += readings
        self.urgent += [urgent] * len(readings)
        self._news.set()

    @property
    def states(self):
        """The states in their order, without repetitions."""
        states = []
        for reading in self.readings:
            if not states or states[-1] != reading.state:
                states.append(reading.state)
        return states

    async def until(self, state, within_s):
        """Wait for the state; the seconds that it took."""
        return await self.until_any({state}, within_s)

    async def until_any(self, states, within_s):
        """Wait for one of the states; the seconds that it took."""
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        try:
            async with asyncio.timeout(within_s):
                while not self.readings or self.readings[-1].state not in states:
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"{states} was not reached within {within_s} s: {self.readings[-3:]}") from None
        return loop.time() - began_s


@asynccontextmanager
async def watching(url, **settings) -> AsyncIterator[Watched]:
    """Watch a camera for the length of the block."""
    watched = Watched()
    camera = CameraSource(device="cam-01", url=str(url), **settings)
    task = asyncio.create_task(collect_camera(camera, watched.put, now))
    try:
        yield watched
    finally:
        task.cancel()
        await asyncio.wait([task])
    if not task.cancelled():
        task.result()


def children(pid=None) -> list[int]:
    """The living child processes of a process, zombies not counted."""
    pid = pid or os.getpid()
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        found += [int(child) for child in (task / "children").read_text().split()]
    return [child for child in found if alive(child)]


def alive(pid) -> bool:
    state = of_process(pid, "stat").rpartition(b")")[2].split()
    return bool(state) and state[0] != b"Z"


def decoders(pid=None) -> list[int]:
    """The decoder processes of a process."""
    return [child for child in children(pid) if b"camera_decoder" in of_process(child, "cmdline")]


def of_process(pid, file) -> bytes:
    """What the kernel tells of a process; nothing of one that is gone."""
    try:
        return Path(f"/proc/{pid}/{file}").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


async def eventually(condition, within_s=5.0):
    """Wait until the condition holds."""
    loop = asyncio.get_running_loop()
    ends_s = loop.time() + within_s
    while not condition():
        assert loop.time() < ends_s, f"not within {within_s} s"
        await asyncio.sleep(0.02)
