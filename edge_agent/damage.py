"""What devices sent that could not be read: counted per device, the last of it kept for the technician.

A kiosk's frame can carry what identifies a patient even when it is damaged, so of a kiosk only the shape is kept:
digits become 9, letters x, other text is covered; separators and control characters, which tell what went wrong, stay.
"""

from __future__ import annotations

import logging
from collections import deque
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import msgspec

from devices.events import Damaged

log = logging.getLogger(__name__)

KEPT_PER_DEVICE = 20
KEPT_BYTES = 256
KEPT_DEVICES = 1000
FILE_BYTES = 512 * 1024
#: Lines written to the card in a minute: a wrong baud rate damages hundreds a second, all alike.
LINES_PER_MINUTE = 20

_SHAPE = (
    bytes(
        ord("9") if chr(b).isascii() and chr(b).isdigit() else ord("x") if chr(b).isascii() and chr(b).isalpha() else b
        for b in range(128)
    )
    + b"\xff" * 128
)


class DamagedBytes(NamedTuple):
    """One damage as it is kept: `bytes` in hex, at most `KEPT_BYTES` of them, of `length` in all."""

    at: datetime
    device: str
    reason: str
    length: int
    bytes: str


class Damage:
    """All damage since the agent started: counts for ever, bytes in a small ring and in a file of bounded size."""

    def __init__(self, file: Path | None = None) -> None:
        self.total = 0
        self._counts: dict[str, int] = {}
        self._last: dict[str, deque[DamagedBytes]] = {}
        self._file = file
        self._minute = -1
        self._lines_left = LINES_PER_MINUTE

    def add(self, device: str, damaged: Damaged, at: datetime, *, shape_only: bool = False) -> None:
        """Count it and keep it; `shape_only` for devices whose frames may say who a patient is."""
        self.total += 1
        if device not in self._counts and len(self._counts) >= KEPT_DEVICES:
            device = "others"
        self._counts[device] = self._counts.get(device, 0) + 1
        data = damaged.data[:KEPT_BYTES]
        shown = data.translate(_SHAPE) if shape_only else data
        kept = DamagedBytes(at, device, damaged.reason, len(damaged.data), shown.hex())
        self._last.setdefault(device, deque(maxlen=KEPT_PER_DEVICE)).append(kept)
        self._write(kept)

    def count(self, device: str) -> int:
        """How often this device's bytes were damaged."""
        return self._counts.get(device, 0)

    def last(self, device: str) -> list[DamagedBytes]:
        """The latest damage of a device, oldest first."""
        return list(self._last.get(device, ()))

    def counts(self) -> dict[str, int]:
        """Damage by device."""
        return dict(self._counts)

    def _write(self, kept: DamagedBytes) -> None:
        if self._file is None or not self._may_write(kept.at):
            return
        try:
            if self._file.exists() and self._file.stat().st_size > FILE_BYTES:
                self._file.replace(self._file.with_suffix(".log.1"))
            self._file.touch(mode=0o600)
            with self._file.open("ab") as lines:
                lines.write(msgspec.json.encode(kept._asdict()) + b"\n")
        except OSError as error:
            # The readings matter more than the record of what was none of them.
            log.warning("damaged bytes are no longer written to %s: %s", self._file.name, error.strerror)
            self._file = None

    def _may_write(self, at: datetime) -> bool:
        minute = int(at.timestamp() // 60)
        if minute != self._minute:
            self._minute = minute
            self._lines_left = LINES_PER_MINUTE
        self._lines_left -= 1
        return self._lines_left >= 0
