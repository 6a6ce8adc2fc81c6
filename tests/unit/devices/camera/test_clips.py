"""Real clips on a virtual clock: what people see in them, and nothing else, at 1, 2 and 5 pictures a second."""

import json

import cv2
import pytest

from devices.camera.health import Judge, Thresholds
from devices.camera.picture import PictureMeter

NEGATIVES = ["motorway.avi", "road.avi", "street.avi", "garden_fire.mp4"]
RATES = pytest.mark.parametrize("fps", [1, 2, 5])


def judged(clip, fps):
    """The states of a clip, each with the second at which it began."""
    capture = cv2.VideoCapture(str(clip), cv2.CAP_FFMPEG)
    source_fps = capture.get(cv2.CAP_PROP_FPS)
    judge, meter, states = Judge(Thresholds(), 1.0, 0.0), PictureMeter(), []
    number, due_s = 0, 0.0
    while capture.grab():
        at_s = number / source_fps
        number += 1
        if at_s < due_s:
            continue
        due_s += 1 / fps
        verdict = judge.see(meter.measure(capture.retrieve()[1], number), at_s)
        if verdict and (not states or states[-1][0] != verdict.state):
            states.append((verdict.state, at_s))
    capture.release()
    return states


@RATES
@pytest.mark.parametrize("name", NEGATIVES)
def test_a_clip_in_which_nothing_is_wrong_is_online_throughout(samples, name, fps):
    assert [state for state, _ in judged(samples / "camera" / name, fps)] == ["online"]


@RATES
def test_a_covered_lens_is_told_each_time_and_nothing_else(samples, fps):
    about = [json.loads(line) for line in (samples / "camera" / "events.jsonl").read_text().splitlines()]
    (covered,) = [entry for entry in about if entry["file"] == "lens_covered.mp4"]
    states = judged(samples / "camera" / "lens_covered.mp4", fps)
    assert states[0][0] == "online"
    assert len(states) == 1 + 2 * len(covered["events"])
    for number, event in enumerate(covered["events"]):
        (state, from_s), (after, until_s) = states[1 + 2 * number : 3 + 2 * number]
        assert state in ("dark", "blurred")
        assert after == "online"
        assert event["start"] / 25 <= from_s <= event["start"] / 25 + 3
        assert event["end"] / 25 <= until_s <= event["end"] / 25 + 4
