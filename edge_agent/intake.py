"""What every device's loop is given: the clock, the way to the disk, and where damage, coming and going are noted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from typing import Any, Self

from devices.contract.readings import Reading
from devices.events import Decoder
from edge_agent.clock import Now, Put
from edge_agent.collect import Conversation, device_link
from edge_agent.damage import Damage
from edge_agent.group_commit import SpoolClosed
from edge_agent.spool import SpoolFull


class Intake:
    """The devices' common ground. As a context it holds the puts on their way, and ends when the last has arrived."""

    def __init__(self, now: Now, put: Put, damage: Damage) -> None:
        self.now = now
        self.damage = damage
        #: Who is there, by device id: the last that was said of each.
        self.links: dict[str, bool] = {}
        self._put = put
        self._stack = AsyncExitStack()
        self._puts: asyncio.TaskGroup | None = None

    async def __aenter__(self) -> Self:
        self._puts = await self._stack.enter_async_context(asyncio.TaskGroup())
        return self

    async def __aexit__(self, *why: Any) -> bool | None:  # noqa: ANN401 - the protocol's shape
        return await self._stack.__aexit__(*why)

    def conversation(
        self,
        device: Callable[[], str],
        decoder: Decoder,
        *,
        send: Callable[[bytes], None],
        hang_up: Callable[[str], None],
        on_room: Callable[[], None] = lambda: None,
        shape_only: bool = False,
    ) -> Conversation:
        """A conversation whose readings go to the disk from here."""
        return Conversation(
            device,
            decoder,
            put=self._put,
            start=self._start,
            damage=self.damage,
            send=send,
            hang_up=hang_up,
            on_room=on_room,
            shape_only=shape_only,
        )

    def link(self, device: str, connected: bool, reason: str) -> None:
        """A device has come or gone: remember it and tell the county."""
        self.links[device] = connected
        self._start(
            self.put_if_room(
                device_link(device, self.now(), self.damage, connected=connected, reason=reason), urgent=False
            )
        )

    async def put_if_room(self, reading: Reading, *, urgent: bool) -> bool:
        """Put a reading that nobody waits for; False where the spool, full or closed, did not take it."""
        try:
            await self._put([reading], urgent)
        except (SpoolFull, SpoolClosed):
            return False
        return True

    def _start(self, work: Coroutine[Any, Any, bool]) -> asyncio.Task[bool]:
        if self._puts is None:
            raise RuntimeError("an intake takes readings only while it is entered")
        return self._puts.create_task(work, name="put")
