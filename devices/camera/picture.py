"""From a frame to a few numbers: the only file of `devices` that needs numpy and OpenCV.

All measures are taken at one scale (320 pixels wide), so that they mean the same for every camera.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from devices.camera.observation import COLUMNS, ROWS, Picture

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Image = NDArray[Any]

#: Mean absolute difference of a cell, in grey levels, from which it has changed. Still scenes of real cameras differ by
#: 0.3-2 in the median cell whatever their compression; a repeated picture differs by exactly 0.
CHANGED_FROM = 0.15
#: Frames wider than this are thinned (every n-th pixel, which keeps their noise) before they are compared.
COMPARED_WIDTH = 320
#: Mean absolute difference of two normally distributed samples, over their standard deviation: 2 / sqrt(pi).
MEAN_DIFFERENCE = 1.1284

_WIDTH, _HEIGHT = 320, 140


class PictureMeter:
    """Measures a camera's frames one after the other, each against the one before."""

    def __init__(self) -> None:
        self._before: Image | None = None

    def measure(self, frame: Image, frames: int = 0, dropped: int = 0) -> Picture:
        """Measure a BGR or grey frame of 8 bits (height x width [x 3], any size); the counters are passed through."""
        grey = frame if frame.ndim == 2 else cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY)
        height, width = grey.shape
        edge = height // ROWS
        inner = cv2.resize(grey[edge : height - edge], (_WIDTH, _HEIGHT), interpolation=cv2.INTER_AREA)
        mean, deviation = cv2.meanStdDev(inner)
        noise, changed = self._compare(grey, max(1, width // COMPARED_WIDTH))
        return Picture(
            luminance=round(float(mean[0, 0]), 2),
            contrast=round(float(deviation[0, 0]), 2),
            sharpness=round(_sharpness(inner), 2),
            saturation=round(_saturation(frame), 2),
            noise=noise,
            changed=changed,
            frames=frames,
            dropped=dropped,
        )

    def _compare(self, grey: Image, step: int) -> tuple[float | None, str | None]:
        now = np.ascontiguousarray(grey[::step, ::step])
        before, self._before = self._before, now
        if before is None or before.shape != now.shape:
            return None, None
        difference = cv2.absdiff(now, before).astype(np.float32)
        cells = cv2.resize(difference, (COLUMNS, ROWS), interpolation=cv2.INTER_AREA)
        noise = float(np.median(cells)) / MEAN_DIFFERENCE
        return round(noise, 3), np.packbits(cells > CHANGED_FROM).tobytes().hex()


def _sharpness(inner: Image) -> float:
    """What a quarter of the cells reaches.

    Sky and walls have no edges in any focus; an overlay, or the corner that a hand leaves free, keeps them in each.
    """
    edges = cv2.Laplacian(inner, cv2.CV_32F)
    cells = cv2.resize(edges * edges, (COLUMNS, ROWS - 2), interpolation=cv2.INTER_AREA).ravel()
    rank = cells.size * 3 // 4
    return float(np.sqrt(np.partition(cells, rank)[rank]))


def _saturation(frame: Image) -> float:
    """From about 80 x 45 samples, which is plenty for a mean."""
    if frame.ndim == 2:
        return 0.0
    step = max(1, frame.shape[1] // 80)
    few = frame[::step, ::step]
    return float(np.mean(few.max(axis=2) - few.min(axis=2)))
