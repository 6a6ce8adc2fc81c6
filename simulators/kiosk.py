"""A simulated kiosk: people sit down one after the other at an OMRON HBP-9030 on a serial wire."""

from __future__ import annotations

import asyncio
import random
from datetime import timedelta

from devices.contract.readings import BloodPressure
from devices.kiosk.hbp9030.interpret import encode, encode_error
from simulators.clock import SimClock
from simulators.county import County, Device
from simulators.faults import Fault
from simulators.truth import Truth
from simulators.wires import Pty


async def run_kiosk(
    device: Device,
    county: County,
    wire: Pty,
    truth: Truth,
    clock: SimClock,
    hurt: Fault,
    stop: asyncio.Event,
    every_s: float = 20.0,
) -> None:
    """A measurement about every `every_s` simulated seconds; one in forty is an emergency, one in thirty fails."""
    rng = random.Random(f"{county.seed}:{device.id}")
    due = clock.now() + timedelta(seconds=rng.uniform(0.1, 0.5) * every_s)
    while not stop.is_set():
        await clock.until(due, stop)
        if stop.is_set():
            return
        due += timedelta(seconds=rng.uniform(0.7, 1.3) * every_s)
        at = clock.now().replace(second=0, microsecond=0)
        if rng.random() < 1 / 30:
            for piece in hurt(encode_error(at, error=rng.randint(1, 9))):
                await wire.write(piece)
            truth.event(device.id, at, "measurement failed")
            continue
        pressure = measure(rng, device.id, at=at)
        line = encode(pressure)
        pieces = hurt(line)
        for piece in pieces:
            await wire.write(piece)
        if line in b"".join(pieces):
            values = {"systolic_mmhg": pressure.systolic_mmhg, "diastolic_mmhg": pressure.diastolic_mmhg}
            truth.say("blood_pressure", device.id, at, **values)
            if pressure.systolic_mmhg >= 180 or pressure.diastolic_mmhg >= 110:
                truth.event(device.id, at, "emergency", **values)
        else:
            truth.fault(device.id, at, "result lost on the wire")


def measure(rng: random.Random, device: str, **fields: object) -> BloodPressure:
    """One person's pressure, as a village clinic for the chronically ill sees them."""
    urgent = rng.random() < 1 / 40
    systolic = round(min(258.0, max(92.0, rng.gauss(196 if urgent else 143, 17))))
    diastolic = round(min(systolic - 22.0, max(48.0, rng.gauss(114 if urgent else 84, 10))))
    return BloodPressure(
        device=device,
        systolic_mmhg=systolic,
        diastolic_mmhg=diastolic,
        pulse_bpm=round(min(178.0, max(44.0, rng.gauss(76, 11)))),
        moved=rng.random() < 0.06,
        **fields,  # type: ignore[arg-type]  # `at`, and whatever a test adds
    )
