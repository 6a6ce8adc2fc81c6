"""The protocols that a gateway speaks, by name: what a configuration or `edge-agent decode` may ask for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Literal, NamedTuple

from devices.events import Decoder
from devices.kiosk.hbp9030 import Hbp9030Decoder
from devices.truck.jt808 import Jt808Decoder
from devices.truck.nmea import NmeaDecoder


class Protocol(NamedTuple):
    """One protocol: the kind of device that speaks it, what it is in one line, and how to make its decoder.

    `decoder` takes the device's id (in readings) and the offset of the device's own clock from UTC.
    """

    kind: Literal["truck", "kiosk", "camera"]
    about: str
    decoder: Callable[[str, timedelta], Decoder]


def _nmea(device: str, _utc_offset: timedelta) -> Decoder:
    return NmeaDecoder(device)  # receivers say UTC


def _jt808(device: str, _utc_offset: timedelta) -> Decoder:
    return Jt808Decoder(device)  # the standard says GMT+8, wherever the terminal is


PROTOCOLS: dict[str, Protocol] = {
    "nmea": Protocol("truck", "NMEA 0183 sentences of a GNSS receiver", _nmea),
    "jt808": Protocol("truck", "JT/T 808-2011, 2013 and 2019 terminals", _jt808),
    "hbp9030": Protocol("kiosk", "OMRON HBP-9030 blood-pressure monitor, output format 5", Hbp9030Decoder),
}
