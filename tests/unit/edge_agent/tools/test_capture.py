from __future__ import annotations

import os
import pty
import socket
import threading
import tty
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from edge_agent.tools import capture
from edge_agent.tools.recording import Opening
from tests.unit.devices.truck.nmea.receiver import drive, wire
from tests.unit.edge_agent.tools.commands import Running, run, started

SAID = b"noise\r\n" + wire(drive(5))


class Terminal:
    """A device behind a TCP port: says its piece when it is listened to, and hangs up.

    pyserial throws away what it finds when it opens a socket; the recording's header is written after that.
    """

    def __init__(self, data: bytes, recording: Path) -> None:
        self._recording = recording
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"socket://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, args=(data,))
        self._thread.start()

    def _serve(self, data: bytes) -> None:
        connection, _ = self._listener.accept()
        with connection:
            connection.settimeout(0.01)
            while not (self._recording.exists() and self._recording.read_bytes().startswith(b"# Name")):
                try:
                    if not connection.recv(1):
                        return
                except TimeoutError:
                    pass
            connection.sendall(data)

    def close(self) -> None:
        self._thread.join(10)
        self._listener.close()


def opened(path: Path) -> tuple[Opening, bytes]:
    opening = Opening()
    return opening, opening.feed(path.read_bytes()) + opening.finish()


def test_a_recording_holds_every_byte_under_a_header(tmp_path, capfd):
    file = tmp_path / "truck.bin"
    device = Terminal(SAID, file)
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
    assert "5 readings, 0 messages, 1 damaged" in told
    assert f"{len(SAID)} bytes" in told


def test_what_a_kiosk_says_is_for_its_owner_s_eyes(tmp_path):
    device = Terminal(SAID, tmp_path / "kiosk.bin")
    run(capture, device.url, tmp_path / "kiosk.bin")
    device.close()
    assert (tmp_path / "kiosk.bin").stat().st_mode & 0o777 == 0o600


@pytest.fixture
def port() -> Iterator[tuple[int, str]]:
    """The far side of a serial line, and the path of the near one."""
    master, slave = pty.openpty()
    tty.setraw(slave)
    yield master, os.ttyname(slave)
    os.close(master)
    os.close(slave)


def until_opened(file: Path, running: Running) -> None:
    """A port is flushed when it is opened; the file is there afterwards."""
    while not (file.exists() and file.stat().st_size):
        assert running.process.poll() is None


def test_a_recording_ends_when_its_time_is_up(tmp_path, port):
    device, path = port
    file = tmp_path / "truck.bin"
    with started("capture", path, file, "--baud", "115200", "--seconds", "0.5") as running:
        until_opened(file, running)
        os.write(device, SAID)
        assert running.process.wait(10) == 0
        assert running.process.stderr
        assert b"ended: " in running.process.stderr.read()
    assert opened(file)[1] == SAID
    assert opened(file)[0].header["Source"].endswith(", 115200 baud 8N1")


def test_ctrl_c_ends_a_recording_well(tmp_path, port):
    device, path = port
    file = tmp_path / "truck.bin"
    with started("capture", path, file) as running:
        until_opened(file, running)
        os.write(device, SAID)
        while opened(file)[1] != SAID:
            assert running.process.poll() is None
        assert running.interrupted() == 0
    assert opened(file)[1] == SAID


def test_a_file_that_exists_is_not_replaced_unasked(tmp_path, capfd):
    file = tmp_path / "truck.bin"
    file.write_bytes(b"precious")
    device = Terminal(SAID, file)
    assert run(capture, device.url, file) == 2
    device.close()
    assert file.read_bytes() == b"precious"
    assert "--force" in capfd.readouterr().err
    device = Terminal(SAID, file)
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
    device = Terminal(SAID, tmp_path / "absent" / "truck.bin")
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
