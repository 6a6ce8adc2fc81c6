"""Simulated trucks: an NMEA receiver on a serial wire, and a JT/T 808 terminal that calls the gateway over TCP."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from devices.contract.readings import TruckPosition
from devices.truck.nmea.interpret import encode
from simulators.clock import SimClock
from simulators.county import County, Degrees, Device
from simulators.faults import Fault
from simulators.recording import play, recorded_lines
from simulators.roads import Moving, drive
from simulators.truth import Truth
from simulators.wires import Pty


async def run_nmea_truck(
    device: Device, county: County, wire: Pty, truth: Truth, clock: SimClock, hurt: Fault, stop: asyncio.Event
) -> None:
    """A receiver that says RMC and GGA once a simulated second until `stop`; its last burst is never hurt.

    A burst of which at least one sentence arrives whole is a position the county must have.
    """
    for at, moving in zip(seconds(clock.now()), speeds(device, county, truth), strict=False):
        await clock.until(at, stop)
        last = stop.is_set()
        position = position_of(device.id, at, moving)
        whole = False
        for sentence in encode(position).splitlines(keepends=True):
            pieces = [sentence] if last else hurt(sentence)
            whole = whole or sentence in b"".join(pieces)
            for piece in pieces:
                await wire.write(piece)
        if whole:
            truth.say("truck_position", device.id, at, latitude=position.latitude, longitude=position.longitude)
        else:
            truth.fault(device.id, at, "burst lost on the wire")
        if last:
            return


async def run_recorded_truck(
    wire: Pty, recording: Path, middle: Degrees, truth: Truth, device: str, clock: SimClock, stop: asyncio.Event
) -> None:
    """A real receiver's recording on the wire, over and over, each burst when it is due. The truth counts sentences."""
    lines = recorded_lines(recording)
    while not stop.is_set():
        start, fixes, last = clock.now(), 0, timedelta(0)
        for line in play(lines, start, middle):
            if line.due is not None and line.due - last > timedelta(minutes=5):
                break  # the recording has a hole (or ran past midnight): begin again rather than wait it out
            if line.due is not None and line.due != last:
                last = line.due
                await clock.until(start + last, stop)
                if stop.is_set():
                    break
            await wire.write(line.data)
            fixes += line.fix
        truth.event(device, clock.now(), "recording played", sentences_with_a_position=fixes)
        await clock.until(start + last + timedelta(seconds=2), stop)


def seconds(start: datetime) -> Iterator[datetime]:
    """Every whole second after a time."""
    first = start.astimezone(UTC).replace(microsecond=0)
    return (first + timedelta(seconds=count) for count in itertools.count(1))


def speeds(device: Device, county: County, truth: Truth) -> Iterator[Moving]:
    """The truck's drive; the truth notes when a rush begins."""
    before = False
    for moving in drive(county, device.id):
        if moving.speeding and not before:
            truth.event(device.id, datetime.now(UTC), "speeding begins", speed_kmh=moving.speed_kmh)
        before = moving.speeding
        yield moving


def position_of(device: str, at: datetime, moving: Moving, *, loaded: bool | None = None) -> TruckPosition:
    """What the truck's receiver knows in that second; a terminal with a load sensor knows `loaded` too."""
    return TruckPosition(
        device=device,
        at=at,
        clock="gnss",
        latitude=moving.latitude,
        longitude=moving.longitude,
        speed_kmh=moving.speed_kmh,
        course_deg=moving.course_deg,
        altitude_m=20.0,
        satellites=14,
        hdop=0.8 if loaded is None else None,
        ignition=None if loaded is None else True,
        load=None if loaded is None else ("full" if loaded else "empty"),
        mileage_km=None if loaded is None else moving.mileage_km,
    )
