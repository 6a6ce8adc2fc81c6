import pytest

from devices.camera.quality import Dwell, Limits, Quality
from tests.unit.devices.camera.judging import BLURRED, DARK, EVERYWHERE, NOWHERE, cells, picture

RATES = pytest.mark.parametrize("fps", [1, 2, 5])


class Film:
    """Scenes one after the other before a Quality; the changes of its opinion with their times."""

    def __init__(self, fps, limits=None):
        self.quality = Quality(limits or Limits())
        self.fps = fps
        self.frame = 0
        self.changes = []

    def show(self, seconds, **measures):
        for _ in range(round(seconds * self.fps)):
            now_s = self.frame / self.fps
            before = self.quality.fault
            self.quality.see(picture(**measures), now_s)
            if self.quality.fault != before:
                self.changes.append((self.quality.fault, now_s))
            self.frame += 1
        return self

    @property
    def faults(self):
        return [fault for fault, _ in self.changes]


@RATES
@pytest.mark.parametrize(
    ("measures", "fault"), [(DARK, "dark"), (BLURRED, "blurred"), ({"changed": NOWHERE}, "frozen")]
)
def test_each_fault_is_found_and_left_at_any_rate_at_the_same_time(fps, measures, fault):
    film = Film(fps).show(20).show(20, **measures).show(20)
    assert film.faults == [fault, None]
    limits = Limits()
    found_s, left_s = (at for _, at in film.changes)
    after_s = limits.frozen_after_s if fault == "frozen" else limits.dark_after_s
    assert 20 <= found_s <= 20 + after_s + 1
    assert 40 <= left_s <= 40 + limits.recover_after_s + 1


@RATES
@pytest.mark.parametrize("measures", [DARK, BLURRED, {"changed": NOWHERE}])
def test_a_moment_is_no_fault(fps, measures):
    assert Film(fps).show(20).show(1, **measures).show(20).faults == []


@RATES
def test_a_flickering_picture_does_not_make_a_flickering_opinion(fps):
    film = Film(fps).show(20)
    for _ in range(10):
        film.show(1, **DARK).show(1)
    assert film.faults == []


def test_a_night_with_lamps_is_not_dark():
    assert Film(2).show(60, luminance=8, contrast=24).faults == []


def test_fog_is_bright_and_flat_and_not_dark():
    assert "dark" not in Film(2).show(60, luminance=150, contrast=3).faults


def test_dark_comes_before_frozen_and_blurred():
    assert Film(2).show(20).show(40, **DARK, changed=NOWHERE).faults == ["dark"]


def test_a_frozen_picture_is_found_under_a_ticking_clock():
    film = Film(2).show(20)
    for second in range(30):
        digits = [(3, 0)] if second % 10 else [(2, 0), (3, 0), (3, 1)]
        film.show(0.5, changed=NOWHERE).show(0.5, changed=cells(*digits))
    assert film.faults == ["frozen"]


def test_a_clock_may_stand_at_the_lower_edge_too():
    film = Film(2).show(20)
    for _ in range(30):
        film.show(0.5, changed=NOWHERE).show(0.5, changed=cells((12, 8), (13, 8)))
    assert film.faults == ["frozen"]


def test_a_quiet_scene_in_which_one_cell_moves_is_not_frozen():
    film = Film(2)
    for _ in range(60):
        film.show(0.5, changed=NOWHERE).show(0.5, changed=cells((7, 4)))
    assert film.faults == []


def test_clouds_over_an_otherwise_still_scene_are_more_than_a_clock():
    film = Film(2)
    for step in range(60):
        film.show(1, changed=cells(*[((step * 3 + i) % 16, i % 2) for i in range(6)]))
    assert film.faults == []


def test_movement_after_a_frozen_time_ends_it_within_a_second():
    film = Film(5).show(5).show(20, changed=NOWHERE).show(5, changed=EVERYWHERE)
    assert film.faults == ["frozen", None]
    assert film.changes[1][1] <= 26


def test_a_picture_without_predecessor_speaks_neither_for_nor_against_frozen():
    film = Film(2).show(9, changed=NOWHERE).show(0.5, changed=None).show(2, changed=NOWHERE)
    assert film.faults == ["frozen"]


def test_less_than_half_the_usual_sharpness_is_blurred_for_a_sharp_camera_and_usual_for_a_soft_one():
    assert Film(2).show(30, sharpness=40).show(10, sharpness=15).faults == ["blurred"]
    assert Film(2).show(40, sharpness=15).faults == []


def test_a_camera_that_is_blurred_from_the_start_is_found_by_the_floor():
    assert Film(2).show(10, sharpness=2).faults == ["blurred"]


def test_a_blurred_picture_never_becomes_what_is_expected():
    film = Film(1).show(60).show(6 * 3600, **BLURRED)
    assert film.faults == ["blurred"]


def test_an_evening_is_no_blur_and_neither_is_the_night_after_it():
    film = Film(1).show(600, sharpness=40)
    for second in range(2700):
        film.show(1, sharpness=40 - 34 * second / 2700)
    assert film.show(3600, sharpness=6).faults == []


def test_the_switch_to_infrared_light_is_judged_by_its_own_experience():
    film = Film(2).show(600, sharpness=40).show(600, sharpness=12, saturation=0.5).show(600, sharpness=40)
    assert film.faults == []
    assert film.show(600, sharpness=12, saturation=0.5).show(10, sharpness=5.0, saturation=0.5).faults == ["blurred"]


def test_a_gap_between_pictures_is_no_evidence():
    quality = Quality(Limits())
    quality.see(picture(), 0)
    quality.see(picture(changed=NOWHERE), 500)
    assert quality.fault is None


def test_a_clock_set_back_is_no_evidence():
    quality = Quality(Limits())
    quality.see(picture(**DARK), 100)
    quality.see(picture(**DARK), 0)
    assert quality.fault is None


def test_a_value_at_the_limit_does_not_swing():
    film = Film(2).show(10).show(4, luminance=24, contrast=5)
    for _ in range(20):
        film.show(3, luminance=26, contrast=5).show(3, luminance=24, contrast=5)
    assert film.faults == ["dark"]


def test_the_reason_says_the_numbers():
    film = Film(2).show(20).show(5, **DARK)
    assert film.quality.reason == "luminance 4, contrast 2"
    assert Film(2).show(20).show(5, **BLURRED).quality.reason == "sharpness 6.0, expected 30.0"


def test_a_dwell_needs_unbroken_time():
    dwell = Dwell(begins_after_s=3, ends_after_s=1)
    for against in (True, True, False, True, True):
        dwell.hold(against, 1)
    assert not dwell.active
    dwell.hold(True, 1)
    assert dwell.active
    dwell.hold(True, 1)
    assert not dwell.active
