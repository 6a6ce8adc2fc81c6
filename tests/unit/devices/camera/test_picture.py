import cv2
import numpy as np
import pytest

from devices.camera.observation import COLUMNS, ROWS
from devices.camera.picture import PictureMeter

RNG = np.random.default_rng(7)


def street(width=640, height=360):
    """Something with edges, colours and shades."""
    small = RNG.integers(0, 255, (height // 8, width // 8, 3), dtype=np.uint8)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_NEAREST)


def noisy(image, sigma=2.0):
    return np.clip(image + RNG.normal(0, sigma, image.shape), 0, 255).astype(np.uint8)


def test_a_first_frame_has_nothing_to_be_compared_with():
    seen = PictureMeter().measure(street())
    assert seen.noise is None
    assert seen.changed is None


def test_an_identical_frame_has_changed_nowhere_and_has_no_noise():
    meter, image = PictureMeter(), street()
    meter.measure(image)
    seen = meter.measure(image)
    assert seen.noise == 0
    assert int(seen.changed, 16) == 0


def test_a_still_scene_before_a_real_sensor_changes_everywhere():
    meter, image = PictureMeter(), np.full((360, 640, 3), 120, np.uint8)
    meter.measure(noisy(image))
    seen = meter.measure(noisy(image))
    assert int(seen.changed, 16).bit_count() == COLUMNS * ROWS


def test_noise_is_the_sensors_standard_deviation():
    meter, image = PictureMeter(), np.full((360, 640), 120, np.uint8)
    meter.measure(noisy(image, 3.0))
    assert meter.measure(noisy(image, 3.0)).noise == pytest.approx(3.0, rel=0.1)


@pytest.mark.parametrize(("column", "row"), [(0, 0), (15, 0), (7, 4), (0, 8), (15, 8)])
def test_a_change_is_told_in_the_cell_where_it_is(column, row):
    meter, image = PictureMeter(), street()
    meter.measure(image)
    changed = image.copy()
    changed[row * 40 + 10 : row * 40 + 30, column * 40 + 10 : column * 40 + 30] ^= 0x40
    bits = f"{int(meter.measure(changed).changed, 16):0{COLUMNS * ROWS}b}"
    assert [i for i, bit in enumerate(bits) if bit == "1"] == [row * COLUMNS + column]


def test_luminance_and_contrast_are_those_of_the_grey_picture():
    image = np.full((360, 640, 3), 40, np.uint8)
    image[:, 320:] = 60
    seen = PictureMeter().measure(image)
    assert seen.luminance == pytest.approx(50, abs=0.1)
    assert seen.contrast == pytest.approx(10, abs=0.1)


def test_burnt_in_text_on_a_black_picture_gives_it_neither_light_nor_contrast():
    image = np.zeros((360, 640, 3), np.uint8)
    cv2.putText(image, "2026-03-01 08:00:00", (10, 30), cv2.FONT_HERSHEY_SIMPLEX, 0.8, (255, 255, 255), 2)
    seen = PictureMeter().measure(image)
    assert seen.luminance == 0
    assert seen.contrast == 0
    assert seen.sharpness == 0


def test_blur_takes_the_sharpness_and_leaves_the_light():
    image = street()
    sharp = PictureMeter().measure(image)
    blurred = PictureMeter().measure(cv2.GaussianBlur(image, (0, 0), 8))
    assert blurred.sharpness < 0.2 * sharp.sharpness
    assert blurred.luminance == pytest.approx(sharp.luminance, abs=3)


@pytest.mark.parametrize("factor", [0.5, 2, 3])
def test_sharpness_means_the_same_at_other_resolutions(factor):
    image = street()
    scaled = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    assert PictureMeter().measure(scaled).sharpness == pytest.approx(PictureMeter().measure(image).sharpness, rel=0.2)


def test_a_picture_without_colour_has_no_saturation():
    grey = cv2.cvtColor(street(), cv2.COLOR_BGR2GRAY)
    assert PictureMeter().measure(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR)).saturation == 0
    assert PictureMeter().measure(grey).saturation == 0
    assert PictureMeter().measure(street()).saturation > 50


@pytest.mark.parametrize(
    "shape", [(1, 1, 3), (2, 3, 3), (9, 16, 3), (48, 48, 3), (1080, 1920, 3), (641, 17), (17, 641, 3)]
)
def test_any_size_of_frame_is_measured(shape):
    meter = PictureMeter()
    meter.measure(RNG.integers(0, 255, shape, dtype=np.uint8))
    assert meter.measure(RNG.integers(0, 255, shape, dtype=np.uint8)).changed is not None


def test_a_frame_of_another_size_is_not_compared_with_the_one_before():
    meter = PictureMeter()
    meter.measure(street())
    assert meter.measure(street(320, 240)).changed is None
