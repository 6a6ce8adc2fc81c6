"""The gateway's clock, and whether it can be believed: the one place of the agent that asks what time it is."""

from __future__ import annotations

import ctypes
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, NamedTuple

from devices.contract.readings import Clock, Reading
from edge_agent.held import Anchor

log = logging.getLogger(__name__)


class Moment(NamedTuple):
    """A wall-clock time (aware UTC) and where it comes from: "gateway" when synchronised, else "unsynchronised"."""

    at: datetime
    clock: Clock


#: Asked by whoever must stamp a fact with the gateway's own time.
Now = Callable[[], Moment]

#: Takes readings (and whether they are urgent) and returns when they are on disk: the spool's front door.
Put = Callable[[Sequence[Reading], bool], Awaitable[None]]

#: Before this the clock is wrong whatever anybody says: the agent was not written yet.
RELEASED = datetime(2026, 1, 1, tzinfo=UTC)
#: How long an answer of the kernel is good for; it changes its mind by the hour, not by the reading.
KERNEL_ANSWER_S = 5.0

TIME_ERROR = 5  # adjtimex(2): the clock is not synchronised to a reliable server
STA_UNSYNC = 0x0040


class GatewayClock:
    """Says what time it is here and whether to believe it.

    `trust` "system" asks the kernel, which knows from chrony, ntpd or systemd-timesyncd whether somebody disciplines
    the clock; "always" believes it, for machines whose clock is kept from outside (containers). Neither believes a
    time before the agent's release: a gateway without a battery starts in the past.
    """

    def __init__(
        self,
        trust: Literal["system", "always"] = "system",
        *,
        wall: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic_s: Callable[[], float] = time.monotonic,
        disciplined: Callable[[], bool | None] | None = None,
    ) -> None:
        self._wall = wall
        self._monotonic_s = monotonic_s
        self._disciplined = disciplined or ((lambda: True) if trust == "always" else kernel_disciplined)
        self._kernel_boot = kernel_boot()
        self._answer = False
        self._refused = False
        self._asked_at_s = float("-inf")

    def now(self) -> Moment:
        """The time, and "gateway" or "unsynchronised"."""
        at = self._wall()
        return Moment(at, "gateway" if self._believed(at) else "unsynchronised")

    def synchronised(self) -> bool:
        """Whether `now` would be believed."""
        return self._believed(self._wall())

    def anchor(self) -> Anchor:
        """The wall clock and the monotonic clock read together: by this the spool puts unsynchronised times right."""
        at = self._wall()
        return Anchor(self._kernel_boot, at, self._monotonic_s(), self._believed(at))

    def _believed(self, at: datetime) -> bool:
        if at < RELEASED:
            return False
        now_s = self._monotonic_s()
        if now_s - self._asked_at_s >= KERNEL_ANSWER_S:
            self._answer = self._asked()
            self._asked_at_s = now_s
        return self._answer

    def _asked(self) -> bool:
        answer = self._disciplined()
        if answer is None and not self._refused:
            self._refused = True
            log.warning(
                'the kernel does not say whether the clock is synchronised: if it is, set [clock] trust = "always"'
            )
        return bool(answer)


class _Timex(ctypes.Structure):
    """The head of `struct timex` (adjtimex(2)) up to `status`, with room for the rest, which we do not read."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 256),
    )


def kernel_boot() -> str:
    """The name that the kernel gave to this start of the machine (random(4))."""
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def kernel_disciplined() -> bool | None:
    """Whether the kernel says that its clock is synchronised; None where it will not say (containers may forbid it)."""
    answer = _Timex(modes=0)  # modes 0 only reads, and needs no privilege
    state = ctypes.CDLL(None).adjtimex(ctypes.byref(answer))
    if state == -1:
        return None
    return state != TIME_ERROR and not answer.status & STA_UNSYNC
