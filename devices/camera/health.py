"""The state of a camera from what is seen of it: online, offline, stalled, dark, frozen or blurred.

    what is seen                                            state
    --------------------------------------------------------------------------------------------------
    nobody there, refused, closed, decoder died, ended      offline   offline_after_s after the loss
    somebody there, but no picture                          stalled   stalled_after_s after the last picture
    pictures for settle_s                                   online, or what `quality` says of them

Between these the last state stands: a stream that breaks and is back within offline_after_s has not been away.
Times are seconds of any monotonic clock, passed in; nothing here reads one.
"""

from __future__ import annotations

from collections import deque
from datetime import datetime
from typing import NamedTuple

from devices.camera.observation import Lost, Observation, Opened, Picture
from devices.camera.quality import STANDS_FOR_S, Limits, Quality, Seconds
from devices.contract.readings import CameraHealth, CameraState, Clock

#: Over how many seconds the frame rate is told.
RATE_OVER_S = 10.0


class Thresholds(Limits, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When a stream counts as gone or silent and when as back, beside the limits of its picture; seconds."""

    offline_after_s: Seconds = 3.0
    stalled_after_s: Seconds = 8.0
    settle_s: Seconds = 1.0


class Verdict(NamedTuple):
    """A reading is due. `urgent` when the camera was lost or is back, which nobody should wait a batch for."""

    state: CameraState
    reason: str
    urgent: bool


class Judge:
    """One camera over time, whatever decoders come and go."""

    def __init__(self, thresholds: Thresholds, report_every_s: float, now_s: float) -> None:
        self._thresholds = thresholds
        self._report_every_s = report_every_s
        self._reported_s = now_s
        self._quality = Quality(thresholds)
        self._picture: Picture | None = None
        self._picture_s = now_s
        self._streaming = False
        self._settled_s = 0.0
        self._gone_s: float | None = None
        self._reason = "no picture yet"
        self._arrived: deque[tuple[float, int]] = deque([(now_s, 0)])
        self._frames = 0
        self._dropped = 0
        self._frames_before = 0
        self._dropped_before = 0
        self._lives = 0
        #: None until enough was seen for a first opinion.
        self.state: CameraState | None = None

    def see(self, seen: Observation, now_s: float) -> Verdict | None:
        """Take an observation that arrived at `now_s`; say what is due now, if anything."""
        match seen:
            case Picture():
                self._see_picture(seen, now_s)
            case Lost():
                self._see_loss(seen, now_s)
            case Opened():
                # A new decoder counts from nothing.
                self._frames_before, self._dropped_before = self._frames, self._dropped
        return self.tick(now_s)

    def started(self) -> None:
        """A decoder was started; every one but the first counts as a restart."""
        self._lives += 1

    def tick(self, now_s: float) -> Verdict | None:
        """Time has passed: say what is due, if anything. To be called about twice a second."""
        state, reason = self._opinion(now_s)
        if state is None:
            return None
        if state != self.state:
            urgent = bool({"offline", "stalled"} & {state, self.state})
            self.state = state
        elif now_s - self._reported_s >= self._report_every_s:
            urgent = False
        else:
            return None
        self._reported_s = now_s
        return Verdict(state, reason, urgent)

    def reading(self, device: str, verdict: Verdict, at: datetime, clock: Clock, now_s: float) -> CameraHealth:
        """The verdict as a reading: with the last picture's measures while pictures come, and the counters so far."""
        seen = self._picture if verdict.state not in ("offline", "stalled") else None
        return CameraHealth(
            device=device,
            at=at,
            clock=clock,
            state=verdict.state,
            luminance=seen.luminance if seen else None,
            contrast=seen.contrast if seen else None,
            sharpness=seen.sharpness if seen else None,
            noise=seen.noise if seen else None,
            frames_per_s=self._rate(now_s),
            frames_dropped=self._dropped,
            decoder_restarts=max(0, self._lives - 1),
            reason=verdict.reason[:200] or None,
        )

    def _see_picture(self, picture: Picture, now_s: float) -> None:
        passed_s = now_s - self._picture_s
        # A first picture, or one after a long gap, stands for no time: it could be the only one.
        steady = self._streaming and passed_s < self._thresholds.stalled_after_s / 2
        self._settled_s = self._settled_s + min(passed_s, STANDS_FOR_S) if steady else 0.0
        self._streaming = True
        self._picture, self._picture_s = picture, now_s
        self._frames = self._frames_before + picture.frames
        self._dropped = self._dropped_before + picture.dropped
        self._arrived.append((now_s, self._frames))
        self._forget(now_s)
        self._quality.see(picture, now_s)
        if self._settled_s >= self._thresholds.settle_s:
            self._gone_s = None

    def _see_loss(self, lost: Lost, now_s: float) -> None:
        self._streaming = False
        self._settled_s = 0.0
        self._reason = lost.reason
        if lost.how == "silent":
            self._gone_s = None
        elif lost.how == "ended":
            self._gone_s = now_s - self._thresholds.offline_after_s
        elif self._gone_s is None:
            self._gone_s = now_s

    def _opinion(self, now_s: float) -> tuple[CameraState | None, str]:
        """The state now and its reason; the present state where the evidence does not yet suffice for another."""
        silent_s = now_s - self._picture_s
        if self._streaming and silent_s < self._thresholds.stalled_after_s:
            if self._settled_s >= self._settle_s():
                return self._quality.fault or "online", self._quality.reason
            return self.state, self._reason
        if self._gone_s is not None and now_s - self._gone_s >= self._thresholds.offline_after_s:
            return "offline", self._reason
        if self._gone_s is None and silent_s >= self._thresholds.stalled_after_s:
            return "stalled", f"no picture for {silent_s:.0f} s"
        return self.state, self._reason

    def _settle_s(self) -> float:
        """The first opinion waits until a fault of the picture would show: no camera starts online, then dark."""
        limits = self._thresholds
        return limits.settle_s if self.state else max(limits.settle_s, limits.dark_after_s, limits.blurred_after_s)

    def _forget(self, now_s: float) -> None:
        while len(self._arrived) > 1 and self._arrived[1][0] <= now_s - RATE_OVER_S:
            self._arrived.popleft()

    def _rate(self, now_s: float) -> float:
        self._forget(now_s)
        since_s, frames = self._arrived[0]
        return round((self._frames - frames) / max(1.0, now_s - since_s), 2)
