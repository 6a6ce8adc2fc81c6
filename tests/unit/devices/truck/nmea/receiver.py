"""A receiver to test with: sentences made by hand, positions from Hypothesis, and the ways a line damages them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from random import Random

from hypothesis import strategies as st

from devices.contract import TruckPosition
from devices.events import Damaged, Event
from devices.truck.nmea import NmeaDecoder, encode

NOW = datetime(2026, 3, 1, 2, 3, 30, tzinfo=UTC)
UNKNOWN = datetime(1970, 1, 1, tzinfo=UTC)


def sentence(body: str) -> bytes:
    """A sentence with the checksum that its body has, computed the slow, obvious way."""
    check = 0
    for character in body.encode():
        check ^= character
    return f"${body}*{check:02X}\r\n".encode()


def said(*bodies: str) -> bytes:
    return b"".join(sentence(body) for body in bodies)


def heard(stream: bytes, received_at: datetime = NOW, *, chunk: int = 1 << 20) -> list[Event]:
    """All events of a stream that ends."""
    decoder = NmeaDecoder("truck-1")
    events: list[Event] = []
    for at in range(0, len(stream), chunk):
        events += decoder.feed(stream[at : at + chunk], received_at)
    return events + decoder.finish(received_at)


def positions(events: Iterable[Event]) -> list[TruckPosition]:
    return [event for event in events if isinstance(event, TruckPosition)]


def damage(events: Iterable[Event]) -> list[str]:
    return [event.reason for event in events if isinstance(event, Damaged)]


def drive(count: int, start: datetime = NOW) -> list[TruckPosition]:
    """A truck that says its place every second; each of its places is another."""
    return [
        TruckPosition(
            device="truck-1",
            at=start + timedelta(seconds=second),
            clock="gnss",
            latitude=round(30.2 + second % 30_000 / 600, 9),
            longitude=round(119.9 - second / 2000, 9),
            speed_kmh=round((second % 50) * 1.852, 3),
            course_deg=float(second % 360),
            altitude_m=10.0 + second % 70,
            satellites=4 + second % 9,
            hdop=1.0,
        )
        for second in range(count)
    ]


def damaged_once(frame: bytes, chance: Random) -> bytes:
    """The frame with one thing wrong, each of which a serial line does: a bit, a byte, a hole, an extra byte, a cut."""
    at = chance.randrange(len(frame))
    match chance.randrange(5):
        case 0:
            return frame[:at] + bytes([frame[at] ^ 1 << chance.randrange(8)]) + frame[at + 1 :]
        case 1:
            return frame[:at] + bytes([chance.randrange(256)]) + frame[at + 1 :]
        case 2:
            return frame[:at] + frame[at + 1 :]
        case 3:
            return frame[:at] + bytes([chance.randrange(256)]) + frame[at:]
        case _:
            return frame[:at]


_places = st.tuples(st.floats(-90, 90), st.floats(-180, 180)).filter(lambda place: max(map(abs, place)) > 1e-6)


@st.composite
def drives(draw: st.DrawFn) -> list[TruckPosition]:
    """Positions a second or more apart, with whatever a receiver can say."""
    at = datetime(1980, 1, 6, tzinfo=UTC) + timedelta(seconds=draw(st.integers(0, 3_155_000_000)))
    made = []
    for _ in range(draw(st.integers(1, 5))):
        latitude, longitude = draw(_places)
        made.append(
            TruckPosition(
                device="truck-1",
                at=at,
                clock="gnss",
                latitude=latitude,
                longitude=longitude,
                speed_kmh=draw(st.none() | st.floats(0, 400)),
                course_deg=draw(st.none() | st.floats(0, 360)),
                altitude_m=draw(st.none() | st.floats(-1000, 20_000)),
                satellites=draw(st.none() | st.integers(0, 255)),
                hdop=draw(st.none() | st.floats(0, 98.9)),
            )
        )
        at += timedelta(milliseconds=draw(st.integers(1000, 5_000_000)))
    return made


talkers = st.sampled_from(["GP", "GN", "GL", "GA", "GB", "BD", "GQ", "GI"])


def wire(drive: list[TruckPosition], talker: str = "GN") -> bytes:
    return b"".join(encode(position, talker) for position in drive)
