from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from devices.contract import BloodPressure
from devices.events import Damaged, Message
from devices.kiosk.hbp9030 import Hbp9030Decoder, encode, encode_error
from tests.unit.devices.kiosk.hbp9030.monitor import IDENTITY, NOW, UNKNOWN, damage, heard, line, pressures


def test_a_result_is_a_blood_pressure_at_the_device_s_minute_in_utc():
    (pressure,) = pressures(heard(line("132,084,071", end="0,{},2")))
    assert (pressure.systolic_mmhg, pressure.diastolic_mmhg, pressure.pulse_bpm) == (132, 84, 71)
    assert pressure.moved is True
    assert pressure.at.replace(second=0, microsecond=0) == datetime(2026, 3, 1, 0, 5, tzinfo=UTC)
    assert (pressure.device, pressure.clock, pressure.patient) == ("kiosk-1", "device", None)


def test_a_clock_in_another_zone_is_told_by_its_offset():
    decoder = Hbp9030Decoder("kiosk-1", timedelta(hours=-3, minutes=-30))
    (pressure,) = pressures(decoder.feed(line(), UNKNOWN))
    assert (pressure.at.hour, pressure.at.minute) == (11, 35)


@pytest.mark.parametrize("subject", [IDENTITY, "ZHANG SAN", "13800138000", "p-short", "P-ABCDEFGH", "xp-abcdefgh2"])
def test_an_id_is_never_in_a_reading(subject):
    (pressure,) = heard(line(subject=subject))
    assert isinstance(pressure, BloodPressure)
    assert pressure.patient is None
    assert subject.encode() not in msgspec.json.encode(pressure)


def test_an_opaque_token_of_ours_is_the_patient():
    (pressure,) = pressures(heard(line(subject="p-abcdefgh234567")))
    assert pressure.patient == "p-abcdefgh234567"


def test_a_failed_measurement_is_a_message_and_never_a_number():
    assert heard(line("   ,   ,   ", subject=IDENTITY, end="5,{},1")) == [
        Message("hbp9030", "error", {"at": "2026-03-01T00:05:00Z"}, {"error": 5, "movements": 1})
    ]
    (contradiction,) = heard(line("132,084,071", end="5,{},1"))
    assert isinstance(contradiction, Message)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ("059,040,071", "systolic_mmhg 59 is outside 60 to 260"),
        ("261,084,071", "systolic_mmhg 261 is outside 60 to 260"),
        ("132,029,071", "diastolic_mmhg 29 is outside 30 to 215"),
        ("250,216,071", "diastolic_mmhg 216 is outside 30 to 215"),
        ("132,084,039", "pulse_bpm 39 is outside 40 to 180"),
        ("132,084,181", "pulse_bpm 181 is outside 40 to 180"),
        ("084,084,071", "diastolic_mmhg 84 is not below systolic_mmhg 84"),
    ],
)
def test_a_value_that_cannot_be_is_damage_that_names_it_without_the_id(values, reason):
    (damaged,) = heard(line(values, subject=IDENTITY))
    assert isinstance(damaged, Damaged)
    assert damaged.reason == reason
    assert IDENTITY.encode() not in damaged.data


def test_measurements_within_a_minute_are_kept_apart_and_in_order():
    stream = line("132,084,071") + line("128,082,070") + line("126,080,069")
    found = pressures(heard(stream))
    assert [pressure.systolic_mmhg for pressure in found] == [132, 128, 126]
    assert [pressure.at.second for pressure in found] == [0, 1, 2]
    assert heard(stream, received_at=NOW + timedelta(minutes=3)) == heard(stream)


def test_a_result_sent_twice_is_stored_once():
    first, second, again = pressures(heard(line("132,084,071") + line("128,082,070") + line("132,084,071")))
    assert first == again
    assert first.at != second.at


def test_a_gateway_that_restarts_within_the_minute_keeps_measurements_apart():
    (before,) = pressures(heard(line("132,084,071")))
    (after,) = pressures(heard(line("128,082,070")))
    assert before.at != after.at


def test_more_results_in_a_minute_than_a_minute_has_seconds_are_still_within_it():
    found = pressures(heard(b"".join(line(f"{100 + n:03d},084,071") for n in range(100))))
    assert len(found) == 100
    assert {pressure.at.minute for pressure in found} == {5}


@pytest.mark.parametrize(
    ("received_at", "clock"),
    [
        (NOW, "device"),
        (NOW + timedelta(minutes=9), "device"),
        (NOW - timedelta(minutes=9), "device"),
        (NOW + timedelta(minutes=11), "unsynchronised"),
        (NOW - timedelta(minutes=11), "unsynchronised"),
        (NOW + timedelta(days=3000), "unsynchronised"),
        (UNKNOWN, "device"),
    ],
)
def test_a_device_whose_clock_is_wrong_keeps_its_time_but_is_not_believed(received_at, clock):
    (pressure,) = pressures(heard(line(), received_at))
    assert pressure.clock == clock
    assert pressure.at.hour == 0


