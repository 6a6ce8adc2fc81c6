"""The statements as text; that servers answer them is shown in tests/integration/stores and .../dashboards."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_ingest.stores.influxql import interval, render, text, time_filter
from cloud_ingest.stores.query import CountLatest, Latest, Rows, States, Total, Trend, Variable, Where
from cloud_ingest.stores.store import Window
from devices.contract.readings import Alert, CameraHealth, DeviceStatus, TruckPosition

VILLAGE = Where("village", "=", Variable("village"))

STATEMENTS = [
    (
        Latest(TruckPosition, ("latitude", "longitude"), (VILLAGE, Where("device", "!=", "t"))),
        'SELECT "device", "latitude", "longitude" FROM (SELECT last("gateway") AS "gateway", "latitude", "longitude", '
        '"village" FROM "truck_position" WHERE $timeFilter AND "device" != \'t\' GROUP BY "device") '
        'WHERE "village" =~ /^${village:regex}$/',
    ),
    (
        CountLatest(DeviceStatus, "state", (Where("state", "=", "silent"),)),
        'SELECT count("gateway") AS "count" FROM (SELECT last("gateway") AS "gateway", "state" FROM "device_status" '
        'WHERE $timeFilter GROUP BY "device") WHERE "state" = \'silent\'',
    ),
    (
        Trend(TruckPosition, "speed_kmh", "mean", where=(VILLAGE,)),
        'SELECT mean("speed_kmh") AS "speed_kmh" FROM "truck_position" WHERE $timeFilter '
        'AND "village" =~ /^${village:regex}$/ GROUP BY time($__interval), "device" fill(none)',
    ),
    (
        States(DeviceStatus, "state"),
        'SELECT "state" FROM "device_status" WHERE $timeFilter GROUP BY "device"',
    ),
    (
        Rows(Alert, ("severity",), limit=20),
        'SELECT "device", "rule", "severity" FROM "alert" WHERE $timeFilter ORDER BY time DESC LIMIT 20',
    ),
    (
        Rows(CameraHealth, ("luminance",), limit=1),
        'SELECT "device", "luminance", "gateway" FROM "camera_health" WHERE $timeFilter ORDER BY time DESC LIMIT 1',
    ),
    (
        Total(TruckPosition, "latitude", "count", (Where("hdop", "<", 1e-7), Where("ignition", "!=", False))),
        'SELECT count("latitude") AS "latitude" FROM "truck_position" WHERE $timeFilter AND "hdop" < 0.0000001 '
        'AND "ignition" = true',
    ),
]


@pytest.mark.parametrize(("query", "statement"), STATEMENTS, ids=[type(query).__name__ for query, _ in STATEMENTS])
def test_a_query_is_the_statement_for_grafana(query, statement: str):
    assert render(query) == statement


def test_choices_stand_as_literals_and_none_chosen_is_no_condition():
    query = Rows(TruckPosition, ("latitude",), (VILLAGE, Where("device", "=", Variable("truck"))))
    statement = render(query, time_filter="time > 0", interval="1s", choices={"village": "O'Hara", "truck": None})
    assert statement == (
        'SELECT "device", "latitude" FROM "truck_position" WHERE time > 0 AND "village" = \'O\\\'Hara\' '
        "ORDER BY time DESC LIMIT 100"
    )


@given(st.text())
def test_a_text_is_one_literal_whatever_it_holds(value: str):
    """Quoted, and inside no quote, backslash or line end but as an escape that InfluxQL knows."""
    literal = text(value)
    assert re.fullmatch(r"'(?:[^'\\\n\r\x00]|\\['\\n])*'", literal)


def test_a_windows_edges_and_buckets_are_milliseconds():
    window = Window(datetime(2026, 3, 1, 0, 0, 0, 1, tzinfo=UTC), datetime(2026, 3, 1, 1, 0, tzinfo=UTC), every_s=1.5)
    assert time_filter(window) == "time >= 1772323200001ms AND time < 1772326800000ms"
    assert interval(window) == "1500ms"
