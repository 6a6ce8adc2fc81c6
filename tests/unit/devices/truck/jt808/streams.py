"""What the tests feed the codec with: frames, noise and chunks; and a slow, obvious reader to judge it by."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import reduce
from operator import xor
from random import Random

from hypothesis import strategies as st

from devices.contract import TruckPosition
from devices.truck.jt808.frames import MAX_BODY, Frame, encode_frame, make_frame
from devices.truck.jt808.messages import MESSAGES, encode_body
from devices.truck.jt808.positions import report_fields

NOW = datetime(2026, 3, 1, 2, 3, 4, tzinfo=UTC)
PHONE = "13300001111"

#: Small numbers make counts and lengths that fit; marks and escapes must be met often.
_BYTES = st.one_of(
    st.binary(max_size=80),
    st.lists(st.sampled_from([0, 0, 0, 1, 2, 4, 7, 8, 0x30, 0x7D, 0x7E, 0xB2, 0xE2, 0xFF]), max_size=120).map(bytes),
    st.binary(min_size=200, max_size=MAX_BODY),
)
noise = st.one_of(st.binary(max_size=60), st.lists(st.sampled_from([0, 0x7D, 0x7E, 0x01]), max_size=20).map(bytes))


@st.composite
def frames(draw: st.DrawFn) -> Frame:
    """Any frame whose header can be written: also encrypted ones, parts, odd lengths and phones."""
    message = draw(st.one_of(st.sampled_from(sorted(MESSAGES)), st.integers(0, 0xFFFF)))
    body = draw(_BYTES)
    is_2019 = draw(st.booleans())
    phone = draw(st.text("0123456789abcdef", min_size=1, max_size=20 if is_2019 else 12))
    total, part = draw(st.one_of(st.just((0, 0)), st.tuples(st.integers(1, 0xFFFF), st.integers(0, 0xFFFF))))
    frame = make_frame(message, body, phone, draw(st.integers(0, 0xFFFF)), is_2019=is_2019, total=total, part=part)
    if draw(st.integers(0, 9)) == 0:
        reserved, encryption, length = (
            draw(st.sampled_from([0, 0x8000])),
            draw(st.integers(0, 7)) << 10,
            draw(st.integers(0, MAX_BODY)),
        )
        frame = frame._replace(properties=frame.properties & 0x6000 | reserved | encryption | length)
        frame = frame._replace(protocol_version=draw(st.integers(0, 255)) if is_2019 else 0)
    return frame


def chunked(data: bytes, sizes: list[int]) -> Iterator[bytes]:
    """The data in chunks of these sizes, over and over."""
    at = turn = 0
    while at < len(data):
        size = sizes[turn % len(sizes)]
        yield data[at : at + size]
        at, turn = at + size, turn + 1


def believable(data: bytes) -> list[bytes]:
    """The unescaped contents between two marks whose checksum holds, found byte by byte as the standard reads."""
    contents: list[bytes] = []
    content: list[int] | None = None
    escaped = spoilt = False
    for byte in data:
        if byte == 0x7E:
            if content and not escaped and not spoilt and reduce(xor, content) == 0:
                contents.append(bytes(content))
            content, escaped, spoilt = [], False, False
        elif content is None:
            continue
        elif escaped:
            spoilt = spoilt or byte not in (1, 2)
            content.append(0x7D if byte == 1 else 0x7E)
            escaped = False
        elif byte == 0x7D:
            escaped = True
        else:
            content.append(byte)
    return contents


def content_of(frame: Frame) -> bytes:
    """What `believable` finds of a frame."""
    (content,) = believable(encode_frame(frame))
    return content


def position(**changes: object) -> TruckPosition:
    """A truck on its way, as the protocol can say it."""
    values: dict[str, object] = {
        "device": "truck-1",
        "at": NOW,
        "clock": "gnss",
        "latitude": 30.27,
        "longitude": 119.95,
        "speed_kmh": 43.2,
        "course_deg": 90.0,
        "altitude_m": 12.0,
        "satellites": 11,
        "ignition": True,
        "load": "full",
        "mileage_km": 1234.5,
        "jt808_alarm": 0,
        "jt808_status": 0x303,
    }
    return TruckPosition(**(values | changes))  # type: ignore[arg-type]


def report_body(**changes: object) -> bytes:
    """The body of its 0200."""
    return encode_body(0x0200, report_fields(position(**changes)), 2013)


def mutated(data: bytes, chance: Random) -> bytes:
    """The data after one to four accidents on the line."""
    broken = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(broken) or 1)
        match chance.randrange(6):
            case 0 if broken:
                broken[at] ^= 1 << chance.randrange(8)
            case 1 if broken:
                broken[at] = chance.choice([0x7E, 0x7D, 0x00, 0xFF, chance.randrange(256)])
            case 2:
                del broken[at : at + chance.randint(1, 8)]
            case 3:
                broken[at:at] = chance.randbytes(chance.randint(1, 8))
            case 4:
                del broken[at:]
            case _:
                broken += broken[: chance.randint(1, len(broken) or 1)]
    return bytes(broken)
