"""The gateway's clock, and whether it can be believed: the one place of the agent that asks what time it is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import NamedTuple

from devices.contract.readings import Clock, Reading


class Moment(NamedTuple):
    """A wall-clock time (aware UTC) and where it comes from: "gateway" when synchronised, else "unsynchronised"."""

    at: datetime
    clock: Clock


#: Asked by whoever must stamp a fact with the gateway's own time.
Now = Callable[[], Moment]

#: Takes readings (and whether they are urgent) and returns when they are on disk: the spool's front door.
Put = Callable[[Sequence[Reading], bool], Awaitable[None]]
