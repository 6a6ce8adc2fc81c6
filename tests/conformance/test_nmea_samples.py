"""Recordings of real receivers, judged by what gpsd makes of them: each fix of its is a position of ours.

gpsd reports after nearly every sentence, we once a moment; so the comparison asks, for each of its reports with a
position, whether that position is one of ours, at that time where it has one (modulo 1024 weeks: gpsd adds rollovers to
recordings without date).
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from devices.contract import TruckPosition
from devices.events import Event
from devices.truck.nmea import NmeaDecoder
from edge_agent.tools.recording import UNDATED, Opening

ROLLOVER_S = timedelta(weeks=1024).total_seconds()


class Recording(NamedTuple):
    name: str
    body: bytes
    received_at: datetime
    expected: list[dict[str, Any]]


@pytest.fixture
def recordings(samples: Path) -> list[Recording]:
    found = []
    for path in sorted((samples / "nmea").glob("*.log")):
        opening = Opening()
        body = opening.feed(path.read_bytes()) + opening.finish()
        lines = path.with_name(f"{path.name}.expected.jsonl").read_text().splitlines()
        found.append(Recording(path.name, body, opening.began_at() or UNDATED, [json.loads(line) for line in lines]))
    assert found, "the folder of recordings is there but empty"
    return found


def heard(recording: Recording, chunk: int) -> list[Event]:
    decoder = NmeaDecoder("receiver")
    events: list[Event] = []
    for at in range(0, len(recording.body), chunk):
        events += decoder.feed(recording.body[at : at + chunk], recording.received_at)
    return events + decoder.finish(recording.received_at)


def positions(recording: Recording) -> list[TruckPosition]:
    return [event for event in heard(recording, 1 << 20) if isinstance(event, TruckPosition)]


def match(fix: dict[str, Any], found: list[TruckPosition]) -> TruckPosition | None:
    at = None if fix["time"] is None else datetime.fromisoformat(fix["time"])
    for position in found:
        if abs(position.latitude - fix["lat"]) > 1e-6 or abs(position.longitude - fix["lon"]) > 1e-6:
            continue
        if at is None:
            return position
        apart = ((position.at - at).total_seconds() + ROLLOVER_S / 2) % ROLLOVER_S - ROLLOVER_S / 2
        if abs(apart) <= 0.001:
            return position
    return None


def test_every_fix_with_a_time_is_found_and_of_those_without_nearly_every_one(recordings):
    missed: list[str] = []
    timed = untimed = 0
    for recording in recordings:
        found = positions(recording)
        for fix in recording.expected:
            if fix["lat"] is None:
                continue
            timed += fix["time"] is not None
            untimed += fix["time"] is None
            if match(fix, found) is None:
                missed.append(f"{recording.name} {fix['time']} {fix['lat']} {fix['lon']}")
    assert timed == 509
    assert untimed == 152
    # The one missed is a place that its receiver gave with quality 0: no fix. gpsd reported it before it saw a time.
    assert missed == ["tr737A+.log None 44.06863 -121.314346667"]


def test_altitude_and_course_are_those_that_gpsd_reports(recordings):
    compared = 0
    for recording in recordings:
        found = positions(recording)
        for fix in recording.expected:
            position = match(fix, found) if fix["lat"] is not None and fix["time"] is not None else None
            if position is None:
                continue
            if fix["alt"] is not None:
                assert position.altitude_m == pytest.approx(fix["alt"], abs=0.001)
                compared += 1
            if fix["track"] is not None:
                assert position.course_deg == pytest.approx(fix["track"], abs=0.001)
                compared += 1
    assert compared > 700


def test_speed_is_that_of_the_receiver(recordings):
    """gpsd computes a speed of its own until a sentence with one has come: only a report with a course is compared."""
    compared = 0
    for recording in recordings:
        found = positions(recording)
        for fix in recording.expected:
            position = match(fix, found) if fix["lat"] is not None and fix["track"] is not None else None
            if position is not None and fix["speed"] is not None:
                assert position.speed_kmh == pytest.approx(fix["speed"] * 3.6, abs=0.004)  # gpsd rounds to 1 mm/s
                compared += 1
    assert compared > 250


def test_the_chunks_of_a_recording_make_no_difference(recordings):
    for recording in recordings:
        whole = heard(recording, 1 << 20)
        for chunk in (1, 17, 4096):
            assert heard(recording, chunk) == whole, recording.name


def test_one_position_for_each_moment(recordings):
    for recording in recordings:
        times = [position.at for position in positions(recording)]
        assert len(times) == len(set(times)), recording.name
