"""Frames: cut out of any stream, believed only whole, and written back."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from devices.events import Damaged
from devices.truck.jt808.frames import MAX_BODY, MAX_RUN, Deframer, Frame, encode_frame, make_frame
from tests.unit.devices.truck.jt808.streams import believable, chunked, content_of, frames, noise

HEARTBEAT = bytes.fromhex("7e 0002 0000 012345678901 7fff 0a 7e")
SIZES = st.lists(st.integers(1, 50), min_size=1, max_size=8)


def frames_in(events: list[Frame | Damaged]) -> list[Frame]:
    return [event for event in events if isinstance(event, Frame)]


@pytest.mark.parametrize(
    ("meaning", "wire", "frame"),
    [
        ("2013", HEARTBEAT.hex(), Frame(2, 0, 0, "012345678901", 0x7FFF, 0, 0, b"")),
        (
            "2019: protocol version and ten bytes of phone",
            "7e 0002 4000 01 00000000013300001111 0001 70 7e",
            Frame(2, 0x4000, 1, "00000000013300001111", 1, 0, 0, b""),
        ),
        (
            "escaped: 7D and 7E in the body",
            "7e 0900 0003 012345678901 0000 f1 7d01 7d02 70 7e",
            Frame(0x900, 3, 0, "012345678901", 0, 0, 0, b"\xf1\x7d\x7e"),
        ),
        (
            "part 2 of 3",
            "7e 0801 2001 012345678901 0005 0003 0002 aa 0e 7e",
            Frame(0x801, 0x2001, 0, "012345678901", 5, 3, 2, b"\xaa"),
        ),
        (
            "a phone that is hex, encrypted body, reserved bit",
            "7e 0900 8401 fedcba987654 0000 01 af 7e",
            Frame(0x900, 0x8401, 0, "fedcba987654", 0, 0, 0, b"\x01"),
        ),
        (
            "more declared than carried",
            "7e 0900 0032 012345678901 0000 01 b2 7e",
            Frame(0x900, 0x32, 0, "012345678901", 0, 0, 0, b"\x01"),
        ),
    ],
)
def test_a_frame_is_read_and_written(meaning: str, wire: str, frame: Frame) -> None:
    assert Deframer().feed(bytes.fromhex(wire)) == [frame], meaning
    assert encode_frame(frame) == bytes.fromhex(wire), meaning


@pytest.mark.parametrize(
    ("wire", "reason"),
    [
        ("7e 0002 0000 012345678901 7fff 0b 7e", "wrong checksum"),
        ("7e 0002 0000 012345678901 7fff 7d03 0a 7e", "bad escape"),
        ("7e 0002 0000 012345678901 7fff 0a 7d 7e", "bad escape"),
        ("7e 0002 00 7e", "too short for a header"),
        ("7e 0002 4000 01 00000000 45 0000 0000 06 7e", "too short for a header"),
        ("7e 0002 2000 012345678901 7fff 0001 2b 7e", "too short for a header"),
    ],
)
def test_what_is_no_whole_frame_is_damage_and_the_next_frame_is_read(wire: str, reason: str) -> None:
    deframer = Deframer()
    (damage,) = deframer.feed(bytes.fromhex(wire))
    assert isinstance(damage, Damaged)
    assert damage.reason == reason
    assert damage.data == bytes.fromhex(wire)[1:-1]
    assert len(frames_in(deframer.feed(HEARTBEAT))) == 1


def test_two_frames_may_share_their_mark() -> None:
    assert len(frames_in(Deframer().feed(HEARTBEAT + HEARTBEAT[1:]))) == 2


def test_any_number_of_marks_between_frames_is_silence() -> None:
    events = Deframer().feed(b"\x7e\x7e" + HEARTBEAT + b"\x7e\x7e\x7e" + HEARTBEAT)
    assert len(events) == len(frames_in(events)) == 2


def test_bytes_before_the_first_mark_are_damage() -> None:
    first, second = Deframer().feed(b"\x01\x02" + HEARTBEAT)
    assert first == Damaged("bytes before the first mark", b"\x01\x02")
    assert isinstance(second, Frame)


def test_a_whole_frame_without_its_first_mark_is_not_believed() -> None:
    (event,) = Deframer().feed(HEARTBEAT[1:])
    assert event == Damaged("bytes before the first mark", HEARTBEAT[1:-1])


def test_pending_counts_the_bytes_of_an_unfinished_frame() -> None:
    deframer = Deframer()
    deframer.feed(HEARTBEAT + HEARTBEAT[:5])
    assert deframer.pending == 5
    deframer.feed(HEARTBEAT[5:])
    assert deframer.pending == 0


def test_a_frame_without_end_is_given_up_in_pieces_and_the_next_one_read() -> None:
    deframer = Deframer()
    held = 0
    events: list[Frame | Damaged] = []
    for _ in range(100):
        events += deframer.feed(b"\x7e" * (not events and held == 0) + b"\x55" * 1000)
        held = max(held, deframer.pending)
    events += deframer.feed(HEARTBEAT)
    assert held <= MAX_RUN + 1
    assert sum(len(event.data) for event in events if isinstance(event, Damaged)) == 100_000
    assert {event.reason for event in events if isinstance(event, Damaged)} == {f"no end mark in {MAX_RUN} bytes"}
    assert len(frames_in(events)) == 1


def test_the_end_of_an_overlong_run_is_no_frame_even_if_its_checksum_holds() -> None:
    tail = b"\0" * MAX_RUN + HEARTBEAT[1:-1]
    assert frames_in(Deframer().feed(b"\x7e" + tail + b"\x7e")) == []


def test_an_unfinished_frame_is_damage_when_the_stream_ends() -> None:
    deframer = Deframer()
    deframer.feed(HEARTBEAT[:-1])
    assert deframer.finish() == [Damaged("the stream ended inside a frame", HEARTBEAT[1:-1])]
    assert deframer.finish() == []


def test_a_body_over_1023_bytes_must_be_split() -> None:
    with pytest.raises(ValueError, match="1024 bytes"):
        make_frame(0x0801, bytes(MAX_BODY + 1), "1", 0, is_2019=False)


@pytest.mark.parametrize(("is_2019", "digits"), [(False, 12), (True, 20)])
def test_a_phone_longer_than_its_field_is_refused(is_2019: bool, digits: int) -> None:
    assert make_frame(2, b"", "9" * digits, 0, is_2019=is_2019).phone == "9" * digits
    with pytest.raises(ValueError, match="digits"):
        make_frame(2, b"", "9" * (digits + 1), 0, is_2019=is_2019)


def test_a_phone_that_is_not_of_its_edition_cannot_be_written() -> None:
    with pytest.raises(ValueError, match="digits of its edition"):
        encode_frame(Frame(2, 0, 0, "0123", 0, 0, 0, b""))


@given(frames())
def test_reading_undoes_writing(frame: Frame) -> None:
    assert Deframer().feed(encode_frame(frame)) == [frame]


@given(st.lists(st.one_of(frames().map(encode_frame), noise), max_size=6).map(b"".join), SIZES)
@example(b"\x7e" + b"\x11" * (2 * MAX_RUN) + b"\x7e", [1])
@example(b"\x11" * (MAX_RUN + 1) + HEARTBEAT, [1, 4096])
def test_chunks_make_no_difference(stream: bytes, sizes: list[int]) -> None:
    whole, pieces = Deframer(), Deframer()
    expected = [*whole.feed(stream), *whole.finish()]
    events = [event for chunk in chunked(stream, sizes) for event in pieces.feed(chunk)]
    assert [*events, *pieces.finish()] == expected


@given(st.lists(st.tuples(noise, frames()), max_size=5))
def test_noise_between_frames_costs_no_frame(pairs: list[tuple[bytes, Frame]]) -> None:
    stream = b"".join(before + encode_frame(frame) for before, frame in pairs)
    # One checksum byte: now and then noise is a frame by chance, so ours are looked for among what came out.
    found = iter(frames_in(Deframer().feed(stream)))
    assert all(any(frame == other for other in found) for _, frame in pairs)


@given(frames(), st.data())
def test_a_frame_with_one_byte_changed_is_not_that_frame(frame: Frame, data: st.DataObject) -> None:
    wire = bytearray(encode_frame(frame))
    at = data.draw(st.integers(1, len(wire) - 2))
    wire[at] ^= data.draw(st.integers(1, 255))
    found = frames_in(Deframer().feed(bytes(wire)))
    assert frame not in found
    assert [content_of(other) for other in found] == [
        content for content in believable(bytes(wire)) if len(content) >= 13 and content in map(content_of, found)
    ]


@given(st.lists(st.one_of(frames().map(encode_frame), noise), max_size=6).map(b"".join))
def test_nothing_is_believed_that_a_reader_byte_by_byte_does_not_believe(stream: bytes) -> None:
    contents = iter(believable(stream))
    for frame in frames_in(Deframer().feed(stream)):
        assert any(content == content_of(frame) for content in contents)
