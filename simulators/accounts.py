"""Counting both ends: what devices said, what gateways spooled, what the store holds - by looking, not by asking.

The spools and the embedded store are SQLite files; they are read here as any auditor could read them, without the
programs that wrote them.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

WIRE_KINDS = ("truck_position", "blood_pressure", "camera_health", "device_link", "gateway_health")


class Spooled(NamedTuple):
    """A gateway's spool: readings that entered it, that the county has receipted, that were dropped, that remain."""

    appended: int = 0
    receipted: int = 0
    dropped: int = 0

    @property
    def waiting(self) -> int:
        """Readings in the spool."""
        return self.appended - self.receipted - self.dropped


class Account(NamedTuple):
    """Both ends side by side. `missing` are facts that devices said and the store lacks; `alien` those nobody said."""

    sent: int
    stored: int
    in_flight: int
    dropped: int
    missing: list[str]
    alien: list[str]

    @property
    def lost(self) -> int:
        """Readings that entered a spool, or that a device said, and that are nowhere any more."""
        return max(self.sent - self.stored - self.in_flight, len(self.missing), 0)

    @property
    def duplicated(self) -> int:
        """Readings that the store has and nobody sent."""
        return max(self.stored - self.sent, len(self.alien), 0)

    @property
    def balanced(self) -> bool:
        """Sent = stored, nothing lost, nothing doubled, nothing on its way."""
        return not (self.lost or self.duplicated or self.in_flight) and self.sent == self.stored


def read_spool(path: Path) -> Spooled:
    """A spool's totals; zeros where there is none yet."""
    try:
        with _reading(path) as db:
            return Spooled(*db.execute("select appended, receipted, dropped from total").fetchone())
    except sqlite3.OperationalError:
        return Spooled()


def read_status(path: Path) -> Spooled:
    """A running agent's own account (it keeps its spool for itself); zeros where there is none yet."""
    try:
        health = msgspec.json.decode(path.read_bytes())["health"]
    except OSError:
        return Spooled()
    return Spooled(health["appended"], health["receipted"], health["spool_dropped"])


def read_store(path: Path) -> Counter[str]:
    """The number of points of each wire kind, and of alerts; nothing where there is no store yet."""
    found: Counter[str] = Counter()
    try:
        with _reading(path) as db:
            for kind in (*WIRE_KINDS, "alert"):
                (found[kind],) = db.execute(f"select count(*) from {kind}").fetchone()  # noqa: S608 - our own names
    except sqlite3.OperationalError:
        return found
    return found


def settle(truth: list[dict[str, Any]], spools: list[Spooled], store: Path, uncounted: set[str]) -> Account:
    """The account. `uncounted` devices are compared in numbers only: their truth is not known fact by fact."""
    stored = read_store(store)
    said = Counter(_key(line) for line in truth if line["type"] == "said")
    kept = Counter(_stored_keys(store, uncounted))
    return Account(
        sent=sum(spool.appended for spool in spools),
        stored=sum(stored[kind] for kind in WIRE_KINDS),
        in_flight=sum(spool.waiting for spool in spools),
        dropped=sum(spool.dropped for spool in spools),
        missing=sorted((said - kept).elements()),
        alien=sorted((kept - said).elements()),
    )


def _key(line: dict[str, Any]) -> str:
    """What identifies a fact: a position by its second, a measurement by its minute and values."""
    at = datetime.fromisoformat(line["at"])
    if line["kind"] == "truck_position":
        return f"{line['device']} {at:%Y-%m-%dT%H:%M:%S}"
    return f"{line['device']} {at:%Y-%m-%dT%H:%M} {line['systolic_mmhg']}/{line['diastolic_mmhg']}"


def _stored_keys(store: Path, uncounted: set[str]) -> list[str]:
    with _reading(store) as db:
        trucks = db.execute("select device, strftime('%Y-%m-%dT%H:%M:%S', at / 1000, 'unixepoch') from truck_position")
        pressures = db.execute(
            "select device, strftime('%Y-%m-%dT%H:%M', at / 1000, 'unixepoch'), systolic_mmhg, diastolic_mmhg"
            " from blood_pressure"
        )
        found = [f"{device} {at}" for device, at in trucks if device not in uncounted]
        return found + [f"{device} {at} {high}/{low}" for device, at, high, low in pressures]


class _reading:  # noqa: N801 - reads as a verb where it is used
    """A read-only connection that is closed in the end."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)

    def __enter__(self) -> sqlite3.Connection:
        return self._db

    def __exit__(self, *_: object) -> None:
        self._db.close()
