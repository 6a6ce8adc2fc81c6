"""From a camera to the spool: decoders come and go, the judge stays, and its verdicts are put as readings."""

from __future__ import annotations

import asyncio
import random
from contextlib import aclosing

from devices.camera.health import Judge, Verdict
from devices.camera.observation import Lost, Observation
from edge_agent.clock import Now, Put
from edge_agent.transports.camera import decoded, unreachable
from edge_agent.transports.camera_source import CameraSource

#: How often the judge is told that time has passed.
TICK_S = 0.5
#: So long the first packet to a camera may take; a camera in the same village answers within milliseconds.
REACH_S = 2.0


async def collect_camera(camera: CameraSource, put: Put, now: Now) -> None:
    """Watch a camera and put its health at every change and every `report_every_s`.

    Runs until cancelled; a recording that is not looped ends it, after its last reading. Raises nothing of its own.
    """
    loop = asyncio.get_running_loop()
    judge = Judge(camera.thresholds, camera.report_every_s, loop.time())
    # Small: when the spool is slow, the decoder waits and drops frames; it is not the memory that grows.
    seen: asyncio.Queue[Observation | None] = asyncio.Queue(maxsize=8)

    async def tell(verdict: Verdict | None) -> None:
        if verdict:
            moment = now()
            await put([judge.reading(camera.device, verdict, *moment, loop.time())], verdict.urgent)

    async with asyncio.TaskGroup() as tasks:
        watching = tasks.create_task(_watch(camera, judge, seen), name=f"decoder {camera.device}")
        while True:
            try:
                async with asyncio.timeout(TICK_S):
                    observation = await seen.get()
            except TimeoutError:
                await tell(judge.tick(loop.time()))
                continue
            if observation is None:
                break
            await tell(judge.see(observation, loop.time()))
        await watching


async def _watch(camera: CameraSource, judge: Judge, seen: asyncio.Queue[Observation | None]) -> None:
    """Start decoders for ever, with growing pauses; put what they see. A recording's end is followed by None."""
    loop = asyncio.get_running_loop()
    good_s: float | None = None
    pause_s = camera.retry_first_s
    while True:
        reason = await unreachable(camera, min(REACH_S, camera.open_timeout_s))
        if reason:
            await seen.put(Lost(how="gone", reason=reason))
        else:
            judge.started()
            async with aclosing(decoded(camera)) as observations:
                async for observation in observations:
                    await seen.put(observation)
                    if isinstance(observation, Lost) and observation.how == "ended":
                        await seen.put(None)
                        return
                    # A stream that kills its decoder after every few pictures is never good, and waits ever longer.
                    if judge.state not in (None, "offline", "stalled"):
                        good_s = loop.time()
        recent = good_s is not None and loop.time() - good_s < camera.recent_s
        if recent:
            pause_s = camera.retry_recent_s
        await asyncio.sleep(random.uniform(pause_s / 2, pause_s))
        pause_s = min(pause_s * 2, camera.retry_most_s)
