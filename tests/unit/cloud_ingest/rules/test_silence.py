"""Silence: measured in received time, only while the county listens, said once each way."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cloud_ingest.registry import Device
from cloud_ingest.rules.silence import Hearing, again, hear, tick

BEGIN = datetime(2026, 3, 1, 8, tzinfo=UTC)
CAMERA = Device(id="cam-1", kind="camera", silent_after_s=120)


def after(seconds: float) -> datetime:
    return BEGIN + timedelta(seconds=seconds)


def test_a_device_is_silent_when_its_time_is_over_and_not_before() -> None:
    state = hear(Hearing(), after(10))
    state, alerts = tick(state, after(130), BEGIN, CAMERA)
    assert alerts == ()
    state, (alert,) = tick(state, after(131), BEGIN, CAMERA)
    assert (alert.at, alert.state, alert.limit, alert.rule) == (after(10), "raised", 120, "device-silent")


def test_silence_is_said_once_and_its_end_once() -> None:
    state, _ = tick(hear(Hearing(), BEGIN), after(500), BEGIN, CAMERA)
    state, alerts = tick(state, after(600), BEGIN, CAMERA)
    assert alerts == ()
    state = hear(state, after(700))
    state, (cleared,) = tick(state, after(701), BEGIN, CAMERA)
    assert (cleared.at, cleared.state, cleared.ended_at_ms) == (BEGIN, "cleared", int(after(700).timestamp() * 1000))
    _, alerts = tick(state, after(702), BEGIN, CAMERA)
    assert alerts == ()


def test_a_device_that_was_never_heard_is_silent_too() -> None:
    state, (alert,) = tick(Hearing(), after(121), BEGIN, CAMERA)
    assert alert.at == BEGIN
    state = hear(state, after(200))
    _, (cleared,) = tick(state, after(201), BEGIN, CAMERA)
    assert (cleared.at, cleared.state) == (BEGIN, "cleared")


def test_the_time_in_which_nobody_listened_does_not_count() -> None:
    state = hear(Hearing(), BEGIN)
    state, alerts = tick(state, after(5000), after(4900), CAMERA)
    assert alerts == ()
    _, (alert,) = tick(state, after(5021), after(4900), CAMERA)
    assert alert.at == BEGIN


def test_each_kind_has_its_patience() -> None:
    assert Device(id="a", kind="kiosk").patience_s > Device(id="b", kind="camera").patience_s
    assert CAMERA.patience_s == 120


def test_what_stands_is_told_again_after_a_restart() -> None:
    state, (alert,) = tick(hear(Hearing(), BEGIN), after(500), BEGIN, CAMERA)
    assert again(state, CAMERA) == (alert,)
    assert again(Hearing(BEGIN), CAMERA) == ()
