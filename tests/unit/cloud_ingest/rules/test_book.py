"""The rule book: readings to their rules, and states that are saved and restored."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cloud_ingest.registry import Device
from cloud_ingest.rules import book
from cloud_ingest.rules.book import RuleBook, Saved, county_rules
from devices.contract.readings import BloodPressure, CameraHealth, DeviceLink, TruckPosition

BEGIN = datetime(2026, 3, 1, 8, tzinfo=UTC)
TRUCK = Device(id="truck-1", kind="truck")


def fixes(first: int, count: int, speed: float, device: str = "truck-1") -> list[TruckPosition]:
    return [
        TruckPosition(
            device=device, at=BEGIN + timedelta(seconds=first + n), latitude=30, longitude=120, speed_kmh=speed
        )
        for n in range(count)
    ]


def test_every_rule_gets_the_readings_of_its_kind() -> None:
    rules = county_rules()
    assert {TruckPosition, BloodPressure, CameraHealth} == set(rules.steps)
    assert DeviceLink not in rules.steps


def test_a_state_is_consequential_once_a_reading_has_mattered() -> None:
    rules = county_rules()
    rules.steps[TruckPosition](fixes(0, 30, 50), TRUCK)
    assert rules.consequential() == []
    assert rules.steps[TruckPosition](fixes(30, 1, 90), TRUCK) == []
    assert [(saved.rule, saved.device) for saved in rules.consequential()] == [("overspeed", "truck-1")]
    assert rules.consequential() == []


def test_what_has_changed_is_given_out_once() -> None:
    rules = county_rules()
    rules.steps[TruckPosition](fixes(0, 3, 50), TRUCK)
    assert len(rules.changed()) == 1
    assert rules.changed() == []


def test_a_restored_book_goes_on_where_the_other_stopped() -> None:
    first, second = county_rules(), county_rules()
    (raised,) = first.steps[TruckPosition](fixes(0, 30, 90), TRUCK)
    assert second.restore(first.changed()) == 0
    (cleared,) = second.steps[TruckPosition](fixes(30, 1, 40), TRUCK)
    assert (cleared.alert, cleared.state) == (raised.alert, "cleared")


def test_states_that_cannot_be_read_are_counted_and_left_out() -> None:
    saved = [
        Saved("overspeed", "truck-1", b"\xc1"),
        Saved("a-rule-of-tomorrow", "x", b""),
        Saved("overspeed", "y", b"\x01"),
    ]
    assert county_rules().restore(saved) == 3


def test_a_stranger_is_judged_but_not_saved() -> None:
    rules = county_rules()
    assert rules.steps[TruckPosition](fixes(0, 30, 90, "invented"), None)
    assert rules.consequential() == []
    assert rules.changed() == []


def test_invented_names_do_not_fill_the_memory(monkeypatch) -> None:
    monkeypatch.setattr(book, "MOST_DEVICES", 10)
    rules = county_rules()
    for number in range(100):
        rules.steps[TruckPosition](fixes(0, 1, 50, f"invented-{number}"), TRUCK)
    assert len(rules.changed()) == 10


def test_a_book_may_be_empty() -> None:
    assert RuleBook([]).steps == {}
