"""What watching a camera costs: `python -m tests.bench.bench_camera`.

Milliseconds a measured picture (aim 1.5 at 640 x 360), memory of a decoder (aim 55 MB), its CPU at 2 measured pictures
a second of a 15 frames a second stream, the seconds until a camera is known, and what the simulator costs.
"""

import asyncio
import os
import time
from pathlib import Path

import numpy as np

from devices.camera.health import Judge, Thresholds
from devices.camera.observation import Picture, encode
from devices.camera.picture import PictureMeter
from simulators.camera import CameraServer, Feed, Scene
from tests.integration.camera_watch import decoders, watching

TICKS = os.sysconf("SC_CLK_TCK")


def per_call_ms(call, times=300):
    call()
    began_s = time.perf_counter()
    for _ in range(times):
        call()
    return (time.perf_counter() - began_s) * 1000 / times


def measuring():
    for width, height in ((640, 360), (1280, 720), (1920, 1080)):
        meter, rng = PictureMeter(), np.random.default_rng(1)
        frames = [rng.integers(0, 255, (height, width, 3), dtype=np.uint8) for _ in range(2)]
        turn = iter(range(10**9))
        cost = per_call_ms(lambda m=meter, f=frames, t=turn: m.measure(f[next(t) % 2]))
        print(f"measure {width}x{height}: {cost:.2f} ms a picture")
    judge, at_s = Judge(Thresholds(), 60, 0), iter(range(10**9))
    picture = Picture(luminance=100, contrast=40, sharpness=30, saturation=20, noise=1.0, changed="f" * 36)
    print(f"judge: {per_call_ms(lambda: judge.see(picture, next(at_s) / 2), 20_000) * 1000:.1f} us a picture")
    print(f"line: {len(encode(picture))} bytes a picture")


def drawing():
    for width, height in ((320, 240), (640, 360)):
        feed, number = Feed("cam-01", Scene(1, width, height)), iter(range(10**9))
        print(
            f"simulate {width}x{height}: {per_call_ms(lambda f=feed, n=number: f._take(next(n), None)):.2f} ms a frame"
        )


def cpu_s(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def memory_mb(pid):
    """Resident, proportional (shared pages divided among their users) and private, in MB."""
    rollup = dict(line.split()[:2] for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:])
    private = int(rollup["Private_Clean:"]) + int(rollup["Private_Dirty:"])
    return [round(kb / 1000, 1) for kb in (int(rollup["Rss:"]), int(rollup["Pss:"]), private)]


async def decoding(seconds=20):
    server = CameraServer()
    server.add("cam-01", Scene(1), fps=15)
    async with server:
        for wire in ("rtsp", "mjpeg"):
            began_s = time.perf_counter()
            async with watching(server.url("cam-01", wire)) as watched:
                await watched.until("online", 30)
                known_s = time.perf_counter() - began_s
                (decoder,) = decoders()
                start_s = cpu_s(decoder)
                await asyncio.sleep(seconds)
                share = (cpu_s(decoder) - start_s) / seconds
                resident, proportional, private = memory_mb(decoder)
            print(f"{wire} 640x360 15 fps, 2 measured: online after {known_s:.1f} s, start {start_s:.2f} CPU s")
            print(f"  {share:.1%} of a core; {resident} MB resident, {proportional} proportional, {private} private")


if __name__ == "__main__":
    measuring()
    drawing()
    asyncio.run(decoding())
