"""A spool for the agent's unit tests: it keeps what was put, and lands it when told."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

from devices.contract.readings import Reading
from edge_agent.clock import Moment

NOON = Moment(datetime(2026, 6, 1, 12, tzinfo=UTC), "gateway")


class HandSpool:
    """A spool whose commits are held until `land` is called, unless it is open."""

    def __init__(self, *, open_: bool = True) -> None:
        self.put_groups: list[tuple[list[Reading], bool]] = []
        self._door = asyncio.Event()
        if open_:
            self._door.set()
        self.failure: Exception | None = None

    async def put(self, readings: Sequence[Reading], urgent: bool) -> None:
        self.put_groups.append((list(readings), urgent))
        await self._door.wait()
        if self.failure:
            raise self.failure

    def land(self) -> None:
        self._door.set()

    @property
    def readings(self) -> list[Reading]:
        return [reading for group, _ in self.put_groups for reading in group]
