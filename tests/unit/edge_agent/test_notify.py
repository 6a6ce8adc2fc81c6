from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_agent.notify import Notifier


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[tuple[str, socket.socket]]:
    """A socket such as systemd opens for a service of Type=notify."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        path = str(tmp_path / "notify")
        heard.bind(path)
        heard.settimeout(5)
        yield path, heard


def test_each_word_reaches_systemd_as_one_datagram(systemd: tuple[str, socket.socket]) -> None:
    path, heard = systemd
    notifier = Notifier({"NOTIFY_SOCKET": path})

    notifier.ready()
    notifier.alive()
    notifier.status("3 devices,\n12 readings spooled")
    notifier.stopping()

    assert [heard.recv(200) for _ in range(4)] == [
        b"READY=1",
        b"WATCHDOG=1",
        b"STATUS=3 devices, 12 readings spooled",
        b"STOPPING=1",
    ]


def test_an_abstract_socket_is_found_by_its_at_sign() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind("\0county-notify-test")
        heard.settimeout(5)

        Notifier({"NOTIFY_SOCKET": "@county-notify-test"}).ready()

        assert heard.recv(100) == b"READY=1"


def test_without_systemd_nothing_is_said_and_nothing_fails(tmp_path: Path) -> None:
    Notifier({}).ready()
    Notifier({"NOTIFY_SOCKET": str(tmp_path / "gone")}).alive()


@pytest.mark.parametrize(
    ("asked", "seconds"), [("30000000", 30.0), ("500000", 0.5), ("", None), ("0", None), ("soon", None)]
)
def test_the_watchdogs_period_comes_in_seconds(asked: str, seconds: float | None) -> None:
    assert Notifier({"WATCHDOG_USEC": asked}).watchdog_s == seconds
