"""The gateway's side of a camera: is anybody there, and one life of a decoder process, which is killed when it hangs.

The gateway's own process never loads OpenCV: 45 MB saved, and no stream can abort it.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from devices.camera.observation import Lost, Observation, decode
from edge_agent.transports.camera_order import Order, encode
from edge_agent.transports.camera_source import CameraSource

#: What a decoder needs to start on a small machine: Python and OpenCV from a slow card.
START_S = 10.0
#: How much longer than its own time-outs a decoder may be silent before it counts as hung.
PATIENCE_S = 2.0

#: One thread, one arena, frames given back at once: a decoder is one of several on a small machine. Nothing of a
#: stream, its URL least of all, is to be printed by a library.
_ENVIRONMENT = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": "131072",
    "OPENCV_LOG_LEVEL": "SILENT",
    "OPENCV_FFMPEG_LOGLEVEL": "-8",
}


async def unreachable(camera: CameraSource, wait_s: float) -> str | None:
    """Why nobody can be there, without the price of a decoder; None when it is worth opening."""
    if camera.kind != "network":
        return None if await asyncio.to_thread(_exists, camera) else "no such device or file"
    address = camera.address
    if address is None:
        return "the URL names no host"
    try:
        async with asyncio.timeout(wait_s):
            _, writer = await asyncio.open_connection(*address)
    except TimeoutError:
        return f"does not answer within {wait_s:g} s"
    except (socket.gaierror, UnicodeError):
        return "the host's name is not known"
    except OSError as error:
        return os.strerror(error.errno).lower() if error.errno else "cannot be reached"
    writer.close()
    return None


async def decoded(camera: CameraSource) -> AsyncGenerator[Observation, None]:
    """One life of a decoder: what it sees as it sees it; the last one is always a Lost. Never raises for a stream."""
    async with _decoder(camera) as process:
        assert process.stdout is not None  # noqa: S101 - we asked for the pipe
        wait_s = START_S + camera.open_timeout_s
        while True:
            try:
                async with asyncio.timeout(wait_s + PATIENCE_S):
                    line = await process.stdout.readline()
            except TimeoutError:
                yield Lost(how="silent", reason=f"the decoder hung for {wait_s + PATIENCE_S:g} s and was killed")
                return
            if not line.endswith(b"\n"):
                yield _died(await process.wait())
                return
            seen = decode(line)
            yield seen
            if isinstance(seen, Lost):
                return
            wait_s = camera.read_timeout_s


def order(camera: CameraSource) -> Order:
    """What the decoder is told."""
    return Order(
        kind=camera.kind,
        url=camera.url,
        usb_index=camera.usb_index if camera.kind == "usb" else 0,
        analyse_fps=camera.analyse_fps,
        open_timeout_s=camera.open_timeout_s,
        read_timeout_s=camera.read_timeout_s,
        loop=camera.loop,
    )


@asynccontextmanager
async def _decoder(camera: CameraSource) -> AsyncIterator[asyncio.subprocess.Process]:
    """A decoder process that has its order; gone, and waited for, afterwards."""
    # asyncio forgets a process when it is cancelled while starting it: the start is always awaited to its end.
    starting = asyncio.ensure_future(_start())
    try:
        process = await asyncio.shield(starting)
    except asyncio.CancelledError:
        await _end(await starting)
        raise
    try:
        assert process.stdin is not None  # noqa: S101 - we asked for the pipe
        process.stdin.write(encode(order(camera)))
        yield process
    finally:
        await _end(process)


async def _start() -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "edge_agent.transports.camera_decoder",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=os.environ | _ENVIRONMENT,
        # A key at the terminal is for the gateway, which ends its decoders itself.
        start_new_session=True,
    )


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        # It may hang where no polite signal reaches it, and it owns nothing that needs tidying.
        process.kill()
    ending = asyncio.ensure_future(process.wait())
    try:
        await asyncio.shield(ending)
    except asyncio.CancelledError:
        await ending  # it is killed: this is a matter of milliseconds, and nobody else would reap it
        raise


def _exists(camera: CameraSource) -> bool:
    return Path(f"/dev/video{camera.usb_index}" if camera.kind == "usb" else camera.url).exists()


def _died(code: int) -> Lost:
    how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
    return Lost(how="gone", reason=f"the decoder died: {how}")
