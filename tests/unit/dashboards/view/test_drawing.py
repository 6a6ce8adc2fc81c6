"""Panels and answers to pictures: what a person must see, and what must never reach a page."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from zoneinfo import ZoneInfo

import pytest

from cloud_ingest.stores.query import CountLatest, Latest, Rows, States, Total, Trend
from cloud_ingest.stores.store import Table
from dashboards import states
from dashboards.panels import (
    BarGauge,
    Cell,
    Frame,
    Layer,
    Line,
    MapView,
    Place,
    Scale,
    Stat,
    StateTimeline,
    Step,
    TableView,
    TimeSeries,
    answered,
)
from dashboards.states import Words
from dashboards.view.county_map import draw_map
from dashboards.view.look import Look
from dashboards.view.picture import picture
from dashboards.view.timeline import bands
from devices.contract.readings import Alert, BloodPressure, DeviceStatus, GatewayHealth, PipelineHealth, TruckPosition

NOW = datetime(2026, 3, 1, 2, 3, 4, tzinfo=UTC)
ZH = Look("zh", ZoneInfo("Asia/Shanghai"), {"liangzhu": Words("Liangzhu", "良渚村")})
EN = ZH._replace(language="en")
FRAME = Frame(1, Words("Title", "标题"), Words("About.", "说明。"), Place(0, 0, 6, 4))
ALARM = Scale(steps=(Step(None, "good"), Step(1, "critical")))
EVIL = "<script>alert('x')</script>\"&"


def html(panel, rows, look=ZH, query=None) -> str:
    drawn = picture(panel, [Table(answered(query or panel.query), rows)], look, NOW, 3600)
    assert drawn["kind"] == "html"
    return drawn["html"]


def words(text: str) -> str:
    """What is left of HTML for a reader."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", text)).split())


# --- one number


def test_a_number_above_a_limit_has_a_sign_beside_its_colour():
    stat = Stat(FRAME, CountLatest(Alert, "state"), "count", ALARM)
    assert words(html(stat, [(NOW, 3)])) == "3 ▲"
    assert words(html(stat, [(NOW, 0)])) == "0"


def test_several_ingests_are_added_up():
    stat = Stat(FRAME, Latest(PipelineHealth, ("readings_per_s",)), "readings_per_s", Scale("/s", 1), reduce="sum")
    rows = [(NOW, "ingest-1", 100.25), (NOW, "ingest-2", 20.5), (NOW, "ingest-3", None)]
    assert words(html(stat, rows)) == "120.8 /s"


def test_of_several_states_the_worst_is_shown():
    stat = Stat(FRAME, Latest(PipelineHealth, ("store_up",)), "store_up", states=states.REACHABLE)
    assert words(html(stat, [(NOW, "a", True), (NOW, "b", False)])) == "✕ 不可用 Not reachable"
    assert words(html(stat, [(NOW, "a", True)], EN)) == "● Reachable 可用"


@pytest.mark.parametrize(("count", "told"), [(0, "0"), (1, "< 5"), (4, "< 5"), (5, "5"), (1234, "1,234")])
def test_a_small_count_of_measurements_is_not_told(count, told):
    stat = Stat(FRAME, Total(BloodPressure, "systolic_mmhg", "count"), "systolic_mmhg", Scale(small_cell=5))
    assert words(html(stat, [(NOW, count)])) == told


def test_no_rows_and_no_values_are_said_in_words():
    stat = Stat(FRAME, Total(TruckPosition, "speed_kmh", "max"), "speed_kmh")
    assert words(html(stat, [])) == "无数据 no data"
    assert words(html(stat, [], EN)) == "no data 无数据"
    assert words(html(stat, [(NOW, None)])) == "无数据"


# --- tables

ALERTS = TableView(
    FRAME,
    Latest(Alert, ("severity", "message_zh", "message_en", "village", "value")),
    (
        Cell("severity", "state", states.SEVERITIES),
        Cell("time", "time"),
        Cell("device", link="/county-trucks"),
        Cell("message_zh"),
        Cell("message_en"),
        Cell("village"),
        Cell("value", "number", scale=Scale(steps=(Step(None, "good"), Step(80, "critical")))),
    ),
    sort=("severity", "time"),
)


def alert(device: str, severity: str, minutes: int, message: str = "", value: float | None = 92.0):
    return (NOW - timedelta(minutes=minutes), device, "rule", severity, message, message, "liangzhu", value)


def test_alerts_stand_by_severity_and_then_the_longest_waiting_first():
    rows = [alert("a", "info", 90), alert("b", "critical", 1), alert("c", "warning", 5), alert("d", "critical", 30)]
    table = html(ALERTS, rows)
    assert re.findall(r'device=(\w)"', table) == ["d", "b", "c", "a"]


def test_a_table_speaks_one_language_and_names_states_in_both():
    table = words(html(ALERTS, [alert("a", "high", 1, "超速")], EN))
    assert "What happened" in table
    assert "说明" not in table
    assert "High 重要" in table
    assert "Liangzhu" in table


