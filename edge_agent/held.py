"""Readings that the gateway stamped before its clock was set, and how their time is put right afterwards.

A reading's bad time and the monotonic clock advance together, so what is wrong with it is one number: the offset of
the wall clock from the monotonic clock then, against that offset once the clock is set in the same kernel boot.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec

from devices.contract.message import encode_readings
from devices.contract.readings import WireReading


class Anchor(NamedTuple):
    """The wall clock (aware UTC) and the monotonic clock (seconds since the kernel started) read at one moment."""

    kernel_boot: str
    wall: datetime
    monotonic_s: float
    synchronised: bool

    @property
    def offset_s(self) -> float:
        """What the wall clock shows beyond the monotonic clock, in seconds."""
        return self.wall.timestamp() - self.monotonic_s


#: Asked for both clocks at once; `kernel_boot` is /proc/sys/kernel/random/boot_id.
ReadAnchor = Callable[[], Anchor]

_readings = msgspec.json.Decoder(list[WireReading])


def stamping_anchor(at: datetime, known: Iterable[Anchor], now: Anchor) -> Anchor:
    """The anchor by which `at` was stamped: of those seen lately, the one that makes the reading the freshest.

    The wall clock may have been set between the stamp and this call; then the newest anchor is the wrong one.
    """

    def age_s(anchor: Anchor) -> float:
        return abs(now.monotonic_s - (at.timestamp() - anchor.offset_s))

    return min(known, key=age_s)


def corrected(payload: bytes, shift_s: float) -> bytes:
    """The JSON list of readings with each unsynchronised `at` moved by `shift_s`, its clock now the gateway's.

    Raises msgspec.DecodeError where the payload is not such a list.
    """
    shift = timedelta(seconds=shift_s)
    return encode_readings(
        [
            msgspec.structs.replace(reading, at=reading.at + shift, clock="gateway")
            if reading.clock == "unsynchronised"
            else reading
            for reading in _readings.decode(payload)
        ]
    )
