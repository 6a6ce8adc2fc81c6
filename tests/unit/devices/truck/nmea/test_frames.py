from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.events import Damaged
from devices.truck.nmea.frames import LONGEST, Deframer, Frame, checksum, encode_frame
from tests.unit.devices.truck.nmea.receiver import sentence

#: What stands on the wire, and what is found in it: a body, or the reason why there is none.
TABLE = [
    ("a sentence", b"$GPGLL,1,2*53\r\n", [b"GPGLL,1,2"]),
    ("a checksum in lower case", b"$GPRMC,205150.00,V,,,,,,,,,,,V*4a\r\n", [b"GPRMC,205150.00,V,,,,,,,,,,,V"]),
    ("line feed alone ends it", b"$GPGLL,1,2*53\n", [b"GPGLL,1,2"]),
    ("carriage return alone ends it", b"$GPGLL,1,2*53\r", [b"GPGLL,1,2"]),
    ("the next sentence ends it", b"$GPGLL,1,2*53$GPGLL,1,2*53\r\n", [b"GPGLL,1,2", b"GPGLL,1,2"]),
    ("the end of the stream ends it", b"$GPGLL,1,2*53", [b"GPGLL,1,2"]),
    ("blanks before the line end", b"$GPGLL,1,2*53  \r\n", [b"GPGLL,1,2"]),
    ("an AIS sentence", b"!AIVDM,1,1,,A,1,0*17\r\n", [b"AIVDM,1,1,,A,1,0"]),
    ("a wrong checksum", b"$GPGLL,1,3*53\r\n", ["wrong checksum"]),
    ("no checksum", b"$GPTXT,TELIT SW Version\r\n", ["no checksum"]),
    ("half a checksum", b"$GPGLL,1,2*5\r\n", ["not a sentence"]),
    ("two checksums", b"$GPGLL,1*53,2*53\r\n", ["not a sentence"]),
    ("a byte that is no character", b"$GPGLL,1,\x002*53\r\n", ["not a sentence"]),
    ("cut off by the next", b"$GPGGA,0307$GPGLL,1,2*53\r\n", ["no checksum", b"GPGLL,1,2"]),
    ("a cut first line", b"3,265,15*7E\r\n$GPGLL,1,2*53\r\n", ["between sentences", b"GPGLL,1,2"]),
    ("a stray character before it", b"r$GPGLL,1,2*53\r\n", ["between sentences", b"GPGLL,1,2"]),
    ("binary between sentences", b"\xb5\x62\x01\x07\x00$GPGLL,1,2*53\r\n", ["between sentences", b"GPGLL,1,2"]),
    ("empty lines", b"\r\n\n\r\r\n$GPGLL,1,2*53\r\n\r\n", [b"GPGLL,1,2"]),
    ("only a start", b"$\r\n", ["not a sentence"]),
]


def found(stream: bytes, chunk: int = 1 << 20, **options: bool) -> list[bytes | str]:
    deframer = Deframer(**options)
    frames: list[Frame | Damaged] = []
    for at in range(0, len(stream), chunk):
        frames += deframer.feed(stream[at : at + chunk])
    frames += deframer.finish()
    return [frame.body if isinstance(frame, Frame) else frame.reason for frame in frames]


@pytest.mark.parametrize("chunk", [1 << 20, 1, 7])
@pytest.mark.parametrize(("stream", "expected"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_a_stream_is_cut_into_sentences_and_damage(stream, expected, chunk):
    assert found(stream, chunk) == expected


@given(st.binary(max_size=128))
def test_the_folded_checksum_is_the_xor_of_all_bytes(body):
    slow = 0
    for byte in body:
        slow ^= byte
    assert checksum(body) == slow


def test_an_encoded_frame_is_read_back():
    assert found(encode_frame(b"GNTXT,01,01,02,ok")) == [b"GNTXT,01,01,02,ok"]


def test_a_device_known_to_send_no_checksums_is_taken_at_its_word():
    assert found(b"$GPGLL,1,2\r\n", checksum_required=False) == [b"GPGLL,1,2"]
    assert found(b"$GPGLL,1,3*53\r\n", checksum_required=False) == ["wrong checksum"]
    assert found(b"$garbage\r\n", checksum_required=False) == ["no checksum"]


def test_the_longest_sentence_is_read_and_a_longer_one_is_damage():
    longest = sentence("GPTXT," + "x" * (LONGEST - 10))
    assert len(longest.rstrip()) == LONGEST
    assert found(longest) == [longest[1:-5]]
    too_long = sentence("GPTXT," + "x" * (LONGEST - 9))
    assert found(too_long)[0] == "sentence too long"


@pytest.mark.parametrize("unit", [b"$", b"x", b"\x00\xff", b"!,", b"$GPGGA,"])
def test_a_stream_without_end_holds_no_more_than_a_sentence(unit):
    deframer = Deframer()
    damaged = 0
    for _ in range(2000):
        pieces = deframer.feed(unit * 10)
        assert all(len(piece.data) <= LONGEST + 4 for piece in pieces if isinstance(piece, Damaged))
        damaged += len(pieces)
    assert len(deframer._held) <= LONGEST + 4
    assert damaged > 0
    assert found(unit * 50 + b"\r\n" + sentence("GPGLL,1,2"))[-1] == b"GPGLL,1,2"


_PIECES = st.one_of(
    st.binary(max_size=40),
    st.sampled_from([b"$", b"!", b"*", b"*53", b"\r", b"\n", b"\r\n", b" ", b"$GPGLL,1,2*53", sentence("GPGLL,1,2")]),
    st.integers(100, 130).map(lambda size: b"$" + b"x" * size),
    st.integers(100, 130).map(lambda size: sentence("GP" + "y" * size)),
)


@given(st.lists(_PIECES, max_size=12).map(b"".join), st.integers(1, 200))
def test_the_chunks_make_no_difference(stream, chunk):
    assert found(stream, chunk) == found(stream)


@given(st.lists(st.binary(max_size=150), max_size=8))
def test_noise_between_sentences_costs_no_sentence(noises):
    stream = b"".join(noise + sentence(f"GPGLL,{number}") for number, noise in enumerate(noises))
    bodies = [body for body in found(stream) if isinstance(body, bytes)]
    assert [body for body in bodies if body.startswith(b"GPGLL")] == [f"GPGLL,{n}".encode() for n in range(len(noises))]
