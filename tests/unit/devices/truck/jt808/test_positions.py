"""Positions: what a location report means, and when it means none."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.contract import TruckPosition
from devices.events import Damaged
from devices.truck.jt808.location import BLOCK_BYTES
from devices.truck.jt808.messages import encode_body
from devices.truck.jt808.positions import NoReport, positions_in, read_position, read_time, report_fields
from tests.unit.devices.truck.jt808.streams import NOW, position, report_body


def block(**changes: Any) -> bytes:
    """A report's body with fields as on the wire."""
    fields = report_fields(position(mileage_km=None, satellites=None)) | changes
    return encode_body(0x0200, fields, 2013)


def seen(**changes: Any) -> TruckPosition:
    found = read_position(block(**changes), "truck-1")
    assert found is not None
    return found


def test_a_report_is_a_position() -> None:
    assert read_position(report_body(), "truck-1") == position()


def test_the_time_is_gmt_8_whatever_the_terminal_stands_in() -> None:
    assert seen(time="2026-03-01 00:30:00").at == datetime(2026, 2, 28, 16, 30, tzinfo=UTC)


def test_the_clock_of_a_fixed_position_is_gnss() -> None:
    assert seen().clock == "gnss"


@pytest.mark.parametrize(
    ("why", "changes"),
    [
        ("not fixed", {"status": 0x301}),
        ("encrypted coordinates", {"status": 0x303 | 0x20}),
        ("off the globe", {"latitude_udeg": 119_552_894}),
        ("off the globe", {"longitude_udeg": 180_000_001}),
        ("no such month", {"time": "2026-13-01 00:00:00"}),
        ("no such second", {"time": "2026-01-01 00:00:60"}),
        ("no BCD", {"time": "26010100000a"}),
        ("never set", {"time": "000000000000"}),
    ],
)
def test_a_report_without_a_place_or_a_time_is_no_position(why: str, changes: dict[str, Any]) -> None:
    assert read_position(block(**changes), "truck-1") is None, why


@pytest.mark.parametrize(
    ("bits", "latitude", "longitude"),
    [(0, 30.27, 119.95), (4, -30.27, 119.95), (8, 30.27, -119.95), (12, -30.27, -119.95)],
)
def test_south_and_west_are_negative(bits: int, latitude: float, longitude: float) -> None:
    found = seen(status=2 | bits)
    assert (found.latitude, found.longitude) == (latitude, longitude)


@pytest.mark.parametrize(("bits", "load"), [(0, "empty"), (1, "half"), (2, None), (3, "full")])
def test_bits_8_and_9_are_the_load(bits: int, load: str | None) -> None:
    assert seen(status=2 | bits << 8).load == load


@pytest.mark.parametrize("on", [True, False])
def test_bit_0_is_the_ignition(on: bool) -> None:
    assert seen(status=2 | on).ignition is on


def test_altitude_below_the_sea_is_signed() -> None:
    assert seen(altitude_m=0xFFF4).altitude_m == -12


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"altitude_m": 20001}, "altitude_m"),
        ({"altitude_m": 0x8000}, "altitude_m"),
        ({"speed_100m_h": 4001}, "speed_kmh"),
        ({"course_deg": 361}, "course_deg"),
    ],
)
def test_a_value_beyond_the_contract_is_left_out_and_the_position_stays(changes: dict[str, Any], field: str) -> None:
    found = seen(**changes)
    assert getattr(found, field) is None
    assert found.latitude == 30.27


def test_alarm_and_status_words_are_kept() -> None:
    found = seen(alarm=0xFFFFFFFF, status=0xFFFFFFD3)
    assert (found.jt808_alarm, found.jt808_status) == (0xFFFFFFFF, 0xFFFFFFD3)


@pytest.mark.parametrize(
    ("items", "mileage", "satellites"),
    [
        ("", None, None),
        ("0104 00003039", 1234.5, None),
        ("3001 1f 3101 0b", None, 11),
        ("0104 00003039 3101 0b", 1234.5, 11),
        ("e803 010203 3101 0b", None, 11),
        ("0102 3039 3101 0b", None, 11),
        ("0104 00003039 31", 1234.5, None),
        ("0104 00003039 3102 0b", 1234.5, None),
        ("0104 00003039 e8ff 3101 0b", 1234.5, None),
        ("0100 3100", None, None),
    ],
)
def test_a_malformed_item_costs_nothing_before_it(items: str, mileage: float | None, satellites: int | None) -> None:
    found = read_position(block() + bytes.fromhex(items), "truck-1")
    assert found is not None
    assert (found.mileage_km, found.satellites, found.latitude) == (mileage, satellites, 30.27)


