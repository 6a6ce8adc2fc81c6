"""Where a JT/T 808 message starts and ends, and whether it is whole: marks, escapes, checksum, header; both ways.

On the wire (JT/T 808-2013 section 4.4; all numbers big-endian):

    7E | header | body | check | 7E        7D 01 stands for 7D and 7D 02 for 7E between the marks

A heartbeat (id 0002, no body) of terminal 012345678901 in the 2013 edition, serial 0x7FFF:

    7E 0002 0000 012345678901 7FFF 0A 7E
       |    |    |            |    check: XOR of everything between the marks is 0
       |    |    |            serial
       |    |    phone, BCD: 6 bytes; 10 in the 2019 edition, after one byte of protocol version
       |    properties: bits 0-9 body length, 10-12 encryption, 13 sub-packaged, 14 edition 2019, 15 reserved
       id

A sub-packaged message carries two more words after the serial: how many parts there are, and which this is (from 1).
"""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple

from devices.events import Damaged

MARK = b"\x7e"
_BEFORE = "bytes before the first mark"
#: A body's length has ten bits.
MAX_BODY = 1023
#: The longest run between two marks that may still be a frame: every byte of the longest one escaped is 2,090 bytes,
#: and some terminals send more body than they declare.
MAX_RUN = 4096

ENCRYPTION = 0x1C00
SUBPACKAGED = 0x2000
EDITION_2019 = 0x4000
RESERVED = 0x8000

_HEAD = Struct(">HH6sH")
_HEAD_2019 = Struct(">HHB10sH")
_PARTS = Struct(">HH")
_LEAST = _HEAD.size + 1


class Frame(NamedTuple):
    """One intact message, or one intact part of a sub-packaged one.

    `phone` is the header's BCD field as sent, 12 digits (20 in the 2019 edition) with leading zeros; makers put an
    IMEI or hex there, so that a digit may be a-f. `protocol_version` is 0 before the 2019 edition. `total` and `part`
    are 0 for a message in one piece. `properties` is the word as sent; its length may not be that of `body`.
    """

    id: int
    properties: int
    protocol_version: int
    phone: str
    serial: int
    total: int
    part: int
    body: bytes

    @property
    def is_2019(self) -> bool:
        """Whether the header is that of the 2019 edition; 2011 and 2013 share theirs."""
        return bool(self.properties & EDITION_2019)

    @property
    def encryption(self) -> int:
        """How the body is encrypted: 0 not at all, 1 RSA."""
        return (self.properties & ENCRYPTION) >> 10

    @property
    def declared_length(self) -> int:
        """The body's length in bytes as the header says; a real terminal was seen to declare 50 and carry 40."""
        return self.properties & MAX_BODY


def make_frame(
    message: int,
    body: bytes,
    phone: str,
    serial: int,
    *,
    is_2019: bool,
    part: int = 0,
    total: int = 0,
) -> Frame:
    """A plain frame: its properties from what it carries, its phone padded to the edition's digits.

    Raises ValueError for a body over MAX_BODY bytes or a phone too long for the edition.
    """
    if len(body) > MAX_BODY:
        raise ValueError(f"a body of {len(body)} bytes does not fit in one frame: split it")
    digits = 20 if is_2019 else 12
    if len(phone) > digits:
        raise ValueError(f"phone {phone!r} has more than {digits} digits")
    properties = len(body) | (EDITION_2019 if is_2019 else 0) | (SUBPACKAGED if total else 0)
    return Frame(message, properties, int(is_2019), phone.zfill(digits), serial, total, part, body)


def encode_frame(frame: Frame) -> bytes:
    """The frame on the wire, marks included: what `Deframer` reads back as the same frame.

    Raises ValueError for a phone of the wrong length; struct.error for a number that does not fit its field.
    """
    phone = bytes.fromhex(frame.phone)
    if len(phone) != (10 if frame.is_2019 else 6):
        raise ValueError(f"phone {frame.phone!r} does not have the digits of its edition")
    if frame.is_2019:
        head = _HEAD_2019.pack(frame.id, frame.properties, frame.protocol_version, phone, frame.serial)
    else:
        head = _HEAD.pack(frame.id, frame.properties, phone, frame.serial)
    if frame.properties & SUBPACKAGED:
        head += _PARTS.pack(frame.total, frame.part)
    content = head + frame.body
    content += bytes((_xor(content),))
    # 7D first: the 7D of an escape must not be escaped again.
    return MARK + content.replace(b"\x7d", b"\x7d\x01").replace(MARK, b"\x7d\x02") + MARK


