"""A real receiver's recording, played as if it were here and now: its own quirks, moved in time and place.

Only the time, date and position fields of a sentence are rewritten, and its checksum with them; damaged sentences,
proprietary ones and noise are played as they were recorded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import reduce
from operator import xor
from pathlib import Path
from typing import NamedTuple

#: Sentence type: fields of time, date (RMC: ddmmyy; ZDA: day), latitude (its hemisphere follows, then longitude).
_FIELDS: dict[str, tuple[int, int | None, int | None]] = {
    "RMC": (1, 9, 3),
    "GGA": (1, None, 2),
    "GNS": (1, None, 2),
    "GLL": (5, None, 1),
    "ZDA": (1, 2, None),
}
_SENTENCE = re.compile(rb"^\$([A-Z]{2})([A-Z]{3}),([^*]*)\*([0-9A-Fa-f]{2})\s*$")


class Played(NamedTuple):
    """A line for the wire, and when in the recording's own time it is due (None: with the line before it)."""

    data: bytes
    due: timedelta | None
    fix: bool


def recorded_lines(path: Path) -> list[bytes]:
    """What came over the wire, line by line, without the header."""
    return [line for line in path.read_bytes().splitlines(keepends=True) if not line.startswith(b"#")]


def play(lines: list[bytes], start: datetime, middle: tuple[float, float]) -> Iterator[Played]:
    """The recording once, its first time of day moved to `start` (aware UTC), its first place to `middle`."""
    first_time: timedelta | None = None
    shift: tuple[float, float] | None = None
    for line in lines:
        match = _SENTENCE.match(line)
        if (
            match is None
            or match[2].decode() not in _FIELDS
            or _checksum(line[1 : line.rindex(b"*")]) != int(match[4], 16)
        ):
            yield Played(line, None, fix=False)
            continue
        kind = match[2].decode()
        fields = [match[1].decode() + kind, *match[3].decode("ascii", "replace").split(",")]
        at_field, date_field, place_field = _FIELDS[kind]
        clock = _time_of_day(fields[at_field])
        due = None
        if clock is not None:
            first_time = clock if first_time is None else first_time
            due = (clock - first_time) % timedelta(days=1)
            now = start + due
            fields[at_field] = _format_time(now, fields[at_field])
            if date_field is not None and fields[date_field]:
                fields[date_field] = now.strftime("%d%m%y" if kind == "RMC" else "%d")
                if kind == "ZDA":
                    fields[date_field + 1 : date_field + 3] = [now.strftime("%m"), now.strftime("%Y")]
        fix = place_field is not None and len(fields) > place_field + 3 and bool(fields[place_field])
        if fix and place_field is not None:
            latitude = _degrees(fields[place_field], fields[place_field + 1])
            longitude = _degrees(fields[place_field + 2], fields[place_field + 3])
            shift = (middle[0] - longitude, middle[1] - latitude) if shift is None else shift
            fields[place_field : place_field + 2] = _minutes(latitude + shift[1], "NS", fields[place_field], 2)
            fields[place_field + 2 : place_field + 4] = _minutes(longitude + shift[0], "EW", fields[place_field + 2], 3)
        body = ",".join(fields).encode()
        yield Played(b"$%s*%02X\r\n" % (body, _checksum(body)), due, fix)


def _checksum(body: bytes) -> int:
    return reduce(xor, body, 0)


def _time_of_day(text: str) -> timedelta | None:
    if not re.fullmatch(r"\d{6}(\.\d+)?", text):
        return None
    return timedelta(hours=int(text[:2]), minutes=int(text[2:4]), seconds=float(text[4:]))


def _format_time(at: datetime, like: str) -> str:
    decimals = len(like) - 7 if "." in like else 0
    at = at.astimezone(UTC)
    return at.strftime("%H%M%S") + (f".{at.microsecond:06}"[: decimals + 1] if decimals > 0 else "")


def _degrees(text: str, hemisphere: str) -> float:
    whole, minutes = divmod(float(text), 100)
    return (whole + minutes / 60) * (-1 if hemisphere in "SW" else 1)


def _minutes(degrees: float, hemispheres: str, like: str, width: int) -> list[str]:
    decimals = len(like.partition(".")[2])
    whole, part = divmod(abs(degrees), 1)
    minutes = f"{part * 60:0{3 + decimals}.{decimals}f}"
    if minutes.startswith("60"):
        whole, minutes = whole + 1, f"{0:0{3 + decimals}.{decimals}f}"
    return [f"{int(whole):0{width}d}{minutes}", hemispheres[degrees < 0]]
