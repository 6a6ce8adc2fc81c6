"""What a location report means to the county: a truck's position; and a position as the report that a terminal sends.

Status word (2013 table 25): bit 0 ignition, 1 fixed, 2 south, 3 west, 5 coordinates encrypted, 8-9 load.
A report is no position where it has no fix (terminals repeat an old place, or 0/0, and their clock may be the one they
were built with), where its coordinates are encrypted by a plug-in or off the globe, and where its time is no date.
Such a report is still a message. Two positions of one terminal in one second are one: the protocol counts seconds.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from struct import Struct
from typing import Any, Literal

from devices.contract.readings import TruckPosition
from devices.events import Damaged
from devices.truck.jt808.location import BLOCK_BYTES

IGNITION = 1 << 0
FIXED = 1 << 1
SOUTH = 1 << 2
WEST = 1 << 3
ENCRYPTED = 1 << 5
LOAD = 3 << 8

#: The standard's time zone, wherever the terminal is.
GMT_8 = timedelta(hours=8)

_BLOCK = Struct(">IIIIhHH6s")
_DWORD = Struct(">I")
_BULK = Struct(">HB")
_LOADS: tuple[Literal["empty", "half", "full"] | None, ...] = ("empty", "half", None, "full")
#: BCD byte to number; 255 for what is no decimal number, which no calendar takes.
_BCD = bytes((byte >> 4) * 10 + (byte & 15) if byte >> 4 < 10 and byte & 15 < 10 else 255 for byte in range(256))

_MILEAGE, _SATELLITES = 0x01, 0x31


class NoReport(Exception):
    """The body is too short for a location report."""


def read_position(body: bytes, device: str, *, backfill: bool = False) -> TruckPosition | None:
    """The position in a location report's body (0200, or one element of 0704); None where it is none.

    Values beyond the contract's bounds are left out. Raises NoReport for a body without the basic block. A malformed
    item ends the items and costs nothing before it.
    """
    if len(body) < BLOCK_BYTES:
        raise NoReport(f"{len(body)} bytes are no location report")
    alarm, status, latitude, longitude, altitude, speed, course, clock = _BLOCK.unpack_from(body)
    if status & (FIXED | ENCRYPTED) != FIXED or latitude > 90_000_000 or longitude > 180_000_000:
        return None
    at = read_time(clock)
    if at is None:
        return None
    mileage, satellites = _items(body) if len(body) > BLOCK_BYTES else (None, None)
    return TruckPosition(
        device=device,
        at=at,
        clock="gnss",
        latitude=(-latitude if status & SOUTH else latitude) / 1e6,
        longitude=(-longitude if status & WEST else longitude) / 1e6,
        speed_kmh=speed / 10 if speed <= 4000 else None,
        course_deg=float(course) if course <= 360 else None,
        altitude_m=float(altitude) if altitude >= -1000 and altitude <= 20000 else None,
        satellites=satellites,
        ignition=bool(status & IGNITION),
        load=_LOADS[(status & LOAD) >> 8],
        mileage_km=mileage,
        backfill=backfill,
        jt808_alarm=alarm,
        jt808_status=status,
    )


def positions_in(message: int, body: bytes, device: str) -> list[TruckPosition | Damaged]:
    """The positions that a whole message means: of 0200, 0201 and 0704; none of others.

    A bad element of a 0704 list costs only itself: it comes out as damage. Raises NoReport for a body that is too
    short for its message.
    """
    if message == 0x0704:
        return list(_bulk(body, device))
    if message not in (0x0200, 0x0201):
        return []
    position = read_position(body if message == 0x0200 else body[2:], device)
    return [] if position is None else [position]


def _bulk(body: bytes, device: str) -> Iterator[TruckPosition | Damaged]:
    """0704: count WORD, type BYTE (1: kept in a dead zone and sent late), then each report behind its length WORD."""
    if len(body) < 3:
        raise NoReport(f"{len(body)} bytes are no list of locations")
    count, kind = _BULK.unpack_from(body)
    at = 3
    for number in range(1, count + 1):
        report = body[at + 2 : at + 2 + int.from_bytes(body[at : at + 2], "big")]
        try:
            position = read_position(report, device, backfill=kind == 1)
        except NoReport as reason:
            yield Damaged(f"location {number} of {count}: {reason}", report)
        else:
            if position is not None:
                yield position
        at += 2 + len(report)
        if at >= len(body) and number < count:
            yield Damaged(f"{number} of {count} locations", b"")
            return


def read_time(bcd: bytes) -> datetime | None:
    """Six BCD bytes YYMMDDhhmmss in GMT+8 as UTC; None where they are no date."""
    year, month, day, hour, minute, second = bcd.translate(_BCD)
    try:
        return datetime(2000 + year, month, day, hour, minute, second, tzinfo=UTC) - GMT_8
    except ValueError:
        return None


def _items(body: bytes) -> tuple[float | None, int | None]:
    """Mileage in km (item 01) and satellites (item 31), as far as the items can be followed."""
    mileage: float | None = None
    satellites: int | None = None
    at, last = BLOCK_BYTES, len(body) - 2
    while at <= last:
        item, length = body[at], body[at + 1]
        at += 2
        if at + length > last + 2:
            break
        if item == _MILEAGE and length == 4:
            mileage = _DWORD.unpack_from(body, at)[0] / 10
        elif item == _SATELLITES and length == 1:
            satellites = body[at]
        at += length
    return mileage, satellites


def report_fields(position: TruckPosition) -> dict[str, Any]:
    """The fields of the report (0200) that reads back as this position, to the protocol's resolution.

    Bits of `jt808_status` that the position has no field for are kept.
    """
    status = (position.jt808_status or 0) & ~(IGNITION | SOUTH | WEST | ENCRYPTED | LOAD) | FIXED
    status |= IGNITION if position.ignition else 0
    status |= SOUTH if position.latitude < 0 else 0
    status |= WEST if position.longitude < 0 else 0
    status |= _LOADS.index(position.load) << 8
    items: list[dict[str, Any]] = []
    if position.mileage_km is not None:
        items.append({"id": "0x01", "mileage_100m": round(position.mileage_km * 10)})
    if position.satellites is not None:
        items.append({"id": "0x31", "satellites": position.satellites})
    return {
        "alarm": position.jt808_alarm or 0,
        "status": status,
        "latitude_udeg": round(abs(position.latitude) * 1e6),
        "longitude_udeg": round(abs(position.longitude) * 1e6),
        "altitude_m": round(position.altitude_m or 0) & 0xFFFF,
        "speed_100m_h": round((position.speed_kmh or 0) * 10),
        "course_deg": round(position.course_deg or 0),
        "time": f"{position.at.astimezone(UTC) + GMT_8:%Y-%m-%d %H:%M:%S}",
        "items": items,
    }
