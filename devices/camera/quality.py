"""Is the picture worth anything: dark, frozen or blurred, judged from measurements over seconds, never over frames.

Each measurement stands for the time since the one before, so that 1, 2 and 5 pictures a second give the same verdicts.

- Dark: little light *and* little contrast. A village at night with lamps has contrast and is not dark.
- Frozen: no cell changed for `frozen_after_s` but those of a burnt-in clock, which lies in the two topmost or lowest of
  the nine rows. A real sensor's noise changes nearly every cell, whatever the compression.
- Blurred: less than half of the edge that this camera used to have under this light, or hardly any at all. What
  it used to have is a running mean over `reference_s`, one by day and one under infrared light, learned from good
  pictures only. It follows a dusk, which takes three quarters of an hour; a web spun as slowly is found by the floor.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from devices.camera.observation import COLUMNS, ROWS, Picture

Fault = Literal["dark", "frozen", "blurred"]

Seconds = Annotated[float, Meta(gt=0, le=86_400)]
Share = Annotated[float, Meta(gt=0, lt=1)]
Grey = Annotated[float, Meta(ge=0, le=255)]

#: A measurement stands for at most this many seconds: a gap in the stream is no evidence.
STANDS_FOR_S = 2.0
#: Below this saturation a picture is without colour: infrared light, or a camera that sees no colours.
COLOURLESS = 3.0
#: A clock and a name cover at most one row's worth of cells.
OVERLAY_CELLS = COLUMNS
#: To leave a fault takes this much more than to enter it.
HYSTERESIS = 1.2

_BAND = (1 << 2 * COLUMNS) - 1
#: Where burnt-in text may stand: the two rows at the top and the two at the bottom.
OVERLAY = _BAND | _BAND << (ROWS - 2) * COLUMNS


class Limits(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From when a picture counts as bad, and for how long it must be; grey levels of 0-255, seconds."""

    dark_luminance: Grey = 25.0
    dark_contrast: Grey = 10.0
    dark_after_s: Seconds = 1.5
    frozen_after_s: Seconds = 10.0
    blurred_share: Share = 0.45
    blurred_floor: Grey = 4.5
    blurred_after_s: Seconds = 1.5
    recover_after_s: Seconds = 2.0
    reference_s: Seconds = 300.0
    reference_least_s: Seconds = 5.0


class Dwell:
    """A condition that must hold for a while to begin, and be absent for a while to end."""

    def __init__(self, begins_after_s: float, ends_after_s: float) -> None:
        self._begins_after_s = begins_after_s
        self._ends_after_s = ends_after_s
        self._held_s = 0.0
        self.active = False

    def hold(self, against: bool, passed_s: float) -> None:
        """`against`: whether these `passed_s` seconds speak against the present opinion."""
        self._held_s = self._held_s + passed_s if against else 0.0
        if self._held_s >= (self._ends_after_s if self.active else self._begins_after_s):
            self.active = not self.active
            self._held_s = 0.0


class Reference:
    """What one camera's sharpness usually is under one light: a running mean, then an exponential one."""

    def __init__(self) -> None:
        self.sharpness = 0.0
        self.learned_s = 0.0

    def learn(self, sharpness: float, passed_s: float, over_s: float) -> None:
        """Take in a good picture that stands for `passed_s`."""
        self.learned_s += passed_s
        if self.learned_s > 0:
            self.sharpness += (sharpness - self.sharpness) * passed_s / min(self.learned_s, over_s)


class Quality:
    """One camera's picture over time. Its faults in their order of precedence: dark, frozen, blurred."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._dark = Dwell(limits.dark_after_s, limits.recover_after_s)
        self._frozen = Dwell(limits.frozen_after_s, min(1.0, limits.recover_after_s))
        self._blurred = Dwell(limits.blurred_after_s, limits.recover_after_s)
        self._references = {False: Reference(), True: Reference()}
        self._last_s: float | None = None
        self._overlay = 0
        self.fault: Fault | None = None
        self.reason = ""

    def see(self, picture: Picture, now_s: float) -> None:
        """Take the picture that arrived at `now_s` (any monotonic clock, seconds)."""
        passed_s = 0.0 if self._last_s is None else max(0.0, min(STANDS_FOR_S, now_s - self._last_s))
        self._last_s = now_s
        dark = self._is_dark(picture)
        still = self._is_still(picture)
        blurred, expected = self._is_blurred(picture)
        self._dark.hold(dark != self._dark.active, passed_s)
        if still is not None:
            self._frozen.hold(still != self._frozen.active, passed_s)
        self._blurred.hold(blurred != self._blurred.active, passed_s)
        if not (dark or blurred or self._dark.active or self._frozen.active or self._blurred.active):
            self._reference(picture).learn(picture.sharpness, passed_s, self._limits.reference_s)
        self._conclude(picture, expected)

    def _conclude(self, picture: Picture, expected: float) -> None:
        if self._dark.active:
            self.fault = "dark"
            self.reason = f"luminance {picture.luminance:.0f}, contrast {picture.contrast:.0f}"
        elif self._frozen.active:
            self.fault = "frozen"
            self.reason = f"the same picture for more than {self._limits.frozen_after_s:g} s"
        elif self._blurred.active:
            self.fault = "blurred"
            self.reason = f"sharpness {picture.sharpness:.1f}, expected {expected:.1f}"
        else:
            self.fault, self.reason = None, ""

    def _is_dark(self, picture: Picture) -> bool:
        slack = HYSTERESIS if self._dark.active else 1.0
        limits = self._limits
        return picture.luminance < limits.dark_luminance * slack and picture.contrast < limits.dark_contrast * slack

    def _is_still(self, picture: Picture) -> bool | None:
        """Whether only an overlay has changed since this stillness began; None where there is nothing to compare."""
        if picture.changed is None:
            return None
        changed = int(picture.changed, 16)
        self._overlay |= changed
        still = not changed & ~OVERLAY and self._overlay.bit_count() <= OVERLAY_CELLS
        if not still:
            self._overlay = 0
        return still

    def _is_blurred(self, picture: Picture) -> tuple[bool, float]:
        """Whether this picture has too little edge, and how much was expected."""
        reference = self._reference(picture)
        learned = reference.learned_s >= self._limits.reference_least_s
        least = reference.sharpness * self._limits.blurred_share if learned else 0.0
        slack = HYSTERESIS if self._blurred.active else 1.0
        expected = reference.sharpness if learned else self._limits.blurred_floor
        return picture.sharpness < max(least, self._limits.blurred_floor) * slack, expected

    def _reference(self, picture: Picture) -> Reference:
        return self._references[picture.saturation < COLOURLESS]
