"""Overspeed: what is raised, what is not, and that the order of arrival changes nothing."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_ingest.registry import Device
from cloud_ingest.rules.overspeed import Overspeed, Truck
from cloud_ingest.rules.runs import RETAINED
from devices.contract.readings import Alert, TruckPosition

BEGIN = datetime(2026, 3, 1, 8, tzinfo=UTC)


def fix(second: float, speed: float | None, latitude: float = 30.5) -> TruckPosition:
    at = BEGIN + timedelta(seconds=second)
    return TruckPosition(device="truck-1", at=at, latitude=latitude, longitude=120, speed_kmh=speed)


def stored(fixes, rule: Overspeed | None = None, device: Device | None = None) -> dict[datetime, Alert]:
    """What is in the store at the end: an alert overwrites the one of the same beginning."""
    rule, state = rule or Overspeed(), Truck()
    points: dict[datetime, Alert] = {}
    for reading in fixes:
        state, alerts = rule.step(state, reading, device)
        points |= {alert.at: alert for alert in alerts}
    return points


def standing(fixes) -> dict[datetime, Alert]:
    """The alerts that stand: one without length has been withdrawn."""
    points = stored(fixes)
    return {at: alert for at, alert in points.items() if alert.ended_at_ms != int(at.timestamp() * 1000)}


def test_twenty_seconds_above_the_tolerated_limit_raise_an_alert() -> None:
    alerts = stored([fix(second, 67) for second in range(0, 21, 5)])
    (alert,) = alerts.values()
    assert (alert.at, alert.state, alert.severity, alert.value, alert.limit) == (BEGIN, "raised", "warning", 67, 60)
    assert alert.ended_at_ms is None
    assert "A10" in alert.evidence
    assert "67" in alert.message_en
    assert "67" in alert.message_zh


@pytest.mark.parametrize(
    ("meaning", "fixes"),
    [
        ("nineteen seconds", [fix(second, 90) for second in range(20)]),
        ("exactly the tolerance", [fix(second, 66) for second in range(100)]),
        ("a dip in the middle", [fix(second, 40 if second == 15 else 90) for second in range(31)]),
        ("a gap of more than a minute", [fix(0, 90), fix(61, 90)]),
        ("no speed at all", [fix(second, None) for second in range(100)]),
    ],
)
def test_nothing_is_raised_for(meaning: str, fixes: list[TruckPosition]) -> None:
    assert stored(fixes) == {}, meaning


def test_the_first_fix_that_is_not_too_fast_clears_it_with_peak_and_place() -> None:
    fixes = [fix(0, 70), fix(10, 95, latitude=30.9), fix(20, 80), fix(30, 50), fix(40, 50)]
    (alert,) = stored(fixes).values()
    assert (alert.state, alert.value, alert.latitude) == ("cleared", 95, 30.9)
    assert alert.ended_at_ms == int((BEGIN + timedelta(seconds=20)).timestamp() * 1000)


def test_a_gap_ends_it_at_the_last_fix_before() -> None:
    (alert,) = stored([fix(0, 90), fix(30, 90), fix(200, 90)]).values()
    assert alert.ended_at_ms == int((BEGIN + timedelta(seconds=30)).timestamp() * 1000)


def test_a_truck_has_its_own_limit_in_the_registry() -> None:
    fixes = [fix(second, 50) for second in range(0, 31, 5)]
    assert stored(fixes) == {}
    (alert,) = stored(fixes, device=Device(id="truck-1", kind="truck", overspeed_kmh=40)).values()
    assert alert.limit == 40


def test_a_county_has_its_own_limit() -> None:
    assert stored([fix(0, 50), fix(30, 50)], Overspeed(limit_kmh=40))


def test_two_speedings_are_two_alerts_with_different_ids() -> None:
    fixes = [fix(second, 90 if second // 30 != 1 else 40) for second in range(90)]
    first, second = stored(fixes).values()
    assert first.alert != second.alert


def test_a_late_slow_fix_withdraws_what_never_was() -> None:
    points = stored([fix(0, 90), fix(20, 90), fix(10, 40)])
    (alert,) = points.values()
    assert (alert.state, alert.severity, alert.message_en.split(":")[0]) == ("cleared", "info", "Withdrawn")
    assert standing([fix(0, 90), fix(20, 90), fix(10, 40)]) == {}


def oracle(fixes: list[TruckPosition]) -> dict[datetime, tuple[float, datetime | None]]:
    """The rule's sentence, said naively over fixes in order: begin -> (peak, end or None)."""
    runs: list[tuple[list[TruckPosition], bool]] = []
    current: list[TruckPosition] = []
    ordered = sorted(fixes, key=lambda reading: reading.at)
    for before, reading in pairwise([None, *ordered]):
        if before and current and (reading.at - before.at > timedelta(seconds=60) or reading.speed_kmh <= 66):
            runs.append((current, True))
            current = []
        if reading.speed_kmh > 66:
            current.append(reading)
    runs.append((current, False))
    return {
        run[0].at: (max(reading.speed_kmh for reading in run), run[-1].at if closed else None)
        for run, closed in runs
        if run and run[-1].at - run[0].at >= timedelta(seconds=20)
    }


