from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.events import Damaged
from devices.kiosk.hbp9030.frames import HELD, SIZE, Deframer, Frame, redacted
from tests.unit.devices.kiosk.hbp9030.monitor import IDENTITY, line

GOOD = line()
WHOLE = GOOD[:SIZE]

#: What stands on the wire, and what is found in it: a result, or the reason why there is none.
TABLE = [
    ("a result", GOOD, [WHOLE]),
    ("line feed alone ends it", WHOLE + b"\n", [WHOLE]),
    ("two results", GOOD + GOOD, [WHOLE, WHOLE]),
    ("noise before it", b"\x00\xff??" + GOOD, ["between results", WHOLE]),
    ("the first one lost its line end", WHOLE + GOOD, ["between results", WHOLE]),
    ("empty lines", b"\r\n\n" + GOOD + b"\r\n", [WHOLE]),
    ("format 1", b"MMBP203N,1,2\r\n" + GOOD, ["unsupported format", WHOLE]),
    ("format 2 or 3", b"ID00000001\r\n" + GOOD, ["unsupported format", WHOLE]),
    ("format 4", b"bp,00000000000000000001,2026/03/01,08:05,140,098,077,068,3\r\n", ["unsupported format"]),
    ("a byte too few", GOOD[1:], ["not a format 5 result"]),
    ("a letter in a number", GOOD.replace(b"132", b"1E2"), ["not a format 5 result"]),
    ("a blank in a number", GOOD.replace(b"132", b" 32"), ["not a format 5 result"]),
    ("a comma in the ID", GOOD.replace(b" " * 20, b"," + b" " * 19), ["not a format 5 result"]),
    ("a control character in the ID", GOOD.replace(b" " * 20, b"\x07" + b" " * 19), ["not a format 5 result"]),
    ("the stream ends inside one", GOOD[:40], ["cut off"]),
    ("the stream ends before the line does", WHOLE, ["cut off"]),
]


def found(stream: bytes, chunk: int = 1 << 20) -> list[bytes | str]:
    deframer = Deframer()
    frames: list[Frame | Damaged] = []
    for at in range(0, len(stream), chunk):
        frames += deframer.feed(stream[at : at + chunk])
    frames += deframer.finish()
    return [frame.line if isinstance(frame, Frame) else frame.reason for frame in frames]


@pytest.mark.parametrize("chunk", [1 << 20, 1, 7])
@pytest.mark.parametrize(("stream", "expected"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_a_stream_is_cut_into_results_and_damage(stream, expected, chunk):
    assert found(stream, chunk) == expected


def test_a_stream_without_line_ends_is_not_held():
    deframer = Deframer()
    damaged = [piece for _ in range(1000) for piece in deframer.feed(b"x" * 50)]
    assert len(deframer._held) < HELD
    assert sum(len(piece.data) for piece in damaged) + len(deframer._held) == 50_000
    assert found(b"x" * 1000 + GOOD)[-1] == WHOLE


@given(
    st.lists(st.binary(max_size=300) | st.sampled_from([GOOD, WHOLE, b"\r", b"\n", b"\r\n"]), max_size=8).map(b"".join),
    st.integers(1, 400),
)
def test_the_chunks_make_no_difference(stream, chunk):
    assert found(stream, chunk) == found(stream)


@given(st.lists(st.binary(max_size=300), max_size=8))
def test_noise_between_results_costs_no_result(noises):
    lines = [line(f"132,084,{40 + number:03d}") for number in range(len(noises))]
    stream = b"".join(noise + result for noise, result in zip(noises, lines, strict=True))
    assert [frame for frame in found(stream) if isinstance(frame, bytes)] == [result[:SIZE] for result in lines]


@given(st.binary(max_size=40), st.integers(0, 60), st.sampled_from([b"\r\n", b"", b"\x00", b"x\r\n"]))
def test_damage_never_holds_the_id(noise, cut, end):
    named = line(subject=IDENTITY)[:SIZE]
    for stream in (noise + named + end, named[cut:] + end, named[:cut] + end, named[:cut] + noise + named[cut:] + end):
        deframer = Deframer()
        for piece in (*deframer.feed(stream), *deframer.finish()):
            if isinstance(piece, Damaged):
                kept = piece.data
                digits = max((run for run in kept.replace(b",", b"*").split(b"*")), key=len)
                assert IDENTITY.encode() not in kept
                assert len(digits.strip()) <= 4, kept


def test_redaction_leaves_what_a_technician_needs():
    wrong = line("1E2,084,071", subject=IDENTITY)[:SIZE]
    assert redacted(wrong) == b"2026,03,01,08,05," + b"*" * 20 + b",*,***,***,***,*"
    too_long = line(subject=IDENTITY + "xxx")[:-2]
    assert redacted(too_long) == b"2026,03,01,08,05," + b"*" * 21 + b",0,132,084,071,0"
