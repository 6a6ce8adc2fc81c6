from __future__ import annotations

import os
import pty
import signal
import socket
import threading
import tty
from datetime import UTC, datetime
from pathlib import Path

from edge_agent.tools import capture
from edge_agent.tools.recording import Opening
from tests.unit.devices.truck.nmea.receiver import drive, wire
from tests.unit.edge_agent.tools.commands import run, started

SAID = b"noise\r\n" + wire(drive(5))


class Terminal:
    """A device behind a TCP port: says its piece to whoever connects, and hangs up."""

    def __init__(self, data: bytes) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"socket://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, args=(data,))
        self._thread.start()

    def _serve(self, data: bytes) -> None:
        connection, _ = self._listener.accept()
        with connection:
            connection.sendall(data)

    def close(self) -> None:
        self._thread.join(10)
        self._listener.close()


def opened(path: Path) -> tuple[Opening, bytes]:
    opening = Opening()
    return opening, opening.feed(path.read_bytes()) + opening.finish()


def test_a_recording_holds_every_byte_under_a_header(tmp_path, capfd):
    device = Terminal(SAID)
    file = tmp_path / "truck.bin"
    code = run(capture, device.url, file, "--protocol", "nmea", "--name", "truck 12", "--note", "in the pit")
    device.close()
    assert code == 1  # the device went away
    opening, data = opened(file)
    assert data == SAID
    assert opening.header["Protocol"] == "nmea"
    assert opening.header["Name"] == "truck 12"
    assert opening.header["Note"] == "in the pit"
    assert opening.header["Source"] == device.url
    began = opening.began_at()
    assert began is not None
    assert abs((datetime.now(UTC) - began).total_seconds()) < 60
    told = capfd.readouterr().err
    # The last position waits for its cycle to end.
    assert "4 readings, 0 messages, 1 damaged" in told
    assert f"{len(SAID)} bytes" in told


def test_what_a_kiosk_says_is_for_its_owner_s_eyes(tmp_path):
    device = Terminal(SAID)
    run(capture, device.url, tmp_path / "kiosk.bin")
    device.close()
    assert (tmp_path / "kiosk.bin").stat().st_mode & 0o777 == 0o600


def test_a_recording_ends_when_its_time_is_up(tmp_path, capfd):
    master, slave = pty.openpty()
    tty.setraw(slave)
    os.write(master, SAID)
    file = tmp_path / "truck.bin"
    assert run(capture, os.ttyname(slave), file, "--baud", "115200", "--seconds", "0.3") == 0
    assert opened(file)[1] == SAID
    assert opened(file)[0].header["Source"].endswith(", 115200 baud 8N1")
    assert "ended" in capfd.readouterr().err
    os.close(master)
    os.close(slave)


def test_ctrl_c_ends_a_recording_well(tmp_path):
    master, slave = pty.openpty()
    tty.setraw(slave)
    file = tmp_path / "truck.bin"
    process = started("capture", os.ttyname(slave), file)
    with process:
        os.write(master, SAID)
        while not file.exists() or opened(file)[1] != SAID:
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
    assert opened(file)[1] == SAID
    os.close(master)
    os.close(slave)


def test_a_file_that_exists_is_not_replaced_unasked(tmp_path, capfd):
    file = tmp_path / "truck.bin"
    file.write_bytes(b"precious")
    device = Terminal(SAID)
    assert run(capture, device.url, file) == 2
    device.close()
    assert file.read_bytes() == b"precious"
    assert "--force" in capfd.readouterr().err
    device = Terminal(SAID)
    assert run(capture, device.url, file, "--force") == 1
    device.close()
    assert opened(file)[1] == SAID


def test_a_device_that_is_not_there_is_said_and_leaves_no_file(tmp_path, capfd):
    file = tmp_path / "truck.bin"
    for source in (tmp_path / "ttyUSB9", "socket://127.0.0.1:1", "carrier-pigeon://x"):
        assert run(capture, source, file) == 2
        assert capfd.readouterr().err.startswith(f"capture: {source}: ")
    assert not file.exists()


def test_a_folder_that_is_not_there_is_said(tmp_path, capfd):
    device = Terminal(SAID)
    assert run(capture, device.url, tmp_path / "absent" / "truck.bin") == 2
    device.close()
    assert "No such file" in capfd.readouterr().err


def test_the_rate_is_that_of_the_last_second_and_more():
    progress = capture.Progress(None, 100.0)
    progress.add(b"x" * 960, datetime(2026, 3, 1, tzinfo=UTC))
    assert progress.line(100.5) == "960 bytes, 0 bytes/s"
    assert progress.line(102.0) == "960 bytes, 480 bytes/s"
    progress.add(b"x" * 1000, datetime(2026, 3, 1, tzinfo=UTC))
    assert progress.line(103.0) == "1,960 bytes, 1,000 bytes/s"
