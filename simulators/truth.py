"""What happened: every fact a simulated device said, every fault it suffered, as JSON Lines in the order it happened.

A line is `{"type": "said" | "fault" | "event", "device": ..., "at": ..., ...}`. `said` lines hold what the county must
have in the end: they are written when the bytes are on the wire.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec


class Truth:
    """An append-only truth file that also counts what it holds."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self.said: Counter[str] = Counter()
        self._file = path.open("ab")
        self._encoder = msgspec.json.Encoder()

    def say(self, kind: str, device: str, at: datetime, **fields: Any) -> None:  # noqa: ANN401 - JSON values
        """A device put a fact of this kind on its wire."""
        self.said[kind] += 1
        self._write({"type": "said", "kind": kind, "device": device, "at": at, **fields})

    def fault(self, device: str, at: datetime, fault: str, **fields: Any) -> None:  # noqa: ANN401 - JSON values
        """The simulator hurt a device or its wire."""
        self._write({"type": "fault", "device": device, "at": at, "fault": fault, **fields})

    def event(self, device: str, at: datetime, event: str, **fields: Any) -> None:  # noqa: ANN401 - JSON values
        """Something happened that a rule should find."""
        self._write({"type": "event", "device": device, "at": at, "event": event, **fields})

    def close(self) -> None:
        """Everything said is in the file."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.close()

    def _write(self, line: dict[str, Any]) -> None:
        self._file.write(self._encoder.encode(line) + b"\n")
        self._file.flush()


def read_truth(path: Path) -> list[dict[str, Any]]:
    """The lines of a truth file; times stay ISO 8601 text."""
    decoder = msgspec.json.Decoder(dict[str, Any])
    return [decoder.decode(line) for line in path.read_bytes().splitlines()]
