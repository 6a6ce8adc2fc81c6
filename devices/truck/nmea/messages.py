"""What an NMEA 0183 sentence says: RMC, GGA, GNS, GLL, ZDA, GSA, VTG, TXT of any talker; RMC and GGA back to bytes.

Source: NMEA 0183 version 4.11, section 6.3 (IEC 61162-1, 8.3). Fields that the receiver left empty are None. Older
editions lack the last fields (the mode came with 2.3, the navigational status with 4.1); both are read. A field that
cannot mean anything makes the whole sentence damage, with the field's name as the reason, even where the checksum is
right.

`valid` is the receiver's own word, from status, quality and mode together. Autonomous, differential, precise, RTK and
estimated (dead reckoning: the truck under the bridge) count. Manual input and simulator do not: they are not evidence
of where a truck was.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import NamedTuple

from devices.events import Damaged
from devices.truck.nmea.frames import Frame, checksum

DAY_US = 86_400_000_000


class Rmc(NamedTuple):
    """Recommended minimum: time in microseconds of the UTC day, position in degrees, speed in knots, date."""

    talker: str
    time_us: int | None
    valid: bool
    latitude: float | None
    longitude: float | None
    speed_kn: float | None
    course_deg: float | None
    day: date | None


class Gga(NamedTuple):
    """Fix data: altitude in metres above mean sea level. GNS says the same, of all constellations together."""

    talker: str
    time_us: int | None
    valid: bool
    latitude: float | None
    longitude: float | None
    satellites: int | None
    hdop: float | None
    altitude_m: float | None


class Gns(NamedTuple):
    """Fix data of several constellations."""

    talker: str
    time_us: int | None
    valid: bool
    latitude: float | None
    longitude: float | None
    satellites: int | None
    hdop: float | None
    altitude_m: float | None


class Gll(NamedTuple):
    """Position and time."""

    talker: str
    time_us: int | None
    valid: bool
    latitude: float | None
    longitude: float | None


class Zda(NamedTuple):
    """Time and date."""

    talker: str
    time_us: int | None
    day: date | None


class Gsa(NamedTuple):
    """Dilution of precision of the satellites in use; carries no time."""

    talker: str
    hdop: float | None


class Vtg(NamedTuple):
    """Course over ground and speed in knots; carries no time."""

    talker: str
    valid: bool
    speed_kn: float | None
    course_deg: float | None


class Txt(NamedTuple):
    """A text of the receiver, such as `ANTSTATUS=OPEN`; `kind` is the maker's number for its sort."""

    talker: str
    kind: str
    text: str


Sentence = Rmc | Gga | Gns | Gll | Zda | Gsa | Vtg | Txt


def decode(frame: Frame) -> Sentence | Damaged | None:
    """What the sentence says; None for one that is whole but not ours (GSV, proprietary, AIS)."""
    body = frame.body
    read = _READERS.get(body[2:6])
    if read is None or body[:1] == b"P":
        return None
    fields = body.decode("latin-1").split(",")
    # Every reader may look at fields that its edition of the standard does not have yet.
    fields += [""] * (18 - len(fields))
    try:
        return read(fields)
    except _BadField as bad:
        return Damaged(f"{fields[0][2:]} {bad}", b"$%b*%02X" % (body, checksum(body)))


class _BadField(ValueError):
    """A field cannot mean anything; only used between this file's readers and `decode`."""


def _rmc(f: list[str]) -> Rmc:
    # "D" for a differential fix is no standard, but is seen in place of "A" with its mode.
    valid = f[2] in ("A", "D") and f[12] not in _NOT_MEASURED
    latitude, longitude = _position(f, 3) if valid else (None, None)
    return Rmc(
        f[0][:2],
        _time_us(f[1]),
        valid,
        latitude,
        longitude,
        _number(f[7], "speed") if valid else None,
        _course(f[8]) if valid else None,
        _short_date(f[9]),
    )


def _gga(f: list[str]) -> Gga:
    # Quality: 0 none, 1 autonomous, 2 differential, 3 precise, 4 and 5 RTK, 6 estimated, 7 manual, 8 simulator;
    # 9 is one maker's differential by satellite.
    return Gga(*_fix_data(f, valid=f[6] in _MEASURED_QUALITY))


def _gns(f: list[str]) -> Gns:
    # One mode letter per constellation.
    return Gns(*_fix_data(f, valid=any(mode in _MEASURED for mode in f[6])))


