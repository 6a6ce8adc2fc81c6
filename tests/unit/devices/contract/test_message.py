import json
import zlib
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from devices.contract.message import (
    JSON,
    JSON_ZLIB,
    MAX_UNPACKED_BYTES,
    Envelope,
    Receipt,
    Refused,
    Unreadable,
    decode_readings,
    decode_receipt,
    encode,
    encode_readings,
    pack,
    salvage,
    unpack,
)
from devices.contract.readings import BloodPressure, TruckPosition
from tests.strategies import wire_readings

RELEASED = sorted((Path(__file__).parents[3] / "recordings" / "contract").glob("v1-*.json"))
NOW = datetime(2026, 3, 1, 2, 3, 4, tzinfo=UTC)


def message(*readings: object) -> bytes:
    rows = Raw(encode_readings(readings))  # type: ignore[arg-type]
    return encode(Envelope(gateway="gw-1", boot="abcd", seq=7, sent_at=NOW, readings=rows))


def truck(**fields: object) -> TruckPosition:
    return TruckPosition(device="truck-1", at=NOW, latitude=30.0, longitude=119.5, **fields)


@given(st.lists(wire_readings(), max_size=5))
def test_what_a_gateway_encodes_the_county_decodes_to_the_same_readings(readings):
    assert decode_readings(message(*readings)).readings == readings


@pytest.mark.parametrize("path", RELEASED, ids=lambda path: path.stem)
def test_every_message_ever_released_can_still_be_read_in_full(path):
    decoded = decode_readings(path.read_bytes())
    again = json.loads(encode(decoded))
    for sent, read in zip(json.loads(path.read_bytes())["readings"], again["readings"], strict=True):
        dropped = {key: value for key, value in sent.items() if key != "at" and read.get(key, value) != value}
        assert not dropped
        assert decoded.readings


def test_there_is_a_recorded_message_of_a_release():
    assert RELEASED


def test_a_field_that_a_newer_gateway_adds_is_ignored():
    newer = message(truck()).replace(b'"latitude"', b'"tyre_bar":8.5,"latitude"')
    assert decode_readings(newer).readings == [truck()]


@pytest.mark.parametrize(
    ("broken", "names"),
    [
        (b'"latitude":330.0', "latitude"),
        (b'"latitude":"north"', "latitude"),
        (b'"latitude":null', "latitude"),
        (b'"altitude_m":99999.0,"latitude":30.0', "altitude_m"),
    ],
)
def test_a_broken_field_is_refused_by_name(broken, names):
    with pytest.raises(Unreadable, match=names):
        decode_readings(message(truck()).replace(b'"latitude":30.0', broken).replace(b'"latitude":30,', broken + b","))


def test_a_time_without_a_zone_is_refused():
    with pytest.raises(Unreadable, match="at"):
        decode_readings(message(truck()).replace(b'04Z","lat', b'04","lat'))


def test_an_id_cannot_smuggle_a_line_break_into_a_store():
    with pytest.raises(Unreadable, match="device"):
        decode_readings(message(truck()).replace(b"truck-1", b"truck-1\\n"))


def test_an_unknown_version_is_refused():
    with pytest.raises(Unreadable, match="v"):
        decode_readings(message(truck()).replace(b'"v":1', b'"v":2'))


def test_one_bad_reading_does_not_cost_the_others_of_its_batch():
    pressure = BloodPressure(device="kiosk-1", at=NOW, systolic_mmhg=120, diastolic_mmhg=80)
    envelope, good, bad = salvage(message(truck(), pressure).replace(b'"systolic_mmhg":120', b'"systolic_mmhg":20'))
    assert (envelope.gateway, envelope.boot, envelope.seq) == ("gw-1", "abcd", 7)
    assert good == [truck()]
    ((raw, reason),) = bad
    assert b"kiosk-1" in raw
    assert "systolic_mmhg" in reason


def test_an_unknown_kind_costs_only_itself():
    _, good, ((_, reason),) = salvage(
        message(truck(), truck()).replace(b'"kind":"truck_position"', b'"kind":"seismometer"', 1)
    )
    assert good == [truck()]
    assert "seismometer" in reason


@pytest.mark.parametrize("content_type", [JSON, JSON_ZLIB])
def test_packing_is_undone_by_unpacking(content_type):
    assert unpack(pack(message(truck()), content_type), content_type) == message(truck())


def test_a_decompression_bomb_is_refused_before_it_unpacks():
    with pytest.raises(Unreadable, match="unpacks to more"):
        unpack(zlib.compress(b"\0" * (MAX_UNPACKED_BYTES * 4)), JSON_ZLIB)


def test_a_truncated_stream_is_refused():
    with pytest.raises(Unreadable, match="ends early"):
        unpack(pack(message(truck()), JSON_ZLIB)[:-8], JSON_ZLIB)


def test_an_unknown_content_type_is_refused():
    with pytest.raises(Unreadable, match="protobuf"):
        unpack(b"{}", "application/x-protobuf")


@given(st.binary(max_size=300), st.sampled_from([JSON, JSON_ZLIB, "text/plain", ""]))
def test_no_payload_raises_anything_but_unreadable(payload, content_type):
    try:
        decode_readings(unpack(payload, content_type))
    except Unreadable:
        return
    pytest.fail("noise was believed")


@given(st.lists(st.tuples(st.integers(1, 99), st.integers(1, 99)), max_size=4))
def test_a_receipt_survives_the_wire(ranges):
    receipt = Receipt(gateway="gw-1", boot="abcd", ranges=ranges, at=NOW, refused=[Refused(seq=3, reason="at: late")])
    assert decode_receipt(encode(receipt)) == receipt


def test_no_field_of_any_kind_can_hold_a_persons_name_or_number():
    from devices.contract.columns import columns
    from devices.contract.readings import KINDS

    names = {column.name for kind in KINDS.values() for column in columns(kind)}
    assert not names & {"name", "id_card", "id_number", "phone", "mobile", "address", "birthday"}
    pressure = BloodPressure(device="k", at=NOW, systolic_mmhg=120, diastolic_mmhg=80, patient="p-aaaaaaaa")
    with pytest.raises(Unreadable, match="patient"):
        decode_readings(message(pressure).replace(b"p-aaaaaaaa", b"1" * 18))
