"""A monitor to test with: lines made by hand, and what the decoder hears in them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from devices.contract import BloodPressure
from devices.events import Damaged, Event
from devices.kiosk.hbp9030 import Hbp9030Decoder

#: 08:05 in China is 00:05 UTC.
NOW = datetime(2026, 3, 1, 0, 5, 30, tzinfo=UTC)
UNKNOWN = datetime(1970, 1, 1, tzinfo=UTC)
#: Not a real person's: its check digit is wrong.
IDENTITY = "110101199001011230"


def line(
    values: str = "132,084,071", *, time: str = "2026,03,01,08,05", subject: str = "", end: str = "0,{},0"
) -> bytes:
    return f"{time},{subject:<20},{end.format(values)}\r\n".encode()


def heard(stream: bytes, received_at: datetime = NOW, *, chunk: int = 1 << 20) -> list[Event]:
    decoder = Hbp9030Decoder("kiosk-1")
    events: list[Event] = []
    for at in range(0, len(stream), chunk):
        events += decoder.feed(stream[at : at + chunk], received_at)
    return events + decoder.finish(received_at)


def pressures(events: Iterable[Event]) -> list[BloodPressure]:
    return [event for event in events if isinstance(event, BloodPressure)]


def damage(events: Iterable[Event]) -> list[str]:
    return [event.reason for event in events if isinstance(event, Damaged)]
