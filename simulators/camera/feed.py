"""One simulated camera as its viewers get it: each frame is drawn and encoded once, and only when somebody watches."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import cv2
import numpy as np

from simulators.camera.fault import Fault, FaultKind, Image, active, seen_through
from simulators.camera.scene import Scene, burn_in

#: Scenes take their light from here: daylight (0 to 1) by seconds since the start.
Daylight = Callable[[float], float]


class Shot(NamedTuple):
    """Frame `number` of a camera as a baseline JPEG; None when the camera sends nothing for it."""

    number: int
    jpeg: bytes | None


class Cut(Exception):
    """The camera closes this connection now."""


class Feed:
    """A camera that is switched on when it is made; set `fault` to overrule its schedule."""

    def __init__(
        self,
        name: str,
        scene: Scene,
        faults: Sequence[Fault] = (),
        fps: float = 5.0,
        quality: int = 75,
        daylight: Daylight = lambda _: 1.0,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.name = name
        self.scene = scene
        self.fps = fps
        self.faults = tuple(faults)
        #: Set by hand; None leaves the schedule in force.
        self.fault: FaultKind | None = None
        self._quality = quality
        self._daylight = daylight
        self._clock = clock
        self._started_s: float | None = None
        self._shot = Shot(-1, None)
        self._frozen: Image | None = None

    @property
    def elapsed_s(self) -> float:
        """Seconds since the first question. Needs a running loop."""
        now_s = asyncio.get_running_loop().time()
        if self._started_s is None:
            self._started_s = now_s
        return now_s - self._started_s

    @property
    def present_fault(self) -> FaultKind | None:
        """What is wrong at this moment."""
        return self.fault or active(self.faults, self.elapsed_s)

    async def shot_after(self, number: int) -> Shot:
        """Wait for the first frame after `number` and give the newest one by then. Raises Cut."""
        await asyncio.sleep(max(0.0, (number + 1) / self.fps - self.elapsed_s))
        fault = self.present_fault
        if fault in ("cut", "refuse"):
            raise Cut
        # Rounding must not give the frame that the viewer has.
        newest = max(number + 1, int(self.elapsed_s * self.fps))
        if self._shot.number < newest:
            self._shot = Shot(newest, self._take(newest, fault))
        return self._shot

    def _take(self, number: int, fault: FaultKind | None) -> bytes | None:
        if fault == "stall":
            return None
        if fault == "garbage":
            return np.random.default_rng(number).bytes(4096)
        if fault == "hold" and self._shot.jpeg:
            return self._shot.jpeg
        elapsed_s = number / self.fps
        if fault != "freeze" or self._frozen is None:
            image = seen_through(self.scene.draw(elapsed_s, self._daylight(elapsed_s)), fault)
            self._frozen = self.scene.sense(image, number)
        image = self._frozen.copy()
        burn_in(image, self._clock(), self.name)
        return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, self._quality])[1].tobytes()
