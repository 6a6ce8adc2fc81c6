"""A pseudo-terminal that stands in for a serial port: the gateway opens its link like any device path."""

from __future__ import annotations

import asyncio
import fcntl
import os
import termios
import tty
from pathlib import Path


class Pty:
    """One serial wire. What is written comes out of the port at `link`; a full buffer makes the device wait.

    The slave side is held open here too, so that the wire survives a gateway that goes away and comes back.
    """

    def __init__(self, link: Path) -> None:
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave, termios.TCSANOW)
        os.set_blocking(self._master, False)
        self.port = os.ttyname(self._slave)
        self.link = link
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(self.port)

    async def write(self, data: bytes) -> None:
        """Put the bytes on the wire, waiting where the reader is slow or absent."""
        view = memoryview(data)
        while view:
            try:
                view = view[os.write(self._master, view) :]
            except BlockingIOError:
                await asyncio.sleep(0.02)

    def read(self) -> bytes:
        """What the gateway sent back, or nothing."""
        try:
            return os.read(self._master, 4096)
        except BlockingIOError:
            return b""

    @property
    def unread(self) -> bool:
        """Whether the gateway has not yet read all that was written."""
        ready = bytearray(4)
        fcntl.ioctl(self._slave, termios.FIONREAD, ready)
        return int.from_bytes(ready, "little") > 0

    def close(self) -> None:
        """Unplug."""
        os.close(self._master)
        os.close(self._slave)
        self.link.unlink(missing_ok=True)
