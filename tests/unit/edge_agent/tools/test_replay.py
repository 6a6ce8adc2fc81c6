from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
import serial

from edge_agent.tools import replay
from edge_agent.tools.recording import write_header
from edge_agent.tools.replay import LONGEST_PAUSE_S, by_baud, by_time
from tests.unit.devices.truck.nmea.receiver import drive, said, wire
from tests.unit.edge_agent.tools.commands import run, started

SAID = b"\x00noise\xff\r\n" + wire(drive(20))


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "truck.bin"
    path.write_bytes(write_header({"Name": "truck 12"}) + SAID)
    return path


def read_all(path: str) -> bytes:
    """What a program sees that opens the line as a serial port, until the line hangs up."""
    heard = b""
    with serial.Serial(path, timeout=20) as port:
        while True:
            try:
                data = port.read(max(1, port.in_waiting))
            except OSError:
                return heard
            if not data:
                return heard
            heard += data


def test_a_program_on_the_pseudo_terminal_hears_the_recording_byte_for_byte(recording):
    with started("replay", recording, "--speed", "20") as running:
        path = running.printed.readline().decode().strip()
        assert read_all(path) == SAID
        assert running.process.wait(10) == 0


def test_a_link_names_the_line_while_it_is_there(recording, tmp_path):
    link = tmp_path / "ttyGNSS"
    link.symlink_to("/nowhere")
    with started("replay", recording, "--speed", "50", "--link", link) as running:
        assert running.printed.readline().decode().strip() == str(link)
        assert link.readlink() != Path("/nowhere")
        assert read_all(str(link)) == SAID
        assert running.process.wait(10) == 0
    assert not link.is_symlink()


def test_a_loop_plays_on_until_ctrl_c(recording):
    with started("replay", recording, "--speed", "100", "--loop") as running:
        path = running.printed.readline().decode().strip()
        heard = b""
        with serial.Serial(path, timeout=10) as port:
            while len(heard) < 3 * len(SAID):
                heard += port.read(1000)
        assert running.interrupted() == 0
    assert heard[: 3 * len(SAID)] == 3 * SAID


def test_a_reader_that_comes_back_finds_the_line_going_on(recording):
    with started("replay", recording, "--loop", "--baud", "115200") as running:
        path = running.printed.readline().decode().strip()
        for _ in range(3):
            with serial.Serial(path, timeout=10) as port:
                assert b"$GNRMC" in port.read(400)
        assert running.interrupted() == 0


def test_a_line_of_9600_baud_carries_960_bytes_a_second():
    parts = list(by_baud(bytes(2000), 9600))
    assert b"".join(part.data for part in parts) == bytes(2000)
    assert parts[0].due_s == 0
    assert parts[-1].due_s == pytest.approx((2000 - len(parts[-1].data)) / 960)
    assert max(len(part.data) for part in parts) <= 960 / 50


def test_epochs_are_due_when_their_times_say():
    journey = drive(3)
    late = [msgspec.structs.replace(journey[2], at=journey[2].at + timedelta(hours=1))]
    parts = list(by_time(b"noise\r\n" + wire(journey[:2]) + said("GPGSV,1,1,00") + wire(late)))
    assert [round(part.due_s, 3) for part in parts] == [0, 0, 0, 1, 1, 1, 1 + LONGEST_PAUSE_S, 1 + LONGEST_PAUSE_S]


def test_midnight_is_no_pause():
    assert [part.due_s for part in by_time(said("GPZDA,235959,,,,,", "GPZDA,000000.5,,,,,"))] == [0, 1.5]


def test_a_recording_that_is_not_there_or_empty_is_said_with_exit_code_2(tmp_path, capfd):
    assert run(replay, tmp_path / "absent") == 2
    empty = tmp_path / "empty.bin"
    empty.write_bytes(write_header({"Name": "nothing"}))
    assert run(replay, empty) == 2
    told = capfd.readouterr().err
    assert "No such file" in told
    assert "nothing is recorded" in told


def test_a_file_is_not_replaced_by_a_link(recording, tmp_path, capfd):
    precious = tmp_path / "precious"
    precious.write_text("x")
    assert run(replay, recording, "--link", precious) == 2
    assert precious.read_text() == "x"
    assert "File exists" in capfd.readouterr().err


@pytest.mark.parametrize("option", ["--speed", "--baud"])
@pytest.mark.parametrize("value", ["0", "-1", "inf", "nan", "fast"])
def test_a_pace_is_above_zero(option, value, recording, capfd):
    with pytest.raises(SystemExit) as end:
        run(replay, recording, f"{option}={value}")
    assert end.value.code == 2
    assert option in capfd.readouterr().err
