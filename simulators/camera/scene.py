"""A drawn village street whose truth is known: houses, a lane, people and trucks passing, sensor noise, a clock.

Everything follows from the seed and the time since the start, so that a run can be repeated.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[Any]
Colour = tuple[int, int, int]

#: Prepared fields of noise; each frame takes one, shifted, which costs a fifth of drawing new noise.
NOISE_FIELDS = 4
#: Below this daylight the street lamps burn.
LAMPS_BELOW = 0.3


def check_size(width: int, height: int) -> None:
    """Raise ValueError for a picture that RTP/JPEG cannot carry (RFC 2435, 3.1) or in which nobody could be seen."""
    if width % 16 or height % 8 or not (160 <= width <= 2032 and 120 <= height <= 2040):
        raise ValueError(f"{width}x{height}: a width in 16ths from 160 and a height in 8ths from 120 (RFC 2435, 3.1)")


class Mover(NamedTuple):
    """Somebody or something that crosses the picture again and again; pixels and seconds."""

    size: tuple[int, int]
    ground_y: int
    speed: float
    phase: float
    colour: Colour

    def box(self, elapsed_s: float, width: int) -> tuple[int, int, int, int]:
        """x, y, width, height at that time; partly outside while entering and leaving."""
        wide, high = self.size
        lap = width + 2 * wide
        return int((self.phase * lap + self.speed * elapsed_s) % lap) - wide, self.ground_y - high, wide, high


class Scene:
    """One camera's view. Drawing costs about a millisecond at 640 x 360."""

    def __init__(self, seed: int, width: int = 640, height: int = 360, noise: float = 2.0) -> None:
        check_size(width, height)
        self.width = width
        self.height = height
        self._seed = seed
        self._random = np.random.default_rng(seed)
        self._street = self._draw_street()
        self._movers = [self._mover(number) for number in range(5)]
        self._lamps = [(int(x * width), int(0.42 * height)) for x in self._random.uniform(0.1, 0.9, 4)]
        shape = (NOISE_FIELDS, height, width)
        self._noise = self._random.normal(0, noise, shape).round().astype(np.int8)

    def draw(self, elapsed_s: float, daylight: float = 1.0) -> Image:
        """The street at that time without noise and clock: height x width x 3, BGR; `daylight` from 0 to 1."""
        image: Image = self._street.copy()
        for mover in self._movers:
            x, y, wide, high = mover.box(elapsed_s, self.width)
            cv2.rectangle(image, (x, y), (x + wide, y + high), mover.colour, -1)
            cv2.rectangle(image, (x, y), (x + wide, y + high // 3), _shade(mover.colour, 0.6), -1)
        if daylight < 1:
            image = cv2.convertScaleAbs(image, alpha=max(0.02, daylight))
        if daylight < LAMPS_BELOW:
            for x, y in self._lamps:
                cv2.circle(image, (x, y), self.height // 12, (60, 90, 110), -1)
                cv2.circle(image, (x, y), self.height // 30, (210, 240, 255), -1)
        return image

    def sense(self, image: Image, number: int) -> Image:
        """The image with the sensor's noise in frame `number`."""
        field = self._noise[number % NOISE_FIELDS]
        field = np.roll(field, (number * 7919 + self._seed) % field.size)
        return cv2.add(image, cv2.merge([field] * 3), dtype=cv2.CV_8U)

    def _draw_street(self) -> Image:
        width, height, random = self.width, self.height, self._random
        horizon = int(height * 0.4)
        rows = np.linspace(235, 200, horizon)[:, None, None] * np.array([1.0, 0.95, 0.88])
        image = np.empty((height, width, 3), np.float32)
        image[:horizon] = rows
        grain = cv2.GaussianBlur(random.normal(0, 40, (height - horizon, width)).astype(np.float32), (0, 0), 1.0)
        image[horizon:] = np.array([95, 120, 115]) + grain[:, :, None]
        street: Image = image.clip(0, 255).astype(np.uint8)
        for left in np.linspace(-0.02, 0.86, 6) * width:
            self._draw_house(street, int(left), horizon)
        lane = np.array([[0, 0.75], [1, 0.62], [1, 0.82], [0, 0.97]]) * (width, height)
        cv2.fillPoly(street, [lane.astype(np.int32)], (112, 110, 108))
        for x in range(0, width, width // 12):
            y = int(height * (0.86 - 0.14 * x / width))
            cv2.line(street, (x, y), (x + width // 30, y - height // 240), (215, 220, 220), max(1, height // 120))
        return street

    def _draw_house(self, street: Image, left: int, horizon: int) -> None:
        random = self._random
        wide = int(self.width * random.uniform(0.1, 0.15))
        high = int(self.height * random.uniform(0.16, 0.28))
        wall = self._colour(120, 220)
        top, bottom = horizon - high // 2, horizon + high // 2
        cv2.rectangle(street, (left, top), (left + wide, bottom), wall, -1)
        roof = np.array([[left - 4, top], [left + wide // 2, top - high // 2], [left + wide + 4, top]], np.int32)
        cv2.fillPoly(street, [roof], (60, 60, int(random.integers(110, 170))))
        for column in range(3):
            x = left + wide * (2 * column + 1) // 7
            cv2.rectangle(street, (x, top + high // 4), (x + wide // 8, top + high // 2), (55, 50, 45), -1)

    def _colour(self, low: int, high: int) -> Colour:
        blue, green, red = (int(channel) for channel in self._random.integers(low, high, 3))
        return blue, green, red

    def _mover(self, number: int) -> Mover:
        random, unit = self._random, self.height / 360
        truck = number == 0
        size = (int(96 * unit), int(46 * unit)) if truck else (int(12 * unit), int(34 * unit))
        return Mover(
            size=(max(2, size[0]), max(3, size[1])),
            ground_y=int(self.height * random.uniform(*((0.8, 0.85) if truck else (0.58, 0.95)))),
            speed=float((110 if truck else random.uniform(15, 35)) * unit),
            phase=float(random.uniform()),
            colour=self._colour(30, 200),
        )


def burn_in(image: Image, at: datetime, name: str) -> None:
    """Write the recorder's clock and the camera's name into the picture, as recorders do."""
    height, width = image.shape[:2]
    size = height / 720
    for text, place in (
        (f"{at:%Y-%m-%d %H:%M:%S}", (width // 60, height // 14)),
        (name, (width * 3 // 4, height - height // 36)),
    ):
        cv2.putText(image, text, place, cv2.FONT_HERSHEY_SIMPLEX, size, (0, 0, 0), 3)
        cv2.putText(image, text, place, cv2.FONT_HERSHEY_SIMPLEX, size, (255, 255, 255), 1)


def _shade(colour: Colour, factor: float) -> Colour:
    blue, green, red = (int(channel * factor) for channel in colour)
    return blue, green, red