class Deframer:
    """Cuts a byte stream into frames and damage; the chunks it comes in make no difference.

    A mark may be shared by two frames or doubled. Bytes before the first mark, and runs that are no frame, come out as
    `Damaged`; the next intact frame is read. Holds at most MAX_RUN bytes.
    """

    def __init__(self) -> None:
        self._run = b""
        # Why the run cannot be a frame whatever follows: it has no start mark, or is already too long.
        self._doom = _BEFORE

    @property
    def pending(self) -> int:
        """How many bytes wait for their end mark, their start mark counted."""
        return len(self._run) + 1 if self._run and not self._doom else len(self._run)

    def feed(self, data: bytes) -> list[Frame | Damaged]:
        """What is complete with these bytes, in the order of the wire."""
        *runs, self._run = (self._run + data).split(MARK)
        out: list[Frame | Damaged] = []
        for run in runs:
            if run or self._doom:
                self._close(run, out)
        if len(self._run) > MAX_RUN:
            self._run = self._cut(self._run, out)
        return out

    def finish(self) -> list[Damaged]:
        """The stream has ended: what still waits is no frame. Ready for another stream."""
        rest, doom = self._run, self._doom or "the stream ended inside a frame"
        self._run, self._doom = b"", _BEFORE
        return [Damaged(doom, rest)] if rest else []

    def _close(self, run: bytes, out: list[Frame | Damaged]) -> None:
        if len(run) > MAX_RUN:
            run = self._cut(run, out)
        if not self._doom:
            out.append(parse_run(run))
        elif run:
            out.append(Damaged(self._doom, run))
        self._doom = ""

    def _cut(self, run: bytes, out: list[Frame | Damaged]) -> bytes:
        """Give up on a run without end mark, in pieces of MAX_RUN, so that memory stays bounded."""
        self._doom = self._doom or f"no end mark in {MAX_RUN} bytes"
        while len(run) > MAX_RUN:
            out.append(Damaged(self._doom, run[:MAX_RUN]))
            run = run[MAX_RUN:]
        return run


def parse_run(run: bytes) -> Frame | Damaged:
    """What stood between two marks: a frame if its escapes, checksum and header hold, else damage."""
    content = run
    if b"\x7d" in run:
        if run.count(b"\x7d") != run.count(b"\x7d\x01") + run.count(b"\x7d\x02"):
            return Damaged("bad escape", run)
        # 7D 02 first: its result cannot take part in a 7D 01.
        content = run.replace(b"\x7d\x02", MARK).replace(b"\x7d\x01", b"\x7d")
    if len(content) < _LEAST:
        return Damaged("too short for a header", run)
    if _xor(content):
        return Damaged("wrong checksum", run)
    message, properties, phone, serial = _HEAD.unpack_from(content)
    start, version = _HEAD.size, 0
    if properties & EDITION_2019:
        start = _HEAD_2019.size
        if len(content) <= start:
            return Damaged("too short for a header", run)
        message, properties, version, phone, serial = _HEAD_2019.unpack_from(content)
    total = part = 0
    if properties & SUBPACKAGED:
        if len(content) <= start + 4:
            return Damaged("too short for a header", run)
        total, part = _PARTS.unpack_from(content, start)
        start += 4
    return Frame(message, properties, version, phone.hex(), serial, total, part, content[start:-1])


def _xor(data: bytes) -> int:
    """XOR of all bytes, by folding one long number upon itself: several times faster than a loop over the bytes."""
    number = int.from_bytes(data, "big")
    shift = 256
    while shift < len(data) * 4:
        shift *= 2
    while shift >= 8:
        number ^= number >> shift
        shift >>= 1
    return number & 0xFF
