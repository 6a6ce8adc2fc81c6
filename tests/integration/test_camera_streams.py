"""Simulated cameras on real RTSP and MJPEG connections, through real decoder processes, on the real clock."""

import asyncio

import pytest

from devices.camera.health import Thresholds
from simulators.camera import CameraServer, Scene
from tests.integration.camera_watch import eventually, watching

WIRES = ("rtsp", "mjpeg")

#: Time for a loaded machine to start a process and a picture to settle.
START_S = 15


#: Like the defaults in kind, but quicker, for what does not depend on them.
QUICK = Thresholds(frozen_after_s=3, reference_least_s=2)


async def tell(*stories, **settings):
    """Tell stories at the same time, each on both wires with a camera of its own."""
    cameras = CameraServer()
    async with cameras, asyncio.TaskGroup() as tasks:
        for story in stories:
            for wire in WIRES:
                name = f"{story.__name__}-{wire}"
                feed = cameras.add(name, Scene(1, 320, 240), fps=8)
                tasks.create_task(_told(story, feed, cameras.url(name, wire), settings), name=name)


async def _told(story, feed, url, settings):
    async with watching(url, **settings) as watched:
        await watched.until("online", START_S)
        await story(feed, watched)


async def stalls(feed, watched):
    feed.fault = "stall"
    assert await watched.until("stalled", 10) >= 6
    feed.fault = None
    await watched.until("online", 5)
    assert watched.states == ["online", "stalled", "online"]
    assert watched.urgent[-2:] == [True, True]


async def turns_everybody_away(feed, watched):
    feed.fault = "refuse"
    await watched.until("offline", 5)
    feed.fault = None
    await watched.until("online", 5)
    assert watched.states == ["online", "offline", "online"]
    assert watched.urgent[-2:] == [True, True]


async def sends_garbage(feed, watched):
    feed.fault = "garbage"
    await watched.until_any({"offline", "stalled"}, 12)
    feed.fault = None
    await watched.until("online", 8)


async def test_a_loss_is_known_within_10_seconds_and_the_return_within_5():
    await tell(stalls, turns_everybody_away, sends_garbage)


async def _told_as(state, fault, feed, watched):
    await asyncio.sleep(QUICK.reference_least_s + 1)  # its usual sharpness is learned from so much of good pictures
    feed.fault = fault
    await watched.until(state, 8)
    feed.fault = None
    await watched.until("online", 5)
    assert watched.states == ["online", state, "online"]
    assert not any(watched.urgent)


async def goes_dark(feed, watched):
    await _told_as("dark", "dark", feed, watched)


async def loses_focus(feed, watched):
    await _told_as("blurred", "blur", feed, watched)


async def freezes_under_its_clock(feed, watched):
    await _told_as("frozen", "freeze", feed, watched)


async def test_a_picture_that_is_dark_blurred_or_frozen_is_told_through_the_wire():
    await tell(goes_dark, loses_focus, freezes_under_its_clock, thresholds=QUICK)


def server():
    cameras = CameraServer()
    for wire in WIRES:
        cameras.add(f"cam-{wire}", Scene(1, 320, 240), fps=8)
    return cameras


async def test_a_closed_port_is_offline_within_5_seconds_and_back_within_5():
    cameras = server()
    await cameras.open()
    async with watching(cameras.url("cam-rtsp")) as watched:
        await watched.until("online", START_S)
        await cameras.close()
        await watched.until("offline", 5)
        assert "refused" in watched.readings[-1].reason
        await cameras.open()
        await watched.until("online", 5)
    await cameras.close()


async def test_the_rate_of_a_stream_is_counted_by_arrival():
    cameras = server()
    async with cameras, watching(cameras.url("cam-mjpeg", "mjpeg"), report_every_s=3) as watched:
        await watched.until("online", START_S)
        await eventually(lambda: len(watched.readings) > 1, 10)
        reading = watched.readings[1]
    assert reading.frames_per_s == pytest.approx(8, rel=0.15)
    assert reading.clock == "gateway"
    assert reading.sharpness > 10


async def test_a_path_that_the_camera_does_not_have_is_offline_and_said_to_answer():
    cameras = server()
    async with cameras, watching(f"http://127.0.0.1:{cameras.port}/nobody.mjpg") as watched:
        await watched.until("offline", 10)
    assert "answers" in watched.readings[-1].reason


async def test_a_hundred_viewers_get_the_frame_that_was_drawn_once():
    cameras = CameraServer()
    feed = cameras.add("cam-01", Scene(1, 320, 240), fps=4)
    async with cameras:
        streams = [await asyncio.open_connection("127.0.0.1", cameras.port) for _ in range(100)]
        for _, writer in streams:
            writer.write(b"GET /cam-01.jpg HTTP/1.0\r\n\r\n")
        pictures = await asyncio.gather(*(reader.read() for reader, _ in streams))
        for _, writer in streams:
            writer.close()
    assert feed.elapsed_s < 5
    assert len({picture for picture in pictures if picture.endswith(b"\xff\xd9")}) <= 1 + int(feed.elapsed_s * 4)


async def test_a_viewer_that_talks_nonsense_does_not_disturb_the_others():
    cameras = server()
    async with cameras, watching(cameras.url("cam-rtsp"), thresholds=Thresholds(settle_s=0.5)) as watched:
        for nonsense in (
            b"\x00" * 100_000,
            b"GET\r\n\r\n",
            b"PLAY rtsp://x/cam-rtsp RTSP/1.0\r\nContent-Length: x\r\n\r\n",
        ):
            reader, writer = await asyncio.open_connection("127.0.0.1", cameras.port)
            writer.write(nonsense)
            await asyncio.wait([asyncio.ensure_future(reader.read())], timeout=5)
            writer.transport.abort()
        await watched.until("online", START_S)
