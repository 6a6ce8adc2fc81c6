"""What comes out of every device codec: readings, other messages, damage, and answers owed to the device.

Order is a promise: an `Answer` may be sent only when every reading before it is on disk. Damage is a value, never an
exception: no byte a device can send makes a codec raise.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from devices.contract.readings import Reading


class Message(NamedTuple):
    """Something a protocol says beyond readings; `header` and `fields` are JSON values."""

    protocol: str
    id: str
    header: Mapping[str, Any]
    fields: Mapping[str, Any]


class Damaged(NamedTuple):
    """Bytes that are no whole, intact frame: counted, kept for the technician, never believed."""

    reason: str
    data: bytes


class Answer(NamedTuple):
    """Bytes owed to the device, once everything before them is durable."""

    data: bytes


class Hangup(NamedTuple):
    """The device must be disconnected, after the answers before it; `reason` is for the log."""

    reason: str


Event = Reading | Message | Damaged | Answer | Hangup


class Decoder(Protocol):
    """Bytes of one device's wire, in any chunks, to events. Holds a bounded amount of what is not yet a frame."""

    def feed(self, data: bytes, received_at: datetime) -> list[Event]:
        """Take what came over the wire (any number of bytes) at that aware UTC time; give what is now complete."""
        ...

    def finish(self, received_at: datetime) -> list[Event]:
        """The wire has ended: what was held back comes out, as readings or as damage."""
        ...
