"""The simulated clock: runs `factor` times as fast as the wall, from a start that keeps it out of the future."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta


class SimClock:
    """Simulated time. With a factor above 1 it starts in the past, so that after `lasts_s` wall seconds it is now."""

    def __init__(self, factor: float = 1.0, lasts_s: float = 0.0) -> None:
        if factor <= 0:
            raise ValueError("a clock's factor is above 0")
        self.factor = factor
        self._began = time.monotonic()
        self._start = datetime.now(UTC) - timedelta(seconds=max(0.0, factor - 1) * lasts_s)

    def now(self) -> datetime:
        """The simulated time (aware UTC)."""
        return self._start + timedelta(seconds=(time.monotonic() - self._began) * self.factor)

    async def until(self, at: datetime, stop: asyncio.Event) -> None:
        """Return when the simulated time has come, or at once when `stop` is set."""
        wait = (at - self.now()).total_seconds() / self.factor
        if wait > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await stop.wait()
