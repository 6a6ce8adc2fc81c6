"""The decoder process of one camera: `python -m edge_agent.transports.camera_decoder`, the order on standard input.

It grabs every frame, measures a few a second and says what it saw, a line each, on standard output; it ends when the
stream does. It is a process of its own because a stream can abort OpenCV, or block it for ever (opencv #22677), and
takes whatever is around with it; here nothing else is around. It dies with its parent, however that dies, because
standard input then ends. Only this file opens cameras.
"""

from __future__ import annotations

import os
import resource
import sys
import threading
import time
from typing import IO, TYPE_CHECKING

from devices.camera.observation import Lost, Observation, Opened, encode
from edge_agent.transports.camera_order import Order, decode

if TYPE_CHECKING:
    import cv2

#: What a stream may make the decoder allocate: a hostile frame size is refused by the system, not by luck.
MEMORY_LIMIT = 768 * 1024 * 1024
#: A grab that took less than this share of the usual distance between frames had been waiting: a newer one may follow.
WAITING_SHARE = 0.2
#: For at most so long the newest frame is sought before the one at hand is measured.
CATCH_UP_S = 1.0


def main() -> None:
    """Take the order, decode until the stream ends, say why it ended."""
    order = decode(sys.stdin.buffer.readline())
    # What a library may print on standard output is not to be taken for an observation.
    say = Voice(os.fdopen(os.dup(1), "wb"))
    os.dup2(2, 1)
    threading.Thread(target=_die_with_parent, daemon=True).start()
    # Neither a core file nor swap should ever hold a frame; and no frame may claim all memory.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_LIMIT, MEMORY_LIMIT))
    say(Stream(order, say).run())


class Voice:
    """The way to the parent: one line an observation, at once."""

    def __init__(self, out: IO[bytes]) -> None:
        self._out = out

    def __call__(self, observation: Observation) -> None:
        """Say it."""
        self._out.write(encode(observation))
        self._out.flush()


def _die_with_parent() -> None:
    # os.read and not the buffered reader, whose lock would be held at exit; the main thread may be anywhere in OpenCV.
    while os.read(0, 4096):
        pass
    os._exit(0)


class Stream:
    """One stream from its opening to its end."""

    def __init__(self, order: Order, say: Voice) -> None:
        self._order = order
        self._say = say
        self._frames = 0
        self._dropped = 0
        self._distance_s = 0.0

    def run(self) -> Lost:
        """Decode to the end and say how it ended."""
        started_s = time.monotonic()
        capture = open_capture(self._order)
        if not capture.isOpened():
            if time.monotonic() - started_s >= 0.9 * self._order.open_timeout_s:
                return Lost(how="silent", reason=f"no stream within {self._order.open_timeout_s:g} s")
            return Lost(how="gone", reason="answers, but gives no stream that can be decoded")
        self._say(Opened())
        # Imported here: while the camera's answer is awaited, nobody needs it.
        from devices.camera.picture import PictureMeter

        meter = PictureMeter()
        pace = Pace(capture) if self._order.kind == "file" else None
        due_s = time.monotonic()
        while self._grab_newest(capture, due_s, pace):
            if time.monotonic() < due_s:
                continue
            whole, frame = capture.retrieve()
            if whole and frame.size:
                self._say(meter.measure(frame, self._frames, self._dropped))
            due_s = max(due_s + 1 / self._order.analyse_fps, time.monotonic() - 1 / self._order.analyse_fps)
        return self._ended(time.monotonic() - self._asked_s)

    def _grab_newest(self, capture: cv2.VideoCapture, due_s: float, pace: Pace | None) -> bool:
        """Take the next frame; when one is due to be measured, skip those that have been waiting behind it."""
        until_s = time.monotonic() + CATCH_UP_S
        while True:
            if pace:
                pace.wait()
            if not self._grab(capture):
                return bool(pace) and self._order.loop and self._rewind(capture)
            now_s = time.monotonic()
            took_s = now_s - self._asked_s
            waiting = pace is None and self._frames > 1 and took_s < WAITING_SHARE * self._distance_s
            self._distance_s += (took_s - self._distance_s) * 0.1
            if now_s < due_s or not waiting or now_s > until_s:
                return True
            self._dropped += 1

    def _grab(self, capture: cv2.VideoCapture) -> bool:
        self._asked_s = time.monotonic()
        if not capture.grab():
            return False
        self._frames += 1
        return True

    def _rewind(self, capture: cv2.VideoCapture) -> bool:
        """Play the recording again from its start."""
        import cv2

        return bool(capture.set(cv2.CAP_PROP_POS_FRAMES, 0)) and self._grab(capture)

    def _ended(self, waited_s: float) -> Lost:
        if self._order.kind == "file":
            return Lost(how="ended", reason="the recording has ended")
        if waited_s >= 0.9 * self._order.read_timeout_s:
            return Lost(how="silent", reason=f"no frame for {self._order.read_timeout_s:g} s")
        return Lost(how="gone", reason="the stream was closed or cannot be decoded")


class Pace:
    """A recording's own speed."""

    def __init__(self, capture: cv2.VideoCapture) -> None:
        import cv2

        fps = capture.get(cv2.CAP_PROP_FPS)
        self._frame_s = 1 / fps if 0.1 <= fps <= 240 else 0.04
        self._next_s = time.monotonic()

    def wait(self) -> None:
        """Return when the next frame is due."""
        time.sleep(max(0.0, self._next_s - time.monotonic()))
        self._next_s = max(self._next_s, time.monotonic() - 1.0) + self._frame_s


def open_capture(order: Order) -> cv2.VideoCapture:
    """OpenCV's capture of an order, with every wait bounded where the backend can (FFmpeg can, V4L2 cannot)."""
    # Frames are counted by arrival, so FFmpeg need not watch twenty of them to guess a rate: 4 s at 5 frames a second.
    options = "fpsprobesize;0"
    if order.url.startswith("rtsp"):
        # Which transport is tried first has changed between OpenCV's versions (opencv #27091).
        options += "|rtsp_transport;tcp|allowed_media_types;video"
    os.environ["OPENCV_FFMPEG_CAPTURE_OPTIONS"] = options
    import cv2

    cv2.setNumThreads(1)
    if order.kind == "usb":
        return cv2.VideoCapture(order.usb_index, cv2.CAP_V4L2)
    bounds = [
        cv2.CAP_PROP_OPEN_TIMEOUT_MSEC,
        round(order.open_timeout_s * 1000),
        cv2.CAP_PROP_READ_TIMEOUT_MSEC,
        round(order.read_timeout_s * 1000),
        cv2.CAP_PROP_N_THREADS,
        1,
    ]
    return cv2.VideoCapture(order.url, cv2.CAP_FFMPEG, bounds)


if __name__ == "__main__":
    main()
