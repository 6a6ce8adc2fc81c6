from __future__ import annotations

import json

import pytest

from devices.truck.jt808.frames import encode_frame, make_frame
from edge_agent.tools import encode
from tests.unit.devices.kiosk.hbp9030.monitor import line as monitor_line
from tests.unit.devices.truck.nmea.receiver import drive, wire
from tests.unit.edge_agent.tools.commands import ran, run, started

FRAMES = [
    encode_frame(make_frame(0x0002, b"", "13300001111", 7, is_2019=False)),
    encode_frame(make_frame(0x0102, b"\x04code" + b"\x7d\x7e" * 17 + b"x", "13300001111", 8, is_2019=True)),
    encode_frame(make_frame(0x0F01, b"\x00\x01", "13300001111", 9, is_2019=False)),
]


@pytest.mark.parametrize(
    ("protocol", "stream"),
    [
        ("nmea", wire(drive(20))),
        ("hbp9030", monitor_line() + monitor_line("128,082,070") + monitor_line("   ,   ,   ", end="5,{},2")),
        ("jt808", b"".join(FRAMES)),
    ],
)
def test_encoding_what_was_decoded_gives_the_same_bytes(protocol, stream):
    code, out, _ = ran("decode", protocol, given=stream)
    assert code == 0
    assert ran("encode", protocol, given=out) == (0, stream, "")


def test_hex_goes_both_ways_a_line_for_a_line():
    text = b"".join(frame.hex().encode() + b"\n" for frame in FRAMES)
    _, out, _ = ran("decode", "jt808", "--hex", given=text)
    assert ran("encode", "jt808", "--hex", given=out) == (0, text, "")


def test_a_line_is_encoded_as_soon_as_it_is_there():
    with started("encode", "jt808", "--hex") as running:
        _, out, _ = ran("decode", "jt808", given=FRAMES[0])
        running.given.write(out)
        running.given.flush()
        assert running.printed.readline() == FRAMES[0].hex().encode() + b"\n"
        running.given.close()
        assert running.process.wait(10) == 0


def test_what_stands_for_no_bytes_is_left_out(tmp_path, capfdbinary):
    path = tmp_path / "lines.jsonl"
    others = [{"type": "damaged", "reason": "x", "bytes": "00"}, {"type": "answer", "bytes": "00"}, {"type": "hangup"}]
    path.write_text("\n".join(json.dumps(line) for line in others) + "\n\n")
    for protocol in ("nmea", "hbp9030", "jt808"):
        assert run(encode, protocol, path) == 0
    assert capfdbinary.readouterr() == (b"", b"")


_POSITION = {"type": "reading", "kind": "truck_position", "device": "t", "at": "2026-03-01T00:00:00Z"}
_POSITION |= {"latitude": 30.0, "longitude": 120.0}
_PRESSURE = {"type": "reading", "kind": "blood_pressure", "device": "k", "at": "2026-03-01T00:00:00Z"}
_PRESSURE |= {"systolic_mmhg": 132, "diastolic_mmhg": 84, "pulse_bpm": 71}
_ERROR = {"type": "message", "id": "error", "at": "2026-03-01T00:00:00Z", "fields": {"error": 5, "movements": 0}}


@pytest.mark.parametrize(
    ("protocol", "line", "reason"),
    [
        ("nmea", "{", "truncated"),
        ("nmea", {}, "not an object with a `type`"),
        ("nmea", _POSITION | {"latitude": 91}, "latitude"),
        ("nmea", _PRESSURE, "truck positions only"),
        ("hbp9030", _POSITION, "blood pressures only"),
        ("hbp9030", _PRESSURE | {"pulse_bpm": 39}, "pulse_bpm 39"),
        ("hbp9030", _ERROR | {"at": "noon"}, "at: 'noon'"),
        ("hbp9030", _ERROR | {"fields": {"error": "many"}}, "error"),
        ("hbp9030", _ERROR | {"fields": {"error": 5, "movements": "many"}}, "movements"),
        ("hbp9030", _ERROR | {"fields": [5]}, "fields"),
        ("jt808", {"type": "message", "id": "0x0002"}, "version"),
    ],
)
def test_a_line_that_cannot_be_encoded_is_named_with_exit_code_2(protocol, line, reason, tmp_path, capfd):
    path = tmp_path / "lines.jsonl"
    path.write_text("\n" + (line if isinstance(line, str) else json.dumps(line)) + "\n")
    assert run(encode, protocol, path) == 2
    err = capfd.readouterr().err
    assert err.startswith("encode: line 2: ")
    assert reason in err


def test_the_talker_and_the_clock_can_be_chosen(tmp_path, capfdbinary):
    path = tmp_path / "lines.jsonl"
    path.write_text(json.dumps(_POSITION))
    assert run(encode, "nmea", path, "--talker", "GB") == 0
    assert capfdbinary.readouterr().out.startswith(b"$GBRMC,000000.000,A,3000.00000,N,12000.00000,E,,,010326")
    path.write_text(json.dumps(_PRESSURE))
    assert run(encode, "hbp9030", path, "--utc-offset", "+00:00") == 0
    assert capfdbinary.readouterr().out.startswith(b"2026,03,01,00,00,")