def _fix_data(
    f: list[str], *, valid: bool
) -> tuple[str, int | None, bool, float | None, float | None, int | None, float | None, float | None]:
    """GGA and GNS up to the altitude, which they have in the same places."""
    if not valid:
        return f[0][:2], _time_us(f[1]), False, None, None, None, None, None
    latitude, longitude = _position(f, 2)
    return (
        f[0][:2],
        _time_us(f[1]),
        True,
        latitude,
        longitude,
        _satellites(f[7]),
        _hdop(f[8]),
        _number(f[9], "altitude"),
    )


def _gll(f: list[str]) -> Gll:
    valid = f[6] == "A" and f[7] not in _NOT_MEASURED
    latitude, longitude = _position(f, 1) if valid else (None, None)
    return Gll(f[0][:2], _time_us(f[5]), valid, latitude, longitude)


def _zda(f: list[str]) -> Zda:
    if not (f[2] and f[3] and f[4]):
        return Zda(f[0][:2], _time_us(f[1]), None)
    day, month, year = (_whole(text, "date") or 0 for text in f[2:5])
    return Zda(f[0][:2], _time_us(f[1]), _date(year, month, day))


def _gsa(f: list[str]) -> Gsa:
    return Gsa(f[0][:2], _hdop(f[16]) if f[2] in ("2", "3") else None)


def _vtg(f: list[str]) -> Vtg:
    # Editions before 2.0 have the four numbers without their unit letters.
    speed = f[5] if f[2] == "T" or f[4] == "M" else f[3]
    valid = f[9] not in _NOT_MEASURED
    return Vtg(f[0][:2], valid, _number(speed, "speed") if valid else None, _course(f[1]) if valid else None)


def _txt(f: list[str]) -> Txt:
    return Txt(f[0][:2], f[3], ",".join(f[4:]).rstrip(","))


_READERS: dict[bytes, Callable[[list[str]], Sentence]] = {
    b"RMC,": _rmc,
    b"GGA,": _gga,
    b"GNS,": _gns,
    b"GLL,": _gll,
    b"ZDA,": _zda,
    b"GSA,": _gsa,
    b"VTG,": _vtg,
    b"TXT,": _txt,
}

#: Modes that are no measurement: N none, M manual input, S simulator.
_NOT_MEASURED = ("N", "M", "S")
_MEASURED = ("A", "D", "E", "F", "P", "R")
_MEASURED_QUALITY = ("1", "2", "3", "4", "5", "6", "9")


def _time_us(text: str) -> int | None:
    """`hhmmss` with any decimals; a leap second is 60."""
    if not text:
        return None
    whole, _, decimals = text.partition(".")
    if len(whole) != 6 or not _digits(whole + decimals):
        raise _BadField(f"time {text!r}")
    hours, minutes, seconds = int(whole[:2]), int(whole[2:4]), int(whole[4:])
    if hours > 23 or minutes > 59 or seconds > 60:
        raise _BadField(f"time {text!r}")
    return ((hours * 60 + minutes) * 60 + seconds) * 1_000_000 + (int(decimals[:6].ljust(6, "0")) if decimals else 0)


def _short_date(text: str) -> date | None:
    """`ddmmyy`. GPS began in 1980: 80 to 99 are of the last century."""
    if not text:
        return None
    if len(text) != 6 or not _digits(text):
        raise _BadField(f"date {text!r}")
    year = int(text[4:])
    return _date(year + (1900 if year >= 80 else 2000), int(text[2:4]), int(text[:2]))


def _date(year: int, month: int, day: int) -> date | None:
    """The day; None for the zeros of a receiver that does not know it yet."""
    if month == 0 or day == 0:
        return None
    if not 1980 <= year <= 2100:
        raise _BadField(f"date {year}-{month}-{day}")
    try:
        return date(year, month, day)
    except ValueError:
        raise _BadField(f"date {year}-{month}-{day}") from None


def _position(f: list[str], at: int) -> tuple[float | None, float | None]:
    """`ddmm.mm,N,dddmm.mm,E` at that field, in degrees; empty is None.

    Exactly 0, 0 is refused: it is what an uninitialised receiver holds, and no county lies in the Gulf of Guinea.
    """
    if not f[at] and not f[at + 2]:
        return None, None
    latitude = _degrees(f[at], f[at + 1], "NS", 90, "latitude")
    longitude = _degrees(f[at + 2], f[at + 3], "EW", 180, "longitude")
    if latitude == 0 and longitude == 0:
        raise _BadField("position 0, 0")
    return latitude, longitude


