"""A recorded session played as a device, at the pace of its wire or faster.

Its time is the recording's own where its header has a date: what the decoder must guess (the century of a GNSS week,
the second of a kiosk's minute) comes out as it did on that day. The format is `edge_agent.tools.recording`'s.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

from edge_agent.clock import Moment, Now
from edge_agent.tools.recording import Opening, body
from edge_agent.transports.wire import Chunk, TransportLost

#: A slice is this much of the wire's time: short enough that a live view moves, long enough to cost nothing.
SLICE_S = 0.1
#: At full speed there is no time to slice by.
FAST_BYTES = 4096


async def play(file: Path, *, baud: int, speed: float, now: Now) -> AsyncIterator[Chunk]:
    """The recording's bytes, `baud` / 10 of them a second times `speed`; speed 0 is as fast as they are taken.

    Raises TransportLost where the file cannot be read.
    """
    size = max(1, int(baud / 10 * SLICE_S)) if speed else FAST_BYTES
    opening = Opening()
    pause_s = size * 10 / baud / speed if speed else 0.0
    played_s = 0.0
    slices = _slices(file, size, opening)
    while data := await asyncio.to_thread(next, slices, b""):
        began_at = opening.began_at()
        at = Moment(began_at + timedelta(seconds=played_s), "gateway") if began_at else now()
        yield Chunk(data, at)
        played_s += len(data) * 10 / baud
        await asyncio.sleep(pause_s)


def _slices(file: Path, size: int, opening: Opening) -> Iterator[bytes]:
    try:
        with file.open("rb") as recording:
            yield from body(iter(lambda: recording.read(size), b""), opening)
    except OSError as error:
        raise TransportLost(f"{file.name}: {error.strerror}") from error
