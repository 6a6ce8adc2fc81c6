"""A camera without a picture: raised once, cleared when it is back, in whatever order its reports arrive."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_ingest.rules.camera_offline import CameraOffline
from cloud_ingest.rules.runs import Track
from devices.contract.readings import Alert, CameraHealth

BEGIN = datetime(2026, 3, 1, 8, tzinfo=UTC)


def health(minute: int, state: str) -> CameraHealth:
    return CameraHealth(device="cam-1", at=BEGIN + timedelta(minutes=minute), state=state)


def stored(reports) -> dict[datetime, Alert]:
    rule, state = CameraOffline(), Track()
    points: dict[datetime, Alert] = {}
    for reading in reports:
        state, alerts = rule.step(state, reading, None)
        points |= {alert.at: alert for alert in alerts}
    return points


def standing(reports) -> dict[datetime, Alert]:
    return {at: alert for at, alert in stored(reports).items() if alert.severity != "info"}


@pytest.mark.parametrize("state", ["offline", "stalled"])
def test_a_camera_without_a_picture_raises_at_once(state: str) -> None:
    (alert,) = stored([health(0, "online"), health(1, state)]).values()
    assert (alert.at, alert.state, alert.severity) == (BEGIN + timedelta(minutes=1), "raised", "warning")


@pytest.mark.parametrize("state", ["frozen", "dark", "blurred", "online"])
def test_a_picture_of_little_worth_is_not_this_alert(state: str) -> None:
    assert stored([health(0, state), health(1, state)]) == {}


def test_it_is_said_once_while_it_lasts_and_cleared_when_it_is_back() -> None:
    reports = [health(0, "offline"), health(1, "offline"), health(2, "stalled"), health(3, "online")]
    (alert,) = stored(reports).values()
    assert (alert.at, alert.state) == (BEGIN, "cleared")
    assert alert.ended_at_ms == int((BEGIN + timedelta(minutes=3)).timestamp() * 1000)
    assert json_end(alert) == BEGIN + timedelta(minutes=3)


def test_a_night_without_reports_does_not_end_it() -> None:
    (alert,) = stored([health(0, "offline"), health(600, "offline")]).values()
    assert alert.state == "raised"


def json_end(alert: Alert) -> datetime:
    import json

    return datetime.fromisoformat(json.loads(alert.evidence)["end"])


@given(
    st.lists(st.sampled_from(["online", "offline", "stalled", "dark"]), max_size=40), st.randoms(use_true_random=False)
)
def test_any_order_of_arrival_ends_in_the_same_alerts(states: list[str], chance: random.Random) -> None:
    reports = [health(minute, state) for minute, state in enumerate(states)]
    shuffled = reports + reports[::3]
    chance.shuffle(shuffled)
    assert standing(shuffled) == standing(reports)
