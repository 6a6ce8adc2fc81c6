"""Urgent blood pressure: the thresholds, the words and the source."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from cloud_ingest.rules.blood_pressure import BloodPressureUrgent, Nothing
from devices.contract.readings import Alert, BloodPressure

AT = datetime(2026, 3, 1, 8, tzinfo=UTC)


def judged(systolic: int, diastolic: int) -> list[Alert]:
    reading = BloodPressure(
        device="kiosk-1", at=AT, systolic_mmhg=systolic, diastolic_mmhg=diastolic, patient="p-abcdefgh"
    )
    return list(BloodPressureUrgent().step(Nothing(), reading, None)[1])


@pytest.mark.parametrize(("systolic", "diastolic"), [(179, 109), (120, 80), (179, 30)])
def test_below_both_thresholds_nothing_is_said(systolic: int, diastolic: int) -> None:
    assert judged(systolic, diastolic) == []


@pytest.mark.parametrize(
    ("systolic", "diastolic", "value", "limit"), [(180, 80, 180, 180), (150, 110, 110, 110), (200, 120, 200, 180)]
)
def test_either_threshold_is_enough(systolic: int, diastolic: int, value: float, limit: float) -> None:
    (alert,) = judged(systolic, diastolic)
    assert (alert.severity, alert.state, alert.value, alert.limit) == ("high", "raised", value, limit)
    assert f"{systolic}/{diastolic}" in alert.message_en
    assert f"{systolic}/{diastolic}" in alert.message_zh


def test_the_alert_names_its_source_and_its_evidence() -> None:
    evidence = json.loads(judged(190, 100)[0].evidence)
    assert evidence["source"].startswith("National Basic Public Health Service Specification")
    assert (evidence["systolic_mmhg"], evidence["patient"]) == (190, "p-abcdefgh")


def test_the_same_measurement_is_the_same_alert() -> None:
    assert judged(190, 100) == judged(190, 100)
