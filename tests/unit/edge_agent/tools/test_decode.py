from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import tty
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from devices.kiosk import hbp9030
from devices.truck.jt808.frames import encode_frame, make_frame
from edge_agent.tools import decode
from edge_agent.tools.recording import write_header
from tests.unit.devices.truck.nmea.receiver import drive, said, wire
from tests.unit.edge_agent.tools.commands import ran, run, started

GGA = said("GNGGA,164326,3015.0,N,11957.0,E,1,07,1.1,20.0,M,,M,,")
HEARTBEAT = encode_frame(make_frame(0x0002, b"", "13300001111", 7, is_2019=False))


def lines(out: bytes) -> list[dict[str, object]]:
    return [json.loads(line) for line in out.splitlines()]


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "truck.bin"
    path.write_bytes(write_header({"Protocol": "nmea", "Date": "2026-03-01"}) + b"noise\r\n" + wire(drive(3)))
    return path


def test_a_recording_is_printed_line_by_line(recording, capfdbinary):
    assert run(decode, "nmea", recording, "--device", "truck-12") == 0
    damaged, *readings = lines(capfdbinary.readouterr().out)
    assert damaged == {"type": "damaged", "reason": "between sentences", "bytes": b"noise".hex()}
    assert [(line["type"], line["kind"], line["device"]) for line in readings] == [
        ("reading", "truck_position", "truck-12")
    ] * 3
    assert set(readings[0]) >= {"at", "latitude", "longitude", "speed_kmh", "course_deg", "altitude_m"}


def test_standard_input_is_read_with_and_without_a_dash(recording):
    for arguments in (("nmea",), ("nmea", "-")):
        code, out, err = ran("decode", *arguments, given=recording.read_bytes())
        assert (code, err, len(lines(out))) == (0, "", 4)


@pytest.mark.parametrize(
    ("header", "options", "at", "clock"),
    [
        (b"# Date: 2012-01-19\n", (), "2012-01-19T16:43:26Z", "gateway"),
        (b"", (), "1970-01-01T16:43:26Z", "unsynchronised"),
        (b"", ("--received-at", "2026-03-01T16:43:27"), "2026-03-01T16:43:26Z", "gateway"),
        (b"# Date: 2012-01-19\n", ("--received-at", "2026-03-01"), "2026-02-28T16:43:26Z", "gateway"),
    ],
)
def test_a_time_without_date_gets_the_day_of_the_recording_or_the_one_given(header, options, at, clock):
    code, out, _ = ran("decode", "nmea", *options, given=header + GGA)
    assert code == 0
    (reading,) = lines(out)
    assert (reading["at"], reading["clock"]) == (at, clock)


def test_now_is_when_the_bytes_are_read():
    _, out, _ = ran("decode", "nmea", "--received-at", "now", given=GGA)
    at = datetime.fromisoformat(str(lines(out)[0]["at"]))
    assert abs(at - datetime.now(UTC)) < timedelta(hours=13)


def test_a_kiosk_s_clock_is_not_judged_by_when_its_recording_began():
    given = b"# Date: 2026-03-01\n2026,03,05,08,05,                    ,0,132,084,071,0\r\n"
    _, out, _ = ran("decode", "hbp9030", given=given)
    # "device" is the default, which is not said.
    assert (lines(out)[0].get("clock"), str(lines(out)[0]["at"])[:16]) == (None, "2026-03-05T00:05")
    _, out, _ = ran("decode", "hbp9030", "--received-at", "2026-03-01", "--utc-offset=-03:30", given=given)
    assert (lines(out)[0]["clock"], str(lines(out)[0]["at"])[:16]) == ("unsynchronised", "2026-03-05T11:35")


def test_hex_is_read_with_any_blanks():
    text = HEARTBEAT.hex(" ", 3).upper().replace(" ", " \r\n\t")
    code, out, _ = ran("decode", "jt808", "--hex", given=text.encode())
    assert code == 0
    (message,) = lines(out)
    assert (message["type"], message["id"], message["serial"]) == ("message", "0x0002", 7)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"24 47\n24 4x\n", "not hex in line 2"),
        (b"\xff", "not hex in line 1"),
        (b"24 4", "an odd number of hex digits"),
    ],
)
def test_wrong_hex_is_refused_by_its_line(text, reason):
    code, _, err = ran("decode", "nmea", "--hex", given=text)
    assert (code, err.strip()) == (2, f"decode: {reason}")


