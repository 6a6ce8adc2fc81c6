"""Keeps one device's loop running for as long as the agent runs: devices go away all day, and come back."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from edge_agent.backoff import backoff
from edge_agent.transports.wire import TransportLost

log = logging.getLogger(__name__)

#: The longest wait before a device is tried again: a technician who plugs it back in stands beside it.
RETRY_HIGH_S = 15.0
#: What ran this long was well: its next failure starts the waiting anew.
WELL_AFTER_S = 60.0

#: Called by a device's loop once its wire is open.
Up = Callable[[], None]
Pause = Callable[[int], Awaitable[None]]


class Link:
    """Whether a device is there, said once each way: to the log, and to `say(connected, reason)`."""

    def __init__(self, name: str, say: Callable[[bool, str], None]) -> None:
        self._name = name
        self._say = say
        self._connected: bool | None = None
        self._mistake = ""

    def up(self) -> None:
        """The device is there."""
        if self._connected is not True:
            log.info("%s: connected", self._name)
            self._connected = True
            self._say(True, "")

    def down(self, reason: str, mistake: Exception | None = None) -> None:
        """The device is gone; `mistake` is what we did wrong, if it was us."""
        if mistake is not None and reason != self._mistake:
            log.error("%s: %s", self._name, reason, exc_info=mistake)
            self._mistake = reason
        if self._connected is not False:
            log.warning("%s: not connected: %s", self._name, reason)
            self._connected = False
            self._say(False, reason)


async def pause(attempt: int) -> None:
    """Wait before the next try: longer each time, with jitter, so that many gateways do not knock at once."""
    await asyncio.sleep(backoff(attempt, low_s=0.5, high_s=RETRY_HIGH_S))


async def keep_running(
    run: Callable[[Up], Awaitable[None]],
    link: Link,
    *,
    pause: Pause = pause,
    monotonic_s: Callable[[], float],
) -> None:
    """Run a device's loop until it returns (a recording has ended), and again whenever it fails.

    A lost wire is what happens; any other exception is a mistake of ours, which is logged in full, and which must
    not take the other devices with it. This is the only place in the agent that catches everything.
    """
    attempt = 0
    while True:
        started_s = monotonic_s()
        try:
            await run(link.up)
        except TransportLost as lost:
            link.down(str(lost))
        except Exception as mistake:  # noqa: BLE001 - see above
            link.down(f"unexpected {type(mistake).__name__}", mistake)
        else:
            return
        attempt = 0 if monotonic_s() - started_s > WELL_AFTER_S else attempt + 1
        await pause(attempt)
