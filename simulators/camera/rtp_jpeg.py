"""JPEG pictures as RTP packets (RFC 2435), and the four bytes that carry these inside an RTSP connection.

    $ channel length(2) | RTP header (12, RFC 3550) | main JPEG header (8) | first packet only: tables | scan data

    main header:  0 | fragment offset (3) | type | Q | width/8 | height/8                        (RFC 2435, 3.1)
    tables:       0 | precision 0 | length (2) | luminance (64) | chrominance (64)   for Q = 255 (RFC 2435, 3.1.8)

Type 1 means 4:2:0 with the standard Huffman tables, which is what OpenCV encodes by default.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

PAYLOAD_TYPE = 26
CLOCK_HZ = 90_000
#: Bytes of scan data in a packet: below the usual 1500 of Ethernet, as a camera would.
FRAGMENT = 1400

_SOI, _SOF0, _SOS, _DQT, _EOI = 0xD8, 0xC0, 0xDA, 0xDB, b"\xff\xd9"


class NotBaseline(ValueError):
    """No baseline 4:2:0 JPEG with two quantisation tables: RFC 2435 cannot carry it."""


class Parts(NamedTuple):
    """What RFC 2435 sends of a JPEG: its size in pixels, both quantisation tables, and its scan."""

    width: int
    height: int
    tables: bytes
    scan: bytes


def take_apart(jpeg: bytes) -> Parts:
    """Split a JPEG file (ITU-T T.81, annex B). Raises NotBaseline."""
    if jpeg[:2] != bytes((0xFF, _SOI)):
        raise NotBaseline("does not begin as a JPEG")
    width = height = 0
    tables: dict[int, bytes] = {}
    at = 2
    while at + 4 <= len(jpeg):
        marker, length = jpeg[at + 1], int.from_bytes(jpeg[at + 2 : at + 4], "big")
        segment = jpeg[at + 4 : at + 2 + length]
        at += 2 + length
        if length < 3 or len(segment) < length - 2:
            raise NotBaseline("ends within a segment")
        if marker == _DQT:
            tables[segment[0]] = segment[1:65]
        elif marker == _SOF0:
            if len(segment) != 15 or segment[7] != 0x22:
                raise NotBaseline("is not 4:2:0 in three components")
            height, width = struct.unpack(">HH", segment[1:5])
        elif marker == _SOS:
            if not width or set(tables) != {0, 1}:
                raise NotBaseline("has no baseline frame or not two tables")
            return Parts(width, height, tables[0] + tables[1], jpeg[at:].removesuffix(_EOI))
    raise NotBaseline("has no scan")


def payloads(parts: Parts) -> Iterator[tuple[bytes, bool]]:
    """The RTP payloads of one picture, each with whether it is the last (the RTP marker)."""
    for offset in range(0, len(parts.scan), FRAGMENT):
        header = struct.pack(">IBBBB", offset, 1, 255, parts.width // 8, parts.height // 8)
        if offset == 0:
            header += struct.pack(">BBH", 0, 0, len(parts.tables)) + parts.tables
        piece = parts.scan[offset : offset + FRAGMENT]
        yield header + piece, offset + FRAGMENT >= len(parts.scan)


class Packets:
    """The RTP packets of one session, interleaved on an RTSP connection's channel (RFC 2326, 10.12)."""

    def __init__(self, channel: int, ssrc: int) -> None:
        self._channel = channel
        self._ssrc = ssrc
        self._sequence = 0

    def of(self, jpeg: bytes, elapsed_s: float) -> bytes:
        """A picture taken at that time. Bytes that are no picture are sent as they are: a faulty camera does that."""
        try:
            pieces = list(payloads(take_apart(jpeg)))
        except NotBaseline:
            pieces = [(jpeg[:FRAGMENT], True)]
        stamp = int(elapsed_s * CLOCK_HZ) & 0xFFFFFFFF
        return b"".join(self._packet(payload, last, stamp) for payload, last in pieces)

    def _packet(self, payload: bytes, last: bool, stamp: int) -> bytes:
        self._sequence = (self._sequence + 1) & 0xFFFF
        kind = PAYLOAD_TYPE | (0x80 if last else 0)
        header = struct.pack(">BBHII", 0x80, kind, self._sequence, stamp, self._ssrc)
        return struct.pack(">cBH", b"$", self._channel, len(header) + len(payload)) + header + payload
