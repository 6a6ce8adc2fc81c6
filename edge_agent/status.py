"""The agent's own account of itself in a small file beside the spool: what `edge-agent status` shows a technician."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import msgspec
from msgspec import Struct

from devices.contract.readings import GatewayHealth, Utc

NAME = "status.json"


class ListenerStatus(Struct, frozen=True, kw_only=True):
    """A port that terminals call: connections now and since the start."""

    name: str
    connected: int
    identified: int
    accepted: int
    refused: int
    dropped: int


class Status(Struct, frozen=True, kw_only=True):
    """How the agent was at `at`; `devices` says who is connected, `damaged` what each could not make clear."""

    at: Utc
    pid: int
    gateway: str
    boot: str
    connected: bool
    unreceipted: int
    health: GatewayHealth
    devices: dict[str, bool]
    damaged: dict[str, int]
    listeners: list[ListenerStatus] = []


class NoStatus(Exception):
    """There is no readable account; the text says why."""


def write_status(folder: Path, status: Status) -> None:
    """Replace the account; a reader sees the old one or the new one. Not synced: it is worth no wear of the card."""
    begun = folder / f".{NAME}"
    begun.write_bytes(msgspec.json.format(msgspec.json.encode(status), indent=1))
    begun.replace(folder / NAME)


def read_status(folder: Path) -> Status:
    """The last account. Raises NoStatus."""
    try:
        return msgspec.json.decode((folder / NAME).read_bytes(), type=Status)
    except OSError as error:
        raise NoStatus(f"{folder / NAME}: {error.strerror}") from error
    except msgspec.DecodeError as error:
        raise NoStatus(f"{folder / NAME}: {error}") from error


def running(status: Status) -> bool:
    """Whether the process that wrote the account is still there."""
    try:
        os.kill(status.pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def describe(status: Status, now: datetime) -> Iterator[str]:
    """The account in lines for a person."""
    health = status.health
    age_s = (now - status.at).total_seconds()
    word = "running" if running(status) else "NOT RUNNING"
    yield f"gateway {status.gateway}: {word} (process {status.pid}, boot {status.boot}), as of {age_s:.0f} s ago"
    broker = "connected" if status.connected else "NOT CONNECTED"
    yield f"broker: {broker}, {status.unreceipted} messages without receipt"
    yield (
        f"spool: {health.spool_readings} readings, {health.spool_bytes / 1e6:.1f} MB, "
        f"oldest {health.spool_oldest_s:.0f} s; "
        f"in all {health.appended} taken, {health.receipted} receipted, {health.spool_dropped} dropped"
    )
    clock = "synchronised" if health.clock_synchronised else "NOT SYNCHRONISED"
    memory = "" if health.memory_mb is None else f", memory {health.memory_mb:.0f} MB"
    disk = "" if health.disk_free_mb is None else f", disk free {health.disk_free_mb:.0f} MB"
    heat = "" if health.cpu_temperature_c is None else f", CPU {health.cpu_temperature_c:.0f} C"
    yield f"clock {clock}{memory}{disk}{heat}"
    for listener in status.listeners:
        yield (
            f"{listener.name}: {listener.identified} devices on {listener.connected} connections; "
            f"{listener.accepted} accepted, {listener.refused} refused, {listener.dropped} dropped"
        )
    for device, connected in sorted(status.devices.items()):
        damaged = status.damaged.get(device, 0)
        yield f"{device}: {'connected' if connected else 'NOT CONNECTED'}" + (f", {damaged} damaged" if damaged else "")


def spool_line(spool: Path) -> str:
    """What lies in the spool of an agent that does not run. Raises NoStatus."""
    if not spool.exists():
        raise NoStatus(f"{spool}: no spool yet")
    try:
        reader = sqlite3.connect(f"{spool.absolute().as_uri()}?mode=ro", uri=True, timeout=1)
        try:
            appended, receipted, dropped = reader.execute("select appended, receipted, dropped from total").fetchone()
        finally:
            reader.close()
    except (sqlite3.Error, TypeError) as error:
        raise NoStatus(f"{spool}: {error}") from error
    waiting = appended - receipted - dropped
    return f"spool: {waiting} readings; in all {appended} taken, {receipted} receipted, {dropped} dropped"
