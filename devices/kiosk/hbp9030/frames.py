"""Where a result of an OMRON HBP-9030 starts and ends.

Output format 5 (menu item 32), over USB (CDC) or RS-232, is 53 characters and CR LF:

    2026,03,01,08,05,00000000000000000000,0,132,084,071,0<CR><LF>
    |    |  |  |  |  |                    | |   |   |   +- body movements during the measurement
    |    |  |  |  |  |                    | |   |   +- pulse /min
    |    |  |  |  |  |                    | |   +- diastolic mmHg
    |    |  |  |  |  |                    | +- systolic mmHg; three blanks each where the measurement failed
    |    |  |  |  |  |                    +- error digit, 0 for none
    |    |  |  |  |  +- ID, 20 printable characters without comma
    year month day hour minute, the device's local time

Source: OMRON HBP-9030 instruction manual 2873643-0F, page 20. There is no checksum: what is believed is the layout,
every comma and digit in its place. A result is the last 53 bytes of its line, so that noise before it costs nothing.

The ID may be a person's number: it never leaves this folder, and damage is kept with it blacked out (`redacted`).
"""

from __future__ import annotations

import re
from typing import NamedTuple

from devices.events import Damaged

SIZE = 53
#: Bytes that are held for the end of a line; what is longer is no result, and its older half is let go.
HELD = 256

_LAYOUT = re.compile(
    rb"\d{4},\d\d,\d\d,\d\d,\d\d,[\x20-\x2b\x2d-\x7e]{20},\d,(?:\d{3},\d{3},\d{3}| {3}, {3}, {3}),[\d ]"
)
_HEAD = re.compile(rb"\d{4},\d\d,\d\d,\d\d,\d\d,")
_TAIL = re.compile(rb",\d(?:,[\d ]{3}){3},[\d ]")
#: Formats 1 to 4 of the same menu, by how their lines begin.
_OTHER_FORMATS = (b"MMBP203N", b"ID", b"bp,")


class Frame(NamedTuple):
    """A whole result, in the 53 bytes of the wire."""

    line: bytes


class Deframer:
    """Cuts a byte stream into results, whatever the chunks."""

    def __init__(self) -> None:
        self._held = b""

    def feed(self, data: bytes) -> list[Frame | Damaged]:
        """Take the next bytes; give every result they complete, and what is damaged."""
        buffer = self._held + data
        found: list[Frame | Damaged] = []
        at = 0
        while True:
            end = buffer.find(b"\n", at, at + HELD)
            if end >= 0:
                found += _line(buffer[at:end].removesuffix(b"\r"))
                at = end + 1
            elif len(buffer) - at >= HELD:
                found.append(Damaged("no line end", redacted(buffer[at : at + HELD // 2])))
                at += HELD // 2
            else:
                break
        self._held = buffer[at:]
        return found

    def finish(self) -> list[Frame | Damaged]:
        """The stream has ended: a last line that is whole but for its end is not believed, it may have been cut."""
        rest, self._held = self._held, b""
        return [Damaged("cut off", redacted(rest))] if rest.strip() else []


def redacted(data: bytes) -> bytes:
    """The bytes as they may be kept: whatever can be (a part of) the ID is replaced by asterisks.

    The five numbers of the time and the six of the result stand apart from it and stay where they are recognised.
    """
    head = data[:17] if _HEAD.match(data) else b""
    rest = data[len(head) :]
    tail = rest[-16:] if _TAIL.fullmatch(rest[-16:]) else b""
    middle = rest[: len(rest) - len(tail)]
    return head + re.sub(rb"[^,\r\n]", b"*", middle) + tail


def _line(line: bytes) -> list[Frame | Damaged]:
    """A result, and before it what is none."""
    if not line:
        return []
    whole = line[-SIZE:]
    if not _LAYOUT.fullmatch(whole):
        reason = "unsupported format" if line.startswith(_OTHER_FORMATS) else "not a format 5 result"
        return [Damaged(reason, redacted(line))]
    noise = line[:-SIZE]
    return [*([Damaged("between results", redacted(noise))] if noise else []), Frame(whole)]
