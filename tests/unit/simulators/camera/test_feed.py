import asyncio
from datetime import UTC, datetime, timedelta
from itertools import count

import cv2
import numpy as np
import pytest

from simulators.camera.fault import Fault
from simulators.camera.feed import Cut, Feed
from simulators.camera.scene import Scene

SCENE = Scene(1, 320, 240)


def feed(**options):
    """Fast, so that a test waits for milliseconds; its clock ticks a second a frame."""
    ticks = count()
    started = datetime(2026, 3, 1, tzinfo=UTC)
    return Feed("cam-01", SCENE, fps=50, clock=lambda: started + timedelta(seconds=next(ticks)), **options)


def pixels(jpeg):
    return cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR).astype(int)


async def shots(camera, number=3):
    taken, last = [], -1
    for _ in range(number):
        shot = await camera.shot_after(last)
        assert shot.number > last
        last = shot.number
        taken.append(shot.jpeg)
    return taken


async def test_each_shot_is_a_new_picture():
    taken = await shots(feed())
    assert len(set(taken)) == 3
    assert pixels(taken[0]).shape == (240, 320, 3)


async def test_a_frame_is_drawn_once_for_all_who_watch():
    camera = feed()
    one, other = await asyncio.gather(camera.shot_after(1), camera.shot_after(1))
    assert one is other


async def test_a_slow_viewer_gets_the_newest_frame():
    camera = feed()
    await camera.shot_after(-1)
    await asyncio.sleep(0.2)
    assert (await camera.shot_after(0)).number >= 10


async def test_a_stalled_camera_sends_nothing_but_time_goes_on():
    camera = feed()
    camera.fault = "stall"
    assert await shots(camera) == [None, None, None]


async def test_a_frozen_camera_repeats_all_but_its_clock():
    camera = feed()
    await shots(camera, 1)
    camera.fault = "freeze"
    one, other = (pixels(jpeg) for jpeg in await shots(camera, 2))
    differs = (np.abs(one - other) > 8).any(axis=(1, 2))
    assert differs[:40].any()
    assert not differs[40:].any()


async def test_a_held_camera_repeats_every_byte():
    camera = feed()
    (before,) = await shots(camera, 1)
    camera.fault = "hold"
    assert set(await shots(camera)) == {before}


@pytest.mark.parametrize("fault", ["cut", "refuse"])
async def test_a_camera_that_cuts_says_so_to_its_viewers(fault):
    camera = feed()
    camera.fault = fault
    with pytest.raises(Cut):
        await camera.shot_after(-1)


async def test_garbage_is_no_picture():
    camera = feed()
    camera.fault = "garbage"
    assert cv2.imdecode(np.frombuffer((await shots(camera, 1))[0], np.uint8), cv2.IMREAD_COLOR) is None


async def test_a_schedule_is_kept_and_overruled_by_hand():
    camera = feed(faults=[Fault("stall", 0, 3600)])
    assert (await shots(camera, 1)) == [None]
    camera.fault = "dark"
    assert pixels((await shots(camera, 2))[-1])[60:180].mean() < 10