@pytest.mark.parametrize("length", [0, 1, 27])
def test_a_body_without_the_basic_block_is_no_report(length: int) -> None:
    with pytest.raises(NoReport):
        read_position(bytes(length), "truck-1")


def bulk(kind: int, *reports: bytes, count: int | None = None) -> bytes:
    head = (len(reports) if count is None else count).to_bytes(2, "big") + bytes([kind])
    return head + b"".join(len(report).to_bytes(2, "big") + report for report in reports)


@pytest.mark.parametrize(("kind", "backfill"), [(0, False), (1, True)])
def test_bulk_of_kind_1_was_kept_in_a_dead_zone(kind: int, backfill: bool) -> None:
    found = positions_in(0x0704, bulk(kind, report_body(), report_body()), "truck-1")
    assert found == [position(backfill=backfill)] * 2


def test_a_bad_report_in_bulk_costs_only_itself() -> None:
    good = report_body()
    first, bad, third = positions_in(0x0704, bulk(1, good, b"\1\2", good), "truck-1")
    assert first == third == position(backfill=True)
    assert bad == Damaged("location 2 of 3: 2 bytes are no location report", b"\1\2")


def test_a_report_without_fix_in_bulk_is_left_out() -> None:
    assert positions_in(0x0704, bulk(1, block(status=0), report_body()), "truck-1") == [position(backfill=True)]


def test_bulk_that_ends_early_says_so() -> None:
    first, damage = positions_in(0x0704, bulk(1, report_body(), count=5), "truck-1")
    assert first == position(backfill=True)
    assert damage == Damaged("1 of 5 locations", b"")


def test_bulk_cut_in_a_report_gives_the_reports_before_it() -> None:
    first, cut = positions_in(0x0704, bulk(1, report_body(), report_body())[:-20], "truck-1")
    assert first == position(backfill=True)
    assert isinstance(cut, Damaged)


def test_more_reports_than_the_count_says_are_not_read() -> None:
    assert len(positions_in(0x0704, bulk(1, report_body(), report_body(), count=1), "truck-1")) == 1


@pytest.mark.parametrize("length", [0, 2])
def test_bulk_without_its_head_is_no_report(length: int) -> None:
    with pytest.raises(NoReport):
        positions_in(0x0704, bytes(length), "truck-1")


def test_a_location_on_request_is_a_position() -> None:
    assert positions_in(0x0201, b"\0\1" + report_body(), "truck-1") == [position()]


def test_other_messages_are_no_positions() -> None:
    assert positions_in(0x0801, report_body(), "truck-1") == []


@given(st.binary(min_size=BLOCK_BYTES, max_size=80), st.booleans())
def test_whatever_is_a_position_keeps_to_the_contract(body: bytes, fixed: bool) -> None:
    if fixed:  # else hardly any of them would be
        clock = bytes.fromhex("260301100304")
        body = body[:7] + bytes([body[7] & 0xD0 | 2]) + b"\1" + body[9:12] + b"\1" + body[13:22] + clock + body[28:]
    found = read_position(body, "truck-1")
    assert found is not None or not fixed
    if found is not None:
        assert msgspec.convert(msgspec.to_builtins(found), TruckPosition) == found


@given(
    st.builds(
        position,
        latitude=st.integers(-90_000_000, 90_000_000).map(lambda micro: micro / 1e6),
        longitude=st.integers(-180_000_000, 180_000_000).map(lambda micro: micro / 1e6),
        speed_kmh=st.integers(0, 4000).map(lambda tenths: tenths / 10),
        course_deg=st.integers(0, 360).map(float),
        altitude_m=st.integers(-1000, 20000).map(float),
        satellites=st.none() | st.integers(0, 255),
        ignition=st.booleans(),
        load=st.sampled_from(["empty", "half", "full", None]),
        mileage_km=st.none() | st.integers(0, 2**32 - 1).map(lambda hundreds: hundreds / 10),
        jt808_alarm=st.integers(0, 2**32 - 1),
        at=st.integers(0, 3_000_000_000).map(lambda s: datetime.fromtimestamp(946_684_800 + s, UTC)),
    )
)
def test_reading_a_report_undoes_writing_it(sent: TruckPosition) -> None:
    found = read_position(encode_body(0x0200, report_fields(sent), 2013), "truck-1")
    assert found is not None
    assert msgspec.structs.replace(found, jt808_status=sent.jt808_status) == sent


def test_a_time_is_read_to_the_second() -> None:
    assert read_time(bytes.fromhex("260301100304")) == NOW
