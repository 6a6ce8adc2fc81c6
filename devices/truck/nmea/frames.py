r"""Where an NMEA 0183 sentence starts and ends, and whether it is whole.

    $GPGGA,030719.000,3747.0873,S,17518.8938,E,1,08,1.1,59.9,M,23.7,M,,0000*7D<CR><LF>
    |\___/ \______ fields, separated by commas ___________________________/ |
    | talker GP, formatter GGA                                                checksum: XOR of all between $ and *
    start; "!" for encapsulated sentences (AIS)

Source: NMEA 0183 version 4.11, section 5.3 (IEC 61162-1). A sentence is at most 82 characters there; receivers exceed
it (proprietary sentences above all), so that up to 120 are read.

What is believed: a sentence whose checksum is there and right. Nothing else carries evidence that it arrived whole, so
a sentence without checksum is reported as damage; `checksum_required=False` takes it, for a device known to send none.
A missing line end does not matter where the checksum is right: the next `$`, or the end of the stream, ends a sentence
too.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from devices.events import Damaged

#: Characters of a sentence from its start to its checksum, both included.
LONGEST = 120

#: Printable ASCII without `*` and `$` (section 5.1), then the checksum.
#: Blanks between checksum and line end, seen from some receivers, are let through.
_WHOLE = re.compile(rb"[$!]([\x20-\x23\x25-\x29\x2b-\x7e]{1,116})\*([0-9A-Fa-f]{2})[ \t]{0,2}(?:\r\n?|\n)")
_LINE = re.compile(rb"[$!]([\x20-\x23\x25-\x29\x2b-\x7e]{1,116})(?:\*([0-9A-Fa-f]{2}))?[ \t]{0,2}")
_END = re.compile(rb"[\r\n$]")
#: How far the end of a line is looked for: the longest sentence, its blanks, and one more.
_REACH = LONGEST + 4


class Frame(NamedTuple):
    """A whole sentence: what stands between its start and its `*`, in the bytes of the wire."""

    body: bytes


class Deframer:
    """Cuts a byte stream into sentences, whatever the chunks. Holds at most one unfinished sentence."""

    def __init__(self, *, checksum_required: bool = True) -> None:
        self._held = b""
        self._checksum_required = checksum_required

    def feed(self, data: bytes) -> list[Frame | Damaged]:
        """Take the next bytes; give every sentence they complete, and what is damaged."""
        buffer = self._held + data if self._held else data
        found: list[Frame | Damaged] = []
        at = 0
        while at < len(buffer):
            whole = _WHOLE.match(buffer, at)
            if whole is not None:
                at = whole.end()
                found.append(_checked(whole[1], whole[2], whole[0]))
                continue
            size = _piece(buffer, at)
            if size == 0:
                break
            piece = buffer[at : at + size]
            at += size
            if not piece.isspace():
                found.append(self._judge(piece))
        self._held = buffer[at:]
        return found

    def finish(self) -> list[Frame | Damaged]:
        """The stream has ended: a last sentence without line end is believed by its checksum, like any other."""
        rest, self._held = self._held, b""
        return [self._judge(rest)] if rest.strip() else []

    def _judge(self, piece: bytes) -> Frame | Damaged:
        """What a piece without a regular end is worth."""
        line = _LINE.fullmatch(piece)
        if piece[:1] not in (b"$", b"!"):
            return Damaged("between sentences", piece)
        if line is None:
            return Damaged("sentence too long" if len(piece) >= LONGEST else "not a sentence", piece)
        body, checksum = line.groups()
        if checksum is not None:
            return _checked(body, checksum, piece)
        if self._checksum_required or b"," not in body:
            return Damaged("no checksum", piece)
        return Frame(body)


def checksum(body: bytes) -> int:
    """XOR of all bytes (at most 128 of them): NMEA 0183 5.3.1.

    The body is folded as one long number, which takes a tenth of the time of a loop over its bytes.
    """
    n = int.from_bytes(body, "big")
    for half in (512, 256, 128, 64, 32, 16, 8):
        n ^= n >> half
    return n & 0xFF


def encode_frame(body: bytes) -> bytes:
    """The sentence on the wire: start, checksum and line end around the body."""
    return b"$%b*%02X\r\n" % (body, checksum(body))


def _checked(body: bytes, digits: bytes, piece: bytes) -> Frame | Damaged:
    if checksum(body) != int(digits, 16):
        return Damaged("wrong checksum", piece)
    return Frame(body)


def _piece(buffer: bytes, at: int) -> int:
    """The length of what stands at `at`: a line end, a sentence, or noise up to the next start; 0 if not known yet."""
    if buffer[at] in b"\r\n":
        return 1
    end = _END.search(buffer, at + 1, at + 1 + _REACH)
    if end is not None:
        return end.start() - at
    return LONGEST if len(buffer) - at > _REACH else 0
