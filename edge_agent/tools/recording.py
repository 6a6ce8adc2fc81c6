"""A recording: what a device said over its wire, byte for byte, under a header of `#` lines that people write and read.

    # Name: receiver of truck 12
    # Protocol: nmea
    # Date: 2026-03-01T02:03:04Z
    # Source: /dev/ttyUSB0, 9600 baud
    # Note: engine running, in the pit
    # Body: as it came over the wire
    $GNRMC,020304.00,A,...

`Key: value` and `Key = value` are both read. The header ends with its `Body` line, or, in files made by others, before
the first line that does not start with `#`. `Date` is when the recording began: a time, or a day in UTC, which is taken
at noon so that every time of that day is nearest to it. There are no times inside the body: what a device says when is
in what it says, or in its baud rate.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime

_LINE = re.compile(r"#\s*([A-Za-z][\w -]*?)\s*[:=]\s*(.*?)\s*$")
_BODY = b"# Body:"
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
#: A file that starts with more `#` lines than this has no header of ours.
MAX_HEADER_BYTES = 64 * 1024

#: When it was recorded is not known (`devices.truck.nmea.days`).
UNDATED = datetime(1970, 1, 1, tzinfo=UTC)


class Opening:
    """Takes the header off a recording that comes in chunks of any size; afterwards `header` has its lines by key."""

    def __init__(self) -> None:
        self.header: dict[str, str] = {}
        self.complete = False
        self._held = b""

    def feed(self, data: bytes) -> bytes:
        """The bytes of the body among these."""
        if self.complete:
            return data
        self._held += data
        while self._held.startswith(b"#") and len(self._held) <= MAX_HEADER_BYTES:
            line, end, rest = self._held.partition(b"\n")
            if not end:
                return b""
            self._held = rest
            self._take(line)
            if line.startswith(_BODY):
                return self.finish()
        return self.finish() if self._held else b""

    def finish(self) -> bytes:
        """There is no more header: what was held for it belongs to the body."""
        self.complete = True
        rest, self._held = self._held, b""
        return rest

    def began_at(self) -> datetime | None:
        """The header's `Date`, aware; None where there is none that can be read."""
        text = self.header.get("Date", "")
        try:
            if day := _DAY.fullmatch(text):
                return datetime.fromisoformat(day[0]).replace(hour=12, tzinfo=UTC)
            at = datetime.fromisoformat(text)
        except ValueError:
            return None
        return at if at.tzinfo else at.replace(tzinfo=UTC)

    def _take(self, line: bytes) -> None:
        match = _LINE.fullmatch(line.decode("utf-8", "replace").rstrip("\r"))
        if match:
            self.header.setdefault(match[1], match[2])


def write_header(fields: Mapping[str, str]) -> bytes:
    """The header with these lines, its `Body` line last. A line break in a value becomes a blank."""
    lines = [f"# {key}: {' '.join(value.split())}\n" for key, value in fields.items() if value]
    return "".join(lines).encode() + _BODY + b" as it came over the wire\n"


def body(chunks: Iterable[bytes], opening: Opening) -> Iterator[bytes]:
    """The chunks without the header."""
    for chunk in chunks:
        if data := opening.feed(chunk):
            yield data
    if data := opening.finish():
        yield data
