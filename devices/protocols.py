"""The protocols that a gateway speaks, by name: what a configuration or `edge-agent decode` may ask for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Literal, NamedTuple

from devices.events import Decoder


class Protocol(NamedTuple):
    """One protocol: the kind of device that speaks it, what it is in one line, and how to make its decoder.

    `decoder` takes the device's id (in readings) and the offset of the device's own clock from UTC.
    """

    kind: Literal["truck", "kiosk", "camera"]
    about: str
    decoder: Callable[[str, timedelta], Decoder]


PROTOCOLS: dict[str, Protocol] = {}