def _degrees(text: str, side: str, sides: str, limit: int, name: str) -> float:
    value = _number(text, name)
    if value is None or value < 0 or side not in sides or not side:
        raise _BadField(f"{name} {text!r} {side!r}")
    degrees, minutes = divmod(value, 100)
    degrees += minutes / 60
    if minutes >= 60 or degrees > limit:
        raise _BadField(f"{name} {text!r} {side!r}")
    # Nine decimals are 0.1 mm, below the finest receiver's seven decimals of a minute.
    return round(degrees if side == sides[0] else -degrees, 9) + 0.0  # never -0.0


def _course(text: str) -> float | None:
    course = _number(text, "course")
    if course is not None and not 0 <= course <= 360:
        raise _BadField(f"course {text!r}")
    return course


def _satellites(text: str) -> int | None:
    count = _whole(text, "satellites")
    if count is not None and count > 255:
        raise _BadField(f"satellites {text!r}")
    return count


def _hdop(text: str) -> float | None:
    """From 99 on it is how receivers say that they do not know."""
    hdop = _number(text, "hdop")
    if hdop is not None and hdop < 0:
        raise _BadField(f"hdop {text!r}")
    return hdop if hdop is None or hdop < 99 else None


def _number(text: str, name: str) -> float | None:
    """A decimal number; Python's float reads more than that (nan, 1e5, 1_000)."""
    if not text:
        return None
    if text.strip("0123456789.-"):
        raise _BadField(f"{name} {text!r}")
    try:
        return float(text)
    except ValueError:
        raise _BadField(f"{name} {text!r}") from None


def _whole(text: str, name: str) -> int | None:
    if not text:
        return None
    if not _digits(text):
        raise _BadField(f"{name} {text!r}")
    return int(text)


def _digits(text: str) -> bool:
    """ASCII digits only: `str.isdigit` alone takes superscripts too."""
    return text.isascii() and text.isdigit()


def encode_rmc(rmc: Rmc) -> bytes:
    """The sentence's body, of edition 2.3 to 4.0 (with mode, without navigational status)."""
    day = rmc.day.strftime("%d%m%y") if rmc.day else ""
    status, mode = ("A", "A") if rmc.valid else ("V", "N")
    return (
        f"{rmc.talker}RMC,{_time_text(rmc.time_us)},{status},{_position_text(rmc.latitude, rmc.longitude)},"
        f"{_decimal(rmc.speed_kn, 3)},{_decimal(rmc.course_deg, 2)},{day},,,{mode}"
    ).encode()


def encode_gga(gga: Gga) -> bytes:
    """The sentence's body; the height of the geoid, which readings do not have, is empty."""
    satellites = "" if gga.satellites is None else f"{gga.satellites:02d}"
    return (
        f"{gga.talker}GGA,{_time_text(gga.time_us)},{_position_text(gga.latitude, gga.longitude)},"
        f"{'1' if gga.valid else '0'},{satellites},{_decimal(gga.hdop, 2)},{_decimal(gga.altitude_m, 2)},M,,M,,"
    ).encode()


def _time_text(time_us: int | None) -> str:
    """Milliseconds, which is what the county stores."""
    if time_us is None:
        return ""
    seconds, us = divmod(time_us, 1_000_000)
    return f"{seconds // 3600:02d}{seconds // 60 % 60:02d}{seconds % 60:02d}.{us // 1000:03d}"


def _position_text(latitude: float | None, longitude: float | None) -> str:
    if latitude is None or longitude is None:
        return ",,,"
    return f"{_minutes_text(latitude, 2, 'NS')},{_minutes_text(longitude, 3, 'EW')}"


def _minutes_text(degrees: float, digits: int, sides: str) -> str:
    """Five decimals of a minute (2 cm), counted in whole steps, so that neither 60 minutes nor a side of 0 appear."""
    count = round(degrees * 6_000_000)
    whole, steps = divmod(abs(count), 6_000_000)
    return f"{whole:0{digits}d}{steps // 100_000:02d}.{steps % 100_000:05d},{sides[count < 0]}"


def _decimal(value: float | None, places: int) -> str:
    return "" if value is None else f"{value:.{places}f}"
