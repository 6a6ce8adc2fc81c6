"""Line protocol as InfluxDB documents it. That a server reads back what was written: tests/integration/stores."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_ingest.stores.line_protocol import Unwritable, encode
from cloud_ingest.stores.milliseconds import bound_ms, from_ms, to_ms
from cloud_ingest.stores.store import Point
from devices.contract.readings import Alert, CameraHealth, DeviceStatus, TruckPosition
from tests.strategies import stored_facts

AT = datetime(2026, 3, 1, 2, 3, 4, 120_000, tzinfo=UTC)


def position(**more) -> TruckPosition:
    fields = {"device": "truck-012", "at": AT, "clock": "gnss", "latitude": 30.27, "longitude": 119.95} | more
    return TruckPosition(**fields)


def status(**more) -> DeviceStatus:
    return DeviceStatus(**({"device": "d", "at": AT, "device_kind": "truck", "state": "online"} | more))


LINES = [
    (
        "absent values are left out, whole numbers end in i, the place is always there",
        Point(position(speed_kmh=43.0, satellites=9, ignition=True), "gw-07", "", "Shangtang"),
        'truck_position,device=truck-012 clock="gnss",latitude=30.27,longitude=119.95,speed_kmh=43.0,satellites=9i,'
        'ignition=true,backfill=false,gateway="gw-07",site="",village="Shangtang" 1772330584120',
    ),
    (
        "two tags stand in the kind's order",
        Point(Alert(device="t", at=AT, rule="overspeed", alert="a", severity="high", state="raised", evidence="")),
        'alert,device=t,rule=overspeed alert="a",severity="high",state="raised",message_en="",message_zh="",'
        'evidence="",gateway="",site="",village="" 1772330584120',
    ),
    (
        "quotes and backslashes are escaped, commas, line ends and Chinese are not",
        Point(CameraHealth(device="c", at=AT, state="dark", reason='a "b", \\ 坏\n'), 'g"'),
        'camera_health,device=c clock="device",state="dark",reason="a \\"b\\", \\\\ 坏\n",'
        'gateway="g\\"",site="",village="" 1772330584120',
    ),
    (
        "commas, equals signs and blanks in a tag are escaped",
        Point(status(device="a, b=c")),
        'device_status,device=a\\,\\ b\\=c device_kind="truck",state="online",name_en="",name_zh="",'
        'gateway="",site="",village="" 1772330584120',
    ),
    (
        "a text that says null is a text",
        Point(status(reason="null, or so")),
        'device_status,device=d device_kind="truck",state="online",name_en="",name_zh="",reason="null, or so",'
        'gateway="",site="",village="" 1772330584120',
    ),
]


@pytest.mark.parametrize(("point", "line"), [case[1:] for case in LINES], ids=[case[0] for case in LINES])
def test_a_point_is_the_line(point: Point, line: str):
    assert encode(point).decode() == line


@given(stored_facts(), st.text(max_size=20))
def test_every_fact_is_one_measurement_with_its_tags_and_ends_in_its_millisecond(fact, village):
    line = encode(Point(fact, "gw", "", village)).decode()
    assert line.startswith(f"{fact.__struct_config__.tag},device={fact.device}")
    assert line.endswith(f" {to_ms(fact.at)}")
    quotes = re.sub(r"\\.", "", line, flags=re.DOTALL).count('"')
    assert quotes % 2 == 0


@pytest.mark.parametrize("device", ["", "a\nb", "a\\", "\ud800"])
def test_what_cannot_be_a_tag_is_unwritable(device: str):
    with pytest.raises(Unwritable):
        encode(Point(status(device=device)))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_what_is_no_number_is_unwritable(value: float):
    with pytest.raises(Unwritable, match="no number"):
        encode(Point(position(speed_kmh=value)))


def test_text_that_is_not_utf8_is_unwritable():
    with pytest.raises(Unwritable):
        encode(Point(status(reason="\udc80")))


@given(st.datetimes(datetime(1700, 1, 1), datetime(2262, 1, 1)))  # noqa: DTZ001 - made aware below
def test_milliseconds_are_cut_exactly_and_come_back(naive: datetime):
    at = naive.replace(tzinfo=UTC)
    assert from_ms(to_ms(at)) == at.replace(microsecond=at.microsecond // 1000 * 1000)
    assert to_ms(at.astimezone(timezone(timedelta(hours=8)))) == to_ms(at)
    assert bound_ms(at) == to_ms(at) + (at.microsecond % 1000 > 0)