def test_a_time_is_told_in_the_countys_zone_and_leaves_its_age_to_the_page():
    table = html(ALERTS, [alert("a", "high", 0)])
    assert "03-01 10:03:04" in table
    assert f'data-age="{int(NOW.timestamp() * 1000)}"' in table


def test_nothing_that_a_device_says_becomes_markup():
    table = html(ALERTS, [alert(EVIL, EVIL, 1, EVIL)])
    assert "<script" not in table
    assert "alert(&#x27;x&#x27;)" in table


def test_an_absent_value_is_a_dash_and_a_device_never_heard_says_never():
    table = TableView(
        FRAME,
        Latest(DeviceStatus, ("state", "last_seen_ms", "reason")),
        (Cell("state", "state", states.DEVICE_STATES), Cell("last_seen_ms", "time"), Cell("reason")),
        sort=("state",),
    )
    assert words(html(table, [(NOW, "kiosk-9", "never", None, None)])).endswith("○ 从未上线 Never seen 从未 · never –")


def test_a_long_table_is_cut_and_says_by_how_much():
    table = TableView(FRAME, Rows(TruckPosition, ("speed_kmh",)), (Cell("device"),))
    assert "+ 50" in html(table, [(NOW, f"truck-{n}", 1.0) for n in range(250)])


# --- bars


def test_bars_stand_highest_first_and_are_meters():
    gauge = BarGauge(FRAME, Latest(GatewayHealth, ("spool_readings",)), "spool_readings", ALARM)
    bars = html(gauge, [(NOW, "gw-1", 2), (NOW, "gw-2", 8), (NOW, "gw-3", None)])
    assert re.findall(r'aria-label="([\w-]+)"', bars) == ["gw-2", "gw-1"]
    assert "--w:100.0%" in bars
    assert "--w:25.0%" in bars
    assert 'role="meter"' in bars


def test_a_bar_far_below_its_first_limit_is_short():
    scale = Scale(steps=(Step(None, "good"), Step(1000, "warning")))
    gauge = BarGauge(FRAME, Latest(GatewayHealth, ("spool_readings",)), "spool_readings", scale)
    assert "--w:0.6%" in html(gauge, [(NOW, "gw-1", 6)])


def test_bars_without_any_value_say_no_data():
    gauge = BarGauge(FRAME, Latest(GatewayHealth, ("cpu_temperature_c",)), "cpu_temperature_c")
    assert words(html(gauge, [(NOW, "gw-1", None)])) == "无数据 no data"


# --- lines

SPEED = Line(Trend(TruckPosition, "speed_kmh", "max"), Words("Speed", "速度"))


def chart(panel, *tables, look=ZH):
    asked = [line.query for line in panel.lines]
    asked += asked[:1] * (len(tables) - len(asked))
    drawn = picture(panel, [Table(answered(q), rows) for q, rows in zip(asked, tables, strict=True)], look, NOW, 3600)
    assert drawn["kind"] == "chart"
    return drawn


def at(minutes: float) -> datetime:
    return NOW - timedelta(minutes=minutes)


def test_a_chart_has_a_line_per_device_on_the_countys_clock():
    drawn = chart(TimeSeries(FRAME, (SPEED,), Scale("km/h")), [(at(1), "truck-2", 50.04), (at(1), "truck-1", 61.0)])
    series = drawn["option"]["series"]
    assert [line["name"] for line in series] == ["truck-1", "truck-2"]
    eight_hours = 8 * 3_600_000
    assert series[1]["data"] == [[int(at(1).timestamp() * 1000) + eight_hours, 50.04]]
    assert drawn["option"]["xAxis"]["max"] == int(NOW.timestamp() * 1000) + eight_hours


def test_a_pause_in_the_readings_is_a_gap_in_the_line():
    rows = [(at(m), "truck-1", 50.0) for m in (30, 29.75, 29.5, 10, 9.75)]
    (line,) = chart(TimeSeries(FRAME, (SPEED,)), rows)["option"]["series"]
    assert [value for _, value in line["data"]] == [50.0, 50.0, 50.0, None, 50.0, 50.0]


def test_too_many_lines_leave_out_the_lowest_and_say_how_many():
    rows = [(at(1), f"truck-{n:02}", float(n)) for n in range(20)]
    drawn = chart(TimeSeries(FRAME, (SPEED,)), rows)
    assert drawn["left_out"] == 8
    assert drawn["option"]["series"][0]["name"] == "truck-08"


def test_a_limit_is_drawn_once_across_the_chart():
    scale = Scale("km/h", 0, (Step(None, "good"), Step(60, "warning")))
    series = chart(TimeSeries(FRAME, (SPEED,), scale), [(at(1), "a", 1.0), (at(1), "b", 2.0)])["option"]["series"]
    assert [mark["yAxis"] for mark in series[0]["markLine"]["data"]] == [60]
    assert "markLine" not in series[1]


