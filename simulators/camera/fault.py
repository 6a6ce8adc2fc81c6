"""What can be wrong with a camera, when, and what an optical fault does to its picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple, get_args

import cv2
import numpy as np
from numpy.typing import NDArray

#: stall: connected, but no frames. freeze: the same picture under a running clock. hold: the very same frame, clock and
#: all. dark: no light. blur: out of focus. cut: every connection is closed. refuse: turned away when it asks. garbage:
#: bytes that are no picture.
FaultKind = Literal["stall", "freeze", "hold", "dark", "blur", "cut", "refuse", "garbage"]
FAULTS: tuple[FaultKind, ...] = get_args(FaultKind)

Image = NDArray[Any]


class Fault(NamedTuple):
    """A fault from `start_s` until `end_s`, in seconds since the camera was switched on."""

    kind: FaultKind
    start_s: float
    end_s: float

    @classmethod
    def parse(cls, text: str) -> Fault:
        """`freeze:30:60`. Raises ValueError."""
        kind, _, times = text.partition(":")
        start, _, end = times.partition(":")
        if kind not in FAULTS:
            raise ValueError(f"{kind!r} is none of {', '.join(FAULTS)}")
        fault = cls(kind, float(start), float(end))
        if not 0 <= fault.start_s < fault.end_s:
            raise ValueError(f"{text!r}: a fault begins before it ends")
        return fault


def active(faults: Sequence[Fault], elapsed_s: float) -> FaultKind | None:
    """The fault of a schedule at that time; of several, the first named."""
    return next((fault.kind for fault in faults if fault.start_s <= elapsed_s < fault.end_s), None)


def seen_through(image: Image, fault: FaultKind | None) -> Image:
    """The scene as the lens lets it through, before the sensor adds its noise."""
    if fault == "dark":
        return np.asarray(image * 0.03).astype(np.uint8)
    if fault == "blur":
        return cv2.GaussianBlur(image, (0, 0), image.shape[1] / 80)
    return image
