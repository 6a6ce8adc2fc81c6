"""Tells systemd how the agent is doing: ready, alive, stopping; silent where nobody asked (sd_notify(3))."""

from __future__ import annotations

import socket
from collections.abc import Mapping


class Notifier:
    """Sends datagrams to the socket that systemd names in NOTIFY_SOCKET; does nothing where there is none."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._address = _address(environment.get("NOTIFY_SOCKET", ""))
        self.watchdog_s = _watchdog_s(environment.get("WATCHDOG_USEC", ""))

    def ready(self) -> None:
        """The agent reads its devices: `systemctl start` returns."""
        self._tell("READY=1")

    def alive(self) -> None:
        """The agent still does its work; without this for `watchdog_s` systemd restarts it."""
        self._tell("WATCHDOG=1")

    def stopping(self) -> None:
        """The agent is on its way out, orderly."""
        self._tell("STOPPING=1")

    def status(self, text: str) -> None:
        """One line for `systemctl status`."""
        self._tell(f"STATUS={' '.join(text.split())}")

    def _tell(self, text: str) -> None:
        if self._address is None:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as way:
                way.sendto(text.encode(), self._address)
        except OSError:
            # A supervisor that is not there or not reading is no reason for a gateway to stop; the watchdog
            # is what acts on silence.
            return


def _address(name: str) -> str | None:
    """A file's path, or an abstract name (written with @); anything else is none (vsock is not for us)."""
    if name.startswith("@"):
        return f"\0{name[1:]}"
    return name if name.startswith("/") else None


def _watchdog_s(microseconds: str) -> float | None:
    """WATCHDOG_USEC in seconds, or None where no watchdog is asked for."""
    return int(microseconds) / 1e6 if microseconds.isdigit() and int(microseconds) else None
