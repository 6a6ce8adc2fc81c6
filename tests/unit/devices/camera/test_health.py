from datetime import UTC, datetime
from itertools import pairwise

import msgspec
import pytest

from devices.camera.health import Judge, Thresholds
from devices.camera.observation import Lost, Opened
from tests.unit.devices.camera.judging import BLURRED, DARK, NOWHERE, picture

RATES = pytest.mark.parametrize("fps", [1, 2, 5])
REFUSED = Lost(how="gone", reason="connection refused")
SILENT = Lost(how="silent", reason="no frame for 6 s")
AT = datetime(2026, 3, 1, 8, tzinfo=UTC)
LIMITS = Thresholds()


class Camera:
    """A judge and the course of things before it, on a clock of its own; ticks twice a second."""

    def __init__(self, fps=2, report_every_s=60):
        self.judge = Judge(LIMITS, report_every_s, 0.0)
        self.fps = fps
        self.now_s = 0.0
        self.frames = 0
        self.verdicts = []

    def _note(self, verdict):
        if verdict:
            self.verdicts.append((round(self.now_s, 2), verdict))

    def streams(self, seconds, **measures):
        for _ in range(round(seconds * self.fps)):
            self.now_s += 1 / self.fps
            self.frames += 10
            self._note(self.judge.see(picture(frames=self.frames, **measures), self.now_s))
        return self

    def loses(self, lost=REFUSED):
        self._note(self.judge.see(lost, self.now_s))
        return self

    def starts(self):
        self.judge.started()
        self.frames = 0
        self._note(self.judge.see(Opened(), self.now_s))
        return self

    def waits(self, seconds):
        for _ in range(round(seconds * 2)):
            self.now_s += 0.5
            self._note(self.judge.tick(self.now_s))
        return self

    @property
    def changes(self):
        """The states in their order, and when each began."""
        states = []
        for at_s, verdict in self.verdicts:
            if not states or states[-1][0] != verdict.state:
                states.append((verdict.state, at_s))
        return states

    @property
    def states(self):
        return [state for state, _ in self.changes]

    def reading(self):
        return self.judge.reading("cam-01", self.verdicts[-1][1], AT, "gateway", self.now_s)


@RATES
def test_a_camera_that_streams_is_online_within_three_seconds(fps):
    camera = Camera(fps).starts().streams(10)
    assert camera.states == ["online"]
    assert camera.changes[0][1] <= 3


@RATES
def test_a_camera_that_was_never_there_is_offline_within_five_seconds(fps):
    camera = Camera(fps).loses().waits(5)
    assert camera.states == ["offline"]
    assert camera.verdicts[0][1].reason == "connection refused"


@RATES
def test_a_closed_stream_is_offline_within_five_seconds(fps):
    camera = Camera(fps).starts().streams(20).loses().waits(1).loses().waits(4)
    assert camera.states == ["online", "offline"]
    assert camera.changes[1][1] <= 25


@RATES
def test_a_stream_that_falls_silent_is_stalled_within_ten_seconds(fps):
    camera = Camera(fps).starts().streams(20).waits(10)
    assert camera.states == ["online", "stalled"]
    assert 28 <= camera.changes[1][1] <= 30


def test_stalled_stays_stalled_while_the_camera_answers_but_sends_nothing():
    camera = Camera().starts().streams(20).waits(6).loses(SILENT)
    for _ in range(10):
        camera.starts().waits(6).loses(SILENT)
    assert camera.states == ["online", "stalled"]


def test_a_stalled_camera_that_is_then_unplugged_is_offline():
    camera = Camera().starts().streams(20).waits(6).loses(SILENT).waits(3).loses().waits(4)
    assert camera.states == ["online", "stalled", "offline"]


def test_an_offline_camera_that_answers_but_sends_nothing_is_stalled():
    camera = Camera().starts().streams(20).loses().waits(10).starts().waits(6).loses(SILENT).waits(1)
    assert camera.states == ["online", "offline", "stalled"]


@RATES
@pytest.mark.parametrize("lost", [REFUSED, SILENT])
def test_a_camera_is_back_two_seconds_after_its_first_picture(fps, lost):
    camera = Camera(fps).starts().streams(20).loses(lost).waits(30)
    returned_s = camera.now_s
    camera.starts().streams(10)
    assert camera.states[-1] == "online"
    assert camera.changes[-1][1] <= returned_s + 2


