from __future__ import annotations

from datetime import timedelta
from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.contract import TruckPosition
from devices.events import Message
from devices.truck.nmea import encode
from tests.unit.devices.truck.nmea.receiver import (
    NOW,
    UNKNOWN,
    damage,
    damaged_once,
    drive,
    drives,
    heard,
    positions,
    said,
    talkers,
    wire,
)

STEP_DEG = 1e-5 / 60


def same(found: float | None, meant: float | None, within: float) -> bool:
    return found is meant is None or (found is not None and meant is not None and abs(found - meant) <= within)


@given(drives(), talkers)
def test_decoding_undoes_encoding_as_finely_as_the_format_can(journey, talker):
    found = positions(heard(wire(journey, talker), UNKNOWN))
    assert [p.at for p in found] == [p.at for p in journey]
    for read, meant in zip(found, journey, strict=True):
        assert same(read.latitude, meant.latitude, STEP_DEG)
        assert same(read.longitude, meant.longitude, STEP_DEG)
        assert same(read.speed_kmh, meant.speed_kmh, 0.0016)
        assert same(read.course_deg, meant.course_deg, 0.0051)
        assert same(read.altitude_m, meant.altitude_m, 0.0051)
        assert same(read.hdop, meant.hdop, 0.0051)
        assert read.satellites == meant.satellites
        assert encode(read, talker) == encode(meant, talker)


@given(drives(), talkers)
def test_encoded_sentences_keep_to_the_standard_s_82_characters(journey, talker):
    assert max(len(line) for line in wire(journey, talker).splitlines(keepends=True)) <= 82


@given(drives(), st.lists(st.binary(max_size=60), min_size=11, max_size=11), st.integers(1, 100))
def test_any_chunks_of_a_noisy_stream_say_the_same(journey, noises, chunk):
    lines = wire(journey).splitlines(keepends=True)
    stream = b"".join(noise + line for noise, line in zip(noises, [*lines, b""], strict=False))
    assert heard(stream, chunk=chunk) == heard(stream)


@given(drives(), st.lists(st.binary(max_size=150), min_size=10, max_size=10))
def test_noise_between_sentences_costs_nothing(journey, noises):
    lines = wire(journey).splitlines(keepends=True)
    stream = b"".join(noise + line for noise, line in zip(noises, lines, strict=False))
    assert positions(heard(stream)) == positions(heard(wire(journey)))


@given(st.binary(max_size=3000))
def test_no_bytes_raise(stream):
    heard(stream)


@given(st.lists(st.sampled_from(["GPRMC", "GPGGA", "GNGNS", "GPGLL", "GPZDA", "GPGSA", "GPVTG", "GPTXT"])), st.data())
def test_every_reading_keeps_to_the_contract_whatever_the_fields_say(kinds, data):
    field = st.sampled_from(["", "A", "V", "N", "S", "E", "W", "T", "M", "K", "0", "1", "3", "-1", "99", "1e9", "nan"])
    field |= st.sampled_from(["120000", "235960.5", "010326", "3015.0", "11957.0", "0001", "2026", "999999", "-0.0"])
    bodies = [",".join([kind, *data.draw(st.lists(field, max_size=20))]) for kind in kinds]
    for position in positions(heard(said(*bodies))):
        assert msgspec.json.decode(msgspec.json.encode(position), type=TruckPosition) == position


def _believes_no_damage(count: int, seed: int) -> None:
    """Damage one sentence in ten, and look for anything in the readings that was never said."""
    chance = Random(seed)
    journey = drive(count)
    stream = bytearray()
    hit = set()
    for second, position in enumerate(journey):
        for line in encode(position).splitlines(keepends=True):
            if chance.random() < 0.1:
                hit.add(second)
                stream += damaged_once(line, chance)
            else:
                stream += line
    found = positions(heard(bytes(stream)))
    said_then = {position.at: position for position in journey}
    assert len({position.at for position in found}) == len(found)
    for position in found:
        meant = said_then[position.at]
        assert same(position.latitude, meant.latitude, STEP_DEG)
        assert same(position.longitude, meant.longitude, STEP_DEG)
        for name in ("speed_kmh", "course_deg", "altitude_m", "satellites", "hdop"):
            read = getattr(position, name)
            assert read is None or abs(read - getattr(meant, name)) <= 0.01, name
    # A damaged line end can take the next sentence with it, no more.
    touched = hit | {second + 1 for second in hit}
    whole = {journey[second].at for second in range(count) if second not in touched}
    assert whole <= {position.at for position in found}
    assert len(hit) > count // 20


def test_no_damaged_sentence_of_2_000_is_believed():
    _believes_no_damage(10_000, seed=1)


@pytest.mark.slow
def test_no_damaged_sentence_of_100_000_is_believed():
    for seed in range(5):
        _believes_no_damage(100_000, seed=seed + 2)


def test_what_no_truck_does_is_left_out_and_reported_and_the_place_stands():
    events = heard(
        said(
            "GNRMC,020304,A,3015.0,N,11957.0,E,500.0,90.0,010326,,,A",
            "GNGGA,020304,3015.0,N,11957.0,E,1,07,1.1,30000.0,M,,M,,",
        )
    )
    (position,) = positions(events)
    assert (position.latitude, position.speed_kmh, position.altitude_m, position.course_deg) == (
        30.25,
        None,
        None,
        90.0,
    )
    assert [reason.split()[0] for reason in damage(events)] == ["speed_kmh", "altitude_m"]


def test_a_receiver_s_own_text_is_a_message():
    (message,) = heard(said("GNTXT,01,01,02,ANTSTATUS=OPEN"))
    assert message == Message("nmea", "TXT", {"talker": "GN"}, {"kind": "02", "text": "ANTSTATUS=OPEN"})


def test_a_truck_on_the_equator_is_a_place_and_0_0_is_none():
    journey = drive(2)
    on_equator = [msgspec.structs.replace(journey[0], latitude=0.0), msgspec.structs.replace(journey[1], longitude=0.0)]
    assert len(positions(heard(wire(on_equator)))) == 2
    nowhere = msgspec.structs.replace(journey[0], latitude=0.0, longitude=0.0)
    events = heard(encode(nowhere))
    assert positions(events) == []
    assert damage(events) == ["RMC position 0, 0", "GGA position 0, 0"]


def test_times_of_another_zone_are_encoded_as_utc():
    position = drive(1)[0]
    abroad = msgspec.structs.replace(position, at=position.at.astimezone(None))
    assert encode(abroad) == encode(position)
    assert positions(heard(encode(position)))[0].at - NOW == timedelta(0)