@st.composite
def measured(draw: st.DrawFn) -> BloodPressure:
    """Whatever the device can show."""
    systolic = draw(st.integers(60, 260))
    return BloodPressure(
        device="kiosk-1",
        at=datetime(2000, 1, 1, tzinfo=UTC) + timedelta(minutes=draw(st.integers(0, 50_000_000))),
        systolic_mmhg=systolic,
        diastolic_mmhg=draw(st.integers(30, min(215, systolic - 1))),
        pulse_bpm=draw(st.integers(40, 180)),
        moved=draw(st.none() | st.booleans()),
        patient=draw(st.none() | st.from_regex(r"\Ap-[a-z2-7]{8,18}\Z")),
    )


@given(measured(), st.integers(-12 * 60, 14 * 60))
def test_decoding_undoes_encoding_to_the_minute(pressure, offset_min):
    offset = timedelta(minutes=offset_min)
    wire = encode(pressure, offset)
    decoder = Hbp9030Decoder("kiosk-1", offset)
    (read,) = decoder.feed(wire, UNKNOWN)
    assert isinstance(read, BloodPressure)
    assert msgspec.structs.replace(read, at=read.at.replace(second=0, microsecond=0)) == pressure
    assert encode(read, offset) == wire


@given(st.integers(0, 50_000_000), st.integers(1, 9))
def test_an_error_is_read_back(minutes, error):
    at = datetime(2000, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    (message,) = heard(encode_error(at, error))
    assert isinstance(message, Message)
    assert message.fields["error"] == error
    assert datetime.fromisoformat(message.header["at"]) == at


@pytest.mark.parametrize(
    "change", [{"pulse_bpm": None}, {"pulse_bpm": 200}, {"diastolic_mmhg": 132}, {"patient": "p-" + "a" * 30}]
)
def test_what_the_device_cannot_show_is_not_encoded(change):
    (pressure,) = pressures(heard(line()))
    with pytest.raises(ValueError, match=r"\w+"):
        encode(msgspec.structs.replace(pressure, **change))


@pytest.mark.parametrize("error", [-1, 10])
def test_an_error_has_one_digit(error):
    with pytest.raises(ValueError, match="one digit"):
        encode_error(NOW, error)


@given(st.binary(max_size=2000), st.integers(1, 300))
def test_no_bytes_raise_and_no_chunks_matter(stream, chunk):
    assert heard(stream, chunk=chunk) == heard(stream)


@given(st.text("0123456789 ", min_size=35, max_size=35))
def test_every_reading_keeps_to_the_contract_whatever_the_digits_say(digits):
    time = f"{digits[:4]},{digits[4:6]},{digits[6:8]},{digits[8:10]},{digits[10:12]}"
    values = f"{digits[12:15]},{digits[15:18]},{digits[18:21]}"
    assume(len(time) == 16)
    for pressure in pressures(heard(line(values, time=time))):
        assert msgspec.json.decode(msgspec.json.encode(pressure), type=BloodPressure) == pressure


def _believes_no_damage(count: int, seed: int) -> None:
    """Put something into every result that its layout excludes; only whole neighbours may be read.

    A digit that became another digit cannot be told: the format has no checksum.
    """
    chance = Random(seed)
    whole = []
    stream = bytearray()
    for number in range(count):
        good = line(f"132,084,{40 + number % 140:03d}", time=f"2026,03,{1 + number % 28:02d},08,05", subject=IDENTITY)
        whole.append(number % 28 + 1)
        stream += good + _misplaced(good.removesuffix(b"\r\n"), chance) + b"\r\n"
    events = heard(bytes(stream), UNKNOWN)
    assert [pressure.at.day for pressure in pressures(events)] == whole
    assert len(damage(events)) == count
    assert not any(IDENTITY.encode() in event.data for event in events if isinstance(event, Damaged))


def _misplaced(good: bytes, chance: Random) -> bytes:
    """A hole, or a byte that no place of the line allows."""
    at = chance.randrange(len(good))
    if chance.random() < 0.5:
        return good[:at] + good[at + 1 :]
    return good[:at] + bytes([chance.choice(b"\x00\x01\x7f\x80\xff")]) + good[at + 1 :]


def test_no_damaged_result_of_2_000_is_believed():
    _believes_no_damage(2_000, seed=1)


@pytest.mark.slow
def test_no_damaged_result_of_100_000_is_believed():
    _believes_no_damage(100_000, seed=2)