def test_a_stream_that_breaks_and_is_back_at_once_has_not_been_away():
    camera = Camera().starts().streams(20)
    for _ in range(5):
        camera.loses().waits(1.5).starts().streams(20)
    assert camera.states == ["online"]


def test_a_decoder_that_dies_after_every_picture_is_offline_and_not_coming_and_going():
    camera = Camera()
    for _ in range(20):
        camera.starts().streams(0.5).loses(Lost(how="gone", reason="the decoder died: SIGABRT")).waits(2)
    assert camera.states == ["offline"]
    assert camera.reading().decoder_restarts == 19


def test_a_recording_that_ends_is_offline_at_once():
    camera = Camera().starts().streams(20).loses(Lost(how="ended", reason="the recording has ended"))
    assert camera.changes[-1] == ("offline", 20)


@pytest.mark.parametrize(
    ("measures", "state"), [(DARK, "dark"), (BLURRED, "blurred"), ({"changed": NOWHERE}, "frozen")]
)
def test_a_bad_picture_is_a_state_and_ends(measures, state):
    assert Camera().starts().streams(20).streams(20, **measures).streams(10).states == ["online", state, "online"]


def test_a_camera_that_starts_in_the_dark_was_never_online():
    assert Camera().starts().streams(10, **DARK).states == ["dark"]


def test_one_fault_may_follow_another_without_a_moment_online():
    camera = Camera().starts().streams(20).streams(20, **DARK).streams(20, **BLURRED)
    assert camera.states == ["online", "dark", "blurred"]


def test_a_dark_camera_that_stalls_and_returns_is_dark_again():
    camera = Camera().starts().streams(20).streams(10, **DARK).waits(10).streams(10, **DARK)
    assert camera.states == ["online", "dark", "stalled", "dark"]


def test_what_was_lost_or_is_back_is_urgent_and_the_rest_is_not():
    camera = Camera().starts().streams(20).streams(10, **DARK).streams(10).loses().waits(10).starts().streams(10)
    camera.waits(20)
    told = [(verdict.state, verdict.urgent) for _, verdict in camera.verdicts]
    assert told == [
        ("online", False),
        ("dark", False),
        ("online", False),
        ("offline", True),
        ("online", True),
        ("stalled", True),
    ]


def test_nothing_new_is_told_once_a_minute():
    camera = Camera().starts().streams(600)
    told = [at_s for at_s, _ in camera.verdicts]
    assert len(told) == 10
    assert all(60 <= late - early <= 60.5 for early, late in pairwise(told))


def test_an_offline_camera_keeps_saying_so():
    camera = Camera(report_every_s=10).loses().waits(60)
    assert len(camera.verdicts) == 6
    assert camera.states == ["offline"]


def test_a_reading_holds_the_measures_the_rate_and_the_counters():
    camera = Camera(report_every_s=10).starts().streams(30)
    reading = camera.reading()
    assert (reading.device, reading.at, reading.clock, reading.state) == ("cam-01", AT, "gateway", "online")
    assert (reading.luminance, reading.contrast, reading.sharpness, reading.noise) == (120, 40, 30, 1)
    assert reading.frames_per_s == pytest.approx(20, rel=0.05)
    assert reading.decoder_restarts == 0
    assert reading.reason is None


def test_the_measures_of_a_lost_picture_are_not_told_again():
    reading = Camera().starts().streams(20).loses().waits(60).reading()
    assert reading.luminance is None
    assert reading.frames_per_s == 0


def test_dropped_frames_are_counted_over_all_decoders():
    camera = Camera(report_every_s=5).starts().streams(10, dropped=7).loses().waits(1).starts().streams(10, dropped=4)
    assert camera.reading().frames_dropped == 11


def test_a_reason_of_any_length_makes_a_reading_that_the_county_takes():
    camera = Camera().loses(Lost(how="gone", reason="x" * 5000)).waits(5)
    assert msgspec.convert(msgspec.to_builtins(camera.reading()), type(camera.reading())).reason == "x" * 200


def test_a_threshold_that_nobody_knows_is_refused_by_name():
    with pytest.raises(msgspec.ValidationError, match="dark_luminanse"):
        msgspec.convert({"dark_luminanse": 3}, Thresholds)


@RATES
def test_a_camera_of_one_frame_in_three_seconds_is_online(fps):
    camera = Camera(fps / 15 if fps == 5 else 1 / 3).starts().streams(60)
    assert camera.states == ["online"]


def test_memory_does_not_grow_with_time():
    camera = Camera(fps=5, report_every_s=3600).starts().streams(1800)
    assert len(camera.judge._arrived) < 100
