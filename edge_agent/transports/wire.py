"""What every wire has in common: bytes with their time of arrival, and one way to be lost."""

from __future__ import annotations

from typing import NamedTuple

from edge_agent.clock import Moment


class TransportLost(Exception):
    """The wire to a device is gone or cannot be opened: open it again later. The text says why, for the technician."""


class Chunk(NamedTuple):
    """Bytes as they came, and when they came: a device waits for nobody, so they are stamped before they queue."""

    data: bytes
    at: Moment