def said(alerts: dict[datetime, Alert]) -> dict[datetime, tuple[float, datetime | None]]:
    return {
        at: (
            alert.value,
            None if alert.ended_at_ms is None else datetime.fromtimestamp(alert.ended_at_ms / 1000, UTC),
        )
        for at, alert in alerts.items()
    }


@st.composite
def drives(draw: st.DrawFn) -> list[TruckPosition]:
    """Fixes in order, with speeds around the limit and now and then a gap."""
    steps = draw(
        st.lists(st.tuples(st.sampled_from([1, 5, 10, 60, 61]), st.sampled_from([40, 66, 67, 90])), max_size=60)
    )
    second, fixes = 0, []
    for step, speed in steps:
        second += step
        fixes.append(fix(second, float(speed)))
    return fixes


@given(drives())
def test_in_order_it_says_what_the_sentence_says(fixes: list[TruckPosition]) -> None:
    assert said(stored(fixes)) == oracle(fixes)


@given(drives(), st.randoms(use_true_random=False))
def test_any_order_of_arrival_ends_in_the_same_alerts(fixes: list[TruckPosition], chance: random.Random) -> None:
    shuffled = fixes.copy()
    chance.shuffle(shuffled)
    assert standing(shuffled) == standing(fixes)


@given(drives(), st.randoms(use_true_random=False))
def test_what_comes_twice_raises_nothing_twice(fixes: list[TruckPosition], chance: random.Random) -> None:
    again = fixes + chance.sample(fixes, len(fixes) // 2)
    chance.shuffle(again)
    assert standing(again) == standing(fixes)


@given(drives())
def test_a_replay_tells_again_what_may_not_have_been_stored(fixes: list[TruckPosition]) -> None:
    rule, state = Overspeed(), Truck()
    for reading in fixes:
        state, _ = rule.step(state, reading, None)
    told: dict[datetime, Alert] = {}
    for reading in fixes:
        state, alerts = rule.step(state, reading, None)
        told |= {alert.at: alert for alert in alerts}
    assert told == stored(fixes)


@given(drives(), st.integers(0, 60))
def test_a_state_that_was_saved_and_restored_goes_on_as_before(fixes: list[TruckPosition], cut: int) -> None:
    rule, state = Overspeed(), Truck()
    points: dict[datetime, Alert] = {}
    for number, reading in enumerate(fixes):
        if number == cut:
            state = msgspec.msgpack.decode(msgspec.msgpack.encode(state), type=Truck)
        state, alerts = rule.step(state, reading, None)
        points |= {alert.at: alert for alert in alerts}
    assert points == stored(fixes)


def long_drive(first: int, count: int) -> list[TruckPosition]:
    """A fix every ten seconds, forty seconds too fast in every five minutes."""
    return [fix(10 * number, 90.0 if number % 30 in range(5) else 50.0) for number in range(first, first + count)]


def test_a_long_drive_is_the_same_with_its_first_hour_sent_after_the_second() -> None:
    early, late = long_drive(0, 360), long_drive(400, 360)
    assert said(standing(late + early)) == said(standing(early + late)) == oracle(early + late)


def test_a_backlog_between_live_fixes_is_judged_too() -> None:
    early, late = long_drive(0, 360), long_drive(400, 360)
    mixed = late[:150] + [reading for pair in zip(late[150:], early, strict=False) for reading in pair] + early[210:]
    assert said(standing(mixed)) == oracle(early + late)


def test_a_run_longer_than_what_is_retained_keeps_its_beginning_and_peak() -> None:
    count = 5 * RETAINED
    fixes = [fix(10, 150.0), *(fix(10 * number, 90.0) for number in range(2, count)), fix(10 * count, 40.0)]
    assert said(stored(fixes)) == {fixes[0].at: (150.0, fixes[-2].at)}


def test_what_is_retained_is_bounded() -> None:
    rule, state = Overspeed(), Truck()
    for reading in long_drive(5000, 4000) + long_drive(0, 4000):
        state, _ = rule.step(state, reading, None)
    assert len(msgspec.msgpack.encode(state)) < 12_000
    assert len(state.places) <= 400
