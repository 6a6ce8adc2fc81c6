import struct

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.camera.rtp_jpeg import FRAGMENT, NotBaseline, Packets, payloads, take_apart

FRAME = np.random.default_rng(3).integers(0, 255, (240, 320, 3), dtype=np.uint8)
JPEG = cv2.imencode(".jpg", FRAME, [cv2.IMWRITE_JPEG_QUALITY, 75])[1].tobytes()


def packets_of(stream):
    """The interleaved packets of a byte stream: channel, marker, sequence, timestamp, payload."""
    while stream:
        magic, channel, length = struct.unpack(">cBH", stream[:4])
        assert magic == b"$"
        packet, stream = stream[4 : 4 + length], stream[4 + length :]
        assert len(packet) == length
        _, kind, sequence, stamp, _ = struct.unpack(">BBHII", packet[:12])
        yield channel, kind >> 7, sequence, stamp, packet[12:]


def test_a_jpeg_is_taken_apart_into_size_tables_and_scan():
    parts = take_apart(JPEG)
    assert (parts.width, parts.height, len(parts.tables)) == (320, 240, 128)
    assert JPEG.endswith(parts.scan + b"\xff\xd9")


def test_the_fragments_carry_the_whole_scan_at_their_offsets():
    parts = take_apart(JPEG)
    scan = b""
    for payload, last in payloads(parts):
        offset, kind, quality, width, height = struct.unpack(">IBBBB", payload[:8])
        assert offset == len(scan)
        assert (kind, quality, width * 8, height * 8) == (1, 255, 320, 240)
        body = payload[8:]
        if offset == 0:
            assert body[:4] == bytes((0, 0, 0, 128))
            assert body[4:132] == parts.tables
            body = body[132:]
        scan += body
        assert last == (scan == parts.scan)
    assert scan == parts.scan


def test_packets_count_on_and_share_a_pictures_time_and_mark_its_end():
    sender = Packets(channel=2, ssrc=7)
    first, second = (list(packets_of(sender.of(JPEG, at_s))) for at_s in (1.0, 1.2))
    assert {packet[0] for packet in first} == {2}
    assert [packet[2] for packet in first + second] == list(range(1, len(first) + len(second) + 1))
    assert {packet[3] for packet in first} == {90_000}
    assert {packet[3] for packet in second} == {108_000}
    assert [packet[1] for packet in first] == [0] * (len(first) - 1) + [1]
    assert max(len(packet[4]) for packet in first) <= FRAGMENT + 8 + 4 + 128


def test_a_jpeg_that_is_not_420_is_refused():
    jpeg = cv2.imencode(".jpg", FRAME[:, :, 0])[1].tobytes()
    with pytest.raises(NotBaseline):
        take_apart(jpeg)


@given(st.binary(max_size=400).map(lambda data: b"\xff\xd8\xff" + data))
def test_bytes_that_only_begin_as_a_jpeg_are_refused(data):
    with pytest.raises(NotBaseline):
        take_apart(data)


def test_a_jpeg_cut_off_before_its_scan_is_refused_wherever_it_is_cut():
    scan = JPEG.index(take_apart(JPEG).scan)
    for end in range(scan):
        with pytest.raises(NotBaseline):
            take_apart(JPEG[:end])


def test_bytes_that_are_no_picture_are_sent_all_the_same():
    ((_, marker, _, _, payload),) = packets_of(Packets(0, 1).of(b"\x00" * 50, 0))
    assert (marker, payload) == (1, b"\x00" * 50)
