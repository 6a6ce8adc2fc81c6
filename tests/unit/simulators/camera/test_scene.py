from datetime import UTC, datetime

import numpy as np
import pytest

from simulators.camera.fault import Fault, active, seen_through
from simulators.camera.scene import Scene, burn_in


def test_the_same_seed_draws_the_same_street_at_the_same_time():
    one, other = Scene(5), Scene(5)
    assert np.array_equal(one.draw(12.5), other.draw(12.5))
    assert np.array_equal(one.sense(one.draw(1), 9), other.sense(other.draw(1), 9))


def test_another_seed_is_another_village():
    assert not np.array_equal(Scene(5).draw(0), Scene(6).draw(0))


@pytest.mark.parametrize("size", [(320, 240), (640, 360), (1280, 720)])
def test_people_and_trucks_move(size):
    scene = Scene(1, *size)
    assert scene.draw(0).shape == (size[1], size[0], 3)
    assert not np.array_equal(scene.draw(0), scene.draw(1))


def test_every_mover_comes_round_and_stays_at_its_height():
    scene = Scene(2)
    for mover in scene._movers:
        boxes = [mover.box(t / 2, scene.width) for t in range(400)]
        assert min(x for x, *_ in boxes) < 0
        assert max(x for x, *_ in boxes) > scene.width / 2
        assert {(y, wide, high) for _, y, wide, high in boxes} == {boxes[0][1:]}


def test_the_sensors_noise_is_new_in_each_frame_and_as_strong_as_asked():
    scene = Scene(1, noise=3.0)
    grey = np.full((360, 640, 3), 128, np.uint8)
    one, other = scene.sense(grey, 1), scene.sense(grey, 2)
    assert not np.array_equal(one, other)
    assert np.std(one.astype(int) - 128) == pytest.approx(3.0, rel=0.05)


def test_night_is_dark_between_bright_lamps():
    night = Scene(1).draw(0, daylight=0.05)
    assert np.median(night) < 15
    assert night.max() > 200


def test_a_size_that_rtp_cannot_say_is_refused():
    with pytest.raises(ValueError, match="RFC 2435"):
        Scene(1, 639, 360)


def test_the_clock_is_burnt_into_the_upper_rows_and_the_name_into_the_lower():
    image = Scene(1).draw(0)
    with_text = image.copy()
    burn_in(with_text, datetime(2026, 3, 1, 8, tzinfo=UTC), "cam-01")
    rows = np.nonzero((image != with_text).any(axis=(1, 2)))[0]
    assert rows.size > 0
    assert all(row < 40 or row > 320 for row in rows)


def test_a_schedule_is_active_in_its_time_only():
    schedule = [Fault("freeze", 10, 20), Fault("cut", 15, 30)]
    assert [active(schedule, at) for at in (0, 10, 16, 20, 30)] == [None, "freeze", "freeze", "cut", None]


def test_a_fault_is_read_from_a_command_line():
    assert Fault.parse("freeze:30:60.5") == Fault("freeze", 30, 60.5)


@pytest.mark.parametrize("text", ["", "freeze", "melt:1:2", "freeze:5:5", "freeze:-1:5", "freeze:a:b"])
def test_a_fault_that_is_none_is_refused(text):
    with pytest.raises(ValueError, match=r".+"):
        Fault.parse(text)


def test_faults_of_the_lens_leave_the_scenes_shape():
    image = Scene(1).draw(0)
    assert seen_through(image, "dark").mean() < 8
    blurred = seen_through(image, "blur")
    assert blurred.mean() == pytest.approx(image.mean(), abs=2)
    assert np.abs(np.diff(blurred.astype(int), axis=1)).mean() < 0.3 * np.abs(np.diff(image.astype(int), axis=1)).mean()
    assert seen_through(image, None) is image
