"""The simulated county at work: every device on its wire at once, until it is told to stop; then all wires run dry."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from simulators.camera.fault import Fault as CameraFault
from simulators.camera.scene import Scene
from simulators.camera.server import CameraServer
from simulators.clock import SimClock
from simulators.county import County, Device
from simulators.faults import Fault, chain, duplicate, flip, noise, split
from simulators.gateways import Wiring
from simulators.kiosk import run_kiosk
from simulators.servers import free_port
from simulators.terminal import EDITIONS, Terminal, run_terminal_truck
from simulators.truck import run_nmea_truck, run_recorded_truck
from simulators.truth import Truth
from simulators.wires import Pty

#: The truck that replays a real receiver's recording.
RECORDED = "truck-recorded"
_PICTURE = (320, 240)
_UNREAD_POLL_S = 0.02

Run = Callable[[], Coroutine[Any, Any, None]]


class World:
    """A county with its wires laid; `run` brings it to life."""

    def __init__(
        self,
        county: County,
        folder: Path,
        truth: Truth,
        clock: SimClock,
        *,
        faults: bool = True,
        recording: Path | None = None,
    ) -> None:
        self.county = county
        self.truth = truth
        self.stop = asyncio.Event()
        self._clock = clock
        self._recording = recording
        self._faults = faults
        serial = [device.id for device in county.devices if device.wire in ("nmea", "hbp9030")]
        if recording is not None:
            serial.append(RECORDED)
        self._ptys = {device: Pty(folder / "ports" / device) for device in serial}
        self._terminals_port = free_port()
        address = ("127.0.0.1", self._terminals_port)
        self.terminals = {
            device.id: Terminal(
                device, EDITIONS[index % len(EDITIONS)], address, self._wire_faults(device.id), county.seed
            )
            for index, device in enumerate(county.of_wire("jt808"))
        }
        self._cameras = CameraServer(free_port())
        for index, device in enumerate(county.of_kind("camera")):
            scene = Scene(county.seed * 100 + index, *_PICTURE)
            self._cameras.add(device.id, scene, self._camera_faults(index), fps=4.0)

    @property
    def wiring(self) -> Wiring:
        """Where the wires end, for the gateways' configuration."""
        urls = {
            device.id: self._cameras.url(device.id, "rtsp" if device.wire == "rtsp" else "mjpeg")
            for device in self.county.of_kind("camera")
        }
        return Wiring({device: str(pty.link) for device, pty in self._ptys.items()}, self._terminals_port, urls)

    @property
    def recorded(self) -> dict[str, str]:
        """The recorded truck and its port, where there is one."""
        return {RECORDED: str(self._ptys[RECORDED].link)} if RECORDED in self._ptys else {}

    @property
    def unanswered(self) -> int:
        """What terminals have reported and no gateway has answered yet."""
        return sum(terminal.unanswered for terminal in self.terminals.values())

    async def run(self) -> None:
        """All devices at once; after `stop`, return when every wire has run dry and every terminal is answered."""
        async with self._cameras, asyncio.TaskGroup() as tasks:
            callers = [
                tasks.create_task(terminal.run(), name=f"{id_}.wire") for id_, terminal in self.terminals.items()
            ]
            talking = [tasks.create_task(run(), name=device) for device, run in self._runs()]
            await asyncio.gather(*talking)
            while any(pty.unread for pty in self._ptys.values()):  # noqa: ASYNC110 - the kernel has no event for it
                await asyncio.sleep(_UNREAD_POLL_S)
            for caller in callers:
                caller.cancel()

    def close(self) -> None:
        """Unplug every wire."""
        for pty in self._ptys.values():
            pty.close()

    def _runs(self) -> list[tuple[str, Run]]:
        """What each device does until `stop`."""
        return [(device.id, self._run_of(device)) for device in self.county.devices if device.wire in _TALKING] + (
            [(RECORDED, self._play)] if self._recording else []
        )

    def _run_of(self, device: Device) -> Run:
        county, truth, clock, stop = self.county, self.truth, self._clock, self.stop
        if device.wire == "jt808":
            return lambda: run_terminal_truck(device, county, self.terminals[device.id], truth, clock, stop)
        wire, hurt = self._ptys[device.id], self._wire_faults(device.id)
        if device.wire == "nmea":
            return lambda: run_nmea_truck(device, county, wire, truth, clock, hurt, stop)
        return lambda: run_kiosk(device, county, wire, truth, clock, hurt, stop)

    async def _play(self) -> None:
        if self._recording is not None:
            wire, middle = self._ptys[RECORDED], self.county.sites_of("depot")[0].at
            await run_recorded_truck(wire, self._recording, middle, self.truth, RECORDED, self._clock, self.stop)

    def _wire_faults(self, device: str) -> Fault:
        """A wire as it is in the field: now and then a bit, a burst of noise, a message twice or in pieces."""
        rng = random.Random(f"{self.county.seed}:{device}:faults")
        if not self._faults:
            return chain(())
        return chain((duplicate(rng, 0.002), flip(rng, 0.004), noise(rng, 0.004), split(rng, 0.05)))

    def _camera_faults(self, index: int) -> list[CameraFault]:
        """The last camera stalls for a while and another goes dark, so that the panels have something to say."""
        if not self._faults:
            return []
        last = len(self.county.of_kind("camera")) - 1
        if index == last:
            return [CameraFault("stall", 25, 45)]
        return [CameraFault("dark", 30, 60)] if index == 0 else []


_TALKING = ("nmea", "jt808", "hbp9030")