def test_a_mean_of_fewer_than_five_is_not_drawn():
    mean = Line(Trend(BloodPressure, "systolic_mmhg", "mean", by=()), Words("Systolic", "收缩压"))
    panel = TimeSeries(FRAME, (mean,), least_group=5)
    drawn = chart(panel, [(at(60), 150.0), (at(1), 199.0)], [(at(60), 5), (at(1), 4)])
    assert [value for _, value in drawn["option"]["series"][0]["data"]] == [150.0]


def test_a_kiosks_count_below_five_is_not_drawn():
    count = Line(Trend(BloodPressure, "systolic_mmhg", "count"), Words("Measured", "测量"))
    panel = TimeSeries(FRAME, (count,), style="bars", least_group=5)
    drawn = chart(panel, [(at(60), "kiosk-1", 9), (at(1), "kiosk-1", 4), (at(1), "kiosk-2", 1)])
    (line,) = drawn["option"]["series"]
    assert (line["name"], [value for _, value in line["data"]]) == ("kiosk-1", [9])


def test_a_chart_whose_groups_are_all_too_small_says_no_data():
    count = Line(Trend(BloodPressure, "systolic_mmhg", "count"), Words("Measured", "测量"))
    panel = TimeSeries(FRAME, (count,), style="bars", least_group=5)
    drawn = picture(panel, [Table(answered(count.query), [(NOW, "kiosk-1", 3)])], ZH, NOW, 3600)
    assert words(drawn["html"]) == "无数据 no data"


def test_stacked_bars_have_a_value_at_every_time():
    count = Line(Trend(BloodPressure, "systolic_mmhg", "count"), Words("Measured", "测量"))
    drawn = chart(TimeSeries(FRAME, (count,), style="bars"), [(at(60), "a", 9), (at(1), "b", 7)])
    assert [[value for _, value in line["data"]] for line in drawn["option"]["series"]] == [[9, 0], [0, 7]]


# --- timelines

TIMELINE = StateTimeline(FRAME, States(DeviceStatus, "state"), states.DEVICE_STATES, hold_s=180)


def test_equal_reports_in_a_row_are_one_band_and_end_at_the_next_state():
    table = Table(
        answered(TIMELINE.query), [(at(m), "gw-1", s) for m, s in ((10, "online"), (8, "online"), (6, "silent"))]
    )
    assert bands(TIMELINE, table, NOW)["gw-1"] == [(at(10), at(6), "online"), (at(6), at(3), "silent")]


def test_what_nobody_reported_is_a_gap():
    table = Table(answered(TIMELINE.query), [(at(30), "gw-1", "online"), (at(5), "gw-1", "online")])
    assert bands(TIMELINE, table, NOW)["gw-1"] == [(at(30), at(27), "online"), (at(5), at(2), "online")]


def test_no_band_reaches_into_the_future():
    table = Table(answered(TIMELINE.query), [(at(1), "gw-1", "online")])
    assert bands(TIMELINE, table, NOW)["gw-1"] == [(at(1), NOW, "online")]


def test_a_timeline_names_states_in_the_viewers_language():
    drawn = picture(TIMELINE, [Table(answered(TIMELINE.query), [(at(1), "gw-1", "silent")])], EN, NOW, 3600)
    assert drawn["states"] == [{"text": "◌ Silent", "color": states.PALETTE["warning"]}]


# --- the map

MAP = MapView(
    FRAME,
    (
        Layer(
            Words("Truck", "渣土车"),
            Latest(DeviceStatus, ("latitude", "longitude", "state", "name_zh", "name_en", "village")),
            "triangle",
            "state",
            states.DEVICE_STATES,
            stale_after_s=180,
            details=("name_zh", "name_en", "village"),
        ),
    ),
)


def test_a_marker_is_titled_by_name_kind_and_state_in_words():
    row = (NOW, "truck-1", 30.4, 119.9, "silent", "渣土车1号", "Truck 1", "liangzhu")
    (marker,) = draw_map(MAP, [Table(answered(MAP.layers[0].query), [row])], EN)["markers"]
    assert marker["title"] == "Truck 1 (truck-1)"
    assert (marker["kind"], marker["state"], marker["shape"]) == ("Truck", "失联 · Silent", "triangle")
    assert marker["lines"] == ["Village: Liangzhu"]
    assert marker["stale_after_s"] == 180


def test_a_device_without_a_place_is_not_on_the_map():
    row = (NOW, "truck-1", None, None, "online", "", "", "")
    drawn = draw_map(MAP, [Table(answered(MAP.layers[0].query), [row])], ZH)
    assert drawn["markers"] == []


def test_what_needs_a_person_is_drawn_on_top():
    rows = [(NOW, f"t-{state}", 30.4, 119.9, state, "", "", "") for state in ("offline", "online", "trouble")]
    markers = draw_map(MAP, [Table(answered(MAP.layers[0].query), rows)], ZH)["markers"]
    assert [marker["id"] for marker in markers] == ["triangle/t-online", "triangle/t-offline", "triangle/t-trouble"]