def test_what_cannot_be_read_is_said_with_exit_code_2(tmp_path, capfd):
    assert run(decode, "nmea", tmp_path / "absent") == 2
    assert capfd.readouterr().err == f"decode: {tmp_path}/absent: No such file or directory\n"
    assert run(decode, "nmea", tmp_path) == 2
    assert "Is a directory" in capfd.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [("morse",), ("nmea", "--utc-offset", "8"), ("nmea", "--received-at", "soon"), ()],
    ids=" ".join,
)
def test_a_wrong_option_is_exit_code_2(arguments, capfd):
    with pytest.raises(SystemExit) as end:
        run(decode, *arguments)
    assert end.value.code == 2
    assert "error:" in capfd.readouterr().err


def test_a_truck_terminal_names_itself_and_others_are_named():
    report = make_frame(0x0200, bytes(4) + (2).to_bytes(4, "big") + bytes.fromhex(
        "01cd1c1007260c20000a0064005a260301080304"), "13300001111", 8, is_2019=False)  # fmt: skip
    for options, device in (((), "13300001111"), (("--device", "truck-9"), "truck-9")):
        _, out, _ = ran("decode", "jt808", *options, given=encode_frame(report))
        assert [line["device"] for line in lines(out) if line["type"] == "reading"] == [device]


def test_a_pipe_is_answered_at_once_and_not_when_it_ends():
    with started("decode", "hbp9030") as running:
        running.given.write(hbp9030.encode_error(datetime(2026, 3, 1, tzinfo=UTC), 5))
        running.given.flush()
        # Standard input is still open: the line is there all the same.
        assert json.loads(running.printed.readline())["id"] == "error"
        running.given.close()
        assert running.process.wait(10) == 0


def test_a_terminal_is_a_live_device():
    master, slave = pty.openpty()
    tty.setraw(slave)
    with started("decode", "hbp9030", os.ttyname(slave)) as running:
        os.write(master, b"2012,01,19,08,05,                    ,0,132,084,071,0\r\n")
        # Its clock can be judged, because now is when the bytes came.
        assert json.loads(running.printed.readline())["clock"] == "unsynchronised"
        os.close(slave)
        os.close(master)
        # A line that hangs up reads as lost or as ended, by kernel; neither is a traceback.
        assert running.process.wait(10) in (0, 2)


def test_a_reader_that_has_seen_enough_is_no_error(tmp_path):
    path = tmp_path / "long.bin"
    path.write_bytes(wire(drive(20_000)))
    with started("decode", "nmea", path) as running:
        running.printed.readline()
        running.printed.close()
        assert running.process.stderr
        assert (running.process.stderr.read(), running.process.wait(10)) == (b"", 0)


def test_decoding_needs_neither_an_event_loop_nor_pictures():
    heavy = "('asyncio', 'cv2', 'numpy', 'serial')"
    seen = subprocess.run(
        [sys.executable, "-c", f"import sys, edge_agent.tools.decode; print([m for m in {heavy} if m in sys.modules])"],
        capture_output=True,
        check=True,
    )
    assert seen.stdout == b"[]\n"


def test_memory_does_not_grow_with_the_recording(tmp_path):
    path = tmp_path / "long.bin"
    day = wire(drive(10_000))
    with path.open("wb") as file:
        for _ in range(20):
            file.write(day)
    program = (
        "import sys, resource, argparse, edge_agent.tools.decode as d;"
        "p = argparse.ArgumentParser(); d.configure(p); a = p.parse_args(sys.argv[1:]);"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss; d.run(a);"
        "sys.stderr.write(str(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "nmea", str(path)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        check=True,
    )
    assert path.stat().st_size > 25_000_000
    assert int(done.stderr) < 6_000  # KiB
