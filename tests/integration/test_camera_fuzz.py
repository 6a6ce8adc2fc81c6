"""Streams that no camera should send: the gateway's process survives every one of them, and says how it ended."""

import asyncio
import random
from contextlib import aclosing

import cv2
import numpy as np
import pytest

from devices.camera.observation import Lost
from edge_agent.transports.camera import decoded
from edge_agent.transports.camera_source import CameraSource
from tests.integration.camera_watch import decoders

BOUNDARY = b"--f\r\nContent-Type: image/jpeg\r\n\r\n"
#: Decoders at a time: one a core of a small machine.
AT_ONCE = 2


def originals(folder):
    """Small recordings as three containers and codecs write them."""
    rng = np.random.default_rng(1)
    for name, codec in (("a.avi", "MJPG"), ("b.mp4", "mp4v"), ("c.avi", "XVID")):
        writer = cv2.VideoWriter(str(folder / name), cv2.VideoWriter.fourcc(*codec), 60, (64, 48))
        for _ in range(8):
            writer.write(rng.integers(0, 255, (48, 64, 3), dtype=np.uint8))
        writer.release()
        yield (folder / name).read_bytes(), name[1:]


def damaged(data, rng):
    """A copy with some bytes flipped, overwritten, doubled, cut out or cut off."""
    data = bytearray(data)
    for _ in range(rng.choice((1, 3, 10, 40))):
        # Half of the blows go where the headers are.
        at = rng.randrange(min(len(data), 600)) if rng.random() < 0.5 else rng.randrange(len(data))
        match rng.randrange(5):
            case 0:
                data[at] ^= 1 << rng.randrange(8)
            case 1:
                data[at : at + 4] = rng.choice((b"\xff\xff\xff\xff", b"\x00\x00\x00\x00", b"\x7f\xff\xff\xff"))
            case 2:
                data[at:at] = data[at : at + rng.randrange(200)]
            case 3:
                del data[at : at + rng.randrange(1, 50)]
            case 4:
                data[at : at + 8] = rng.randbytes(8)
    return bytes(data[: rng.randrange(1, len(data))]) if rng.random() < 0.2 else bytes(data)


async def ends_well(url):
    """One decoder on it, for five seconds at most: it may see pictures, and then says how it lost the stream."""
    camera = CameraSource(device="cam-01", url=str(url), open_timeout_s=2, read_timeout_s=1, analyse_fps=10)
    last = None
    try:
        async with asyncio.timeout(5), aclosing(decoded(camera)) as observations:
            async for seen in observations:
                last = seen
    except TimeoutError:
        return  # A damaged frame rate or length can make a short recording a long one: watched on, and not hung.
    assert isinstance(last, Lost)


async def files(folder, number, seed):
    rng = random.Random(seed)
    whole = list(originals(folder))
    room = asyncio.Semaphore(AT_ONCE)

    async def one(name, data):
        async with room:
            (folder / name).write_bytes(data)
            await ends_well(folder / name)
            (folder / name).unlink()

    async with asyncio.TaskGroup() as tasks:
        for index in range(number):
            data, suffix = rng.choice(whole)
            tasks.create_task(one(f"fuzz-{index}{suffix}", damaged(data, rng)))
    assert decoders() == []


async def responses(bodies):
    """Each body as an HTTP camera's answer to one decoder, `AT_ONCE` at a time."""

    async def answer(reader, writer):
        path = (await reader.readline()).split(b" ")
        if len(path) > 1:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=f\r\n\r\n")
            writer.write(bodies[int(path[1].strip(b"/").split(b".")[0])])
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    room = asyncio.Semaphore(AT_ONCE)

    async def one(index):
        async with room:
            await ends_well(f"http://127.0.0.1:{port}/{index}.mjpg")

    async with server, asyncio.TaskGroup() as tasks:
        for index in range(len(bodies)):
            tasks.create_task(one(index))
    assert decoders() == []


def jpeg():
    return cv2.imencode(".jpg", np.random.default_rng(2).integers(0, 255, (48, 64, 3), dtype=np.uint8))[1].tobytes()


def enormous():
    """A picture that claims 65,500 x 65,500 pixels: 12 GB, were it believed."""
    picture = jpeg()
    size = picture.index(b"\xff\xc0") + 5
    return picture[:size] + b"\xff\xdc\xff\xdc" + picture[size + 4 :]


def bodies(number, seed):
    rng = random.Random(seed)
    found = [b"", b"\x00" * 5000, BOUNDARY * 50, BOUNDARY + enormous() + b"\r\n" + BOUNDARY + enormous()]
    while len(found) < number:
        parts = [BOUNDARY + damaged(jpeg(), rng) + b"\r\n" for _ in range(4)]
        found.append(b"".join(parts) if rng.random() < 0.7 else damaged(b"".join(parts), rng))
    return found


async def test_70_damaged_recordings_are_survived(tmp_path):
    await files(tmp_path, 70, seed=1)


async def test_30_damaged_streams_are_survived():
    await responses(bodies(30, seed=1))


@pytest.mark.slow
@pytest.mark.timeout(1200)
async def test_1000_damaged_recordings_and_streams_are_survived(tmp_path):
    await files(tmp_path, 600, seed=2)
    await responses(bodies(400, seed=2))
