"""What every store does alike: the one suite over the embedded file and InfluxDB."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import count

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloud_ingest.stores.query import (
    CountLatest,
    Latest,
    Query,
    Rows,
    States,
    Total,
    Trend,
    Variable,
    Where,
    choose,
)
from cloud_ingest.stores.store import Point, Store, Window
from devices.contract.columns import columns
from devices.contract.readings import (
    Alert,
    BloodPressure,
    CameraHealth,
    DeviceStatus,
    Stored,
    TruckPosition,
    kind_of,
)
from tests.integration.stores.county import HOUR, at, everything, position
from tests.strategies import stored_facts

EXAMPLES = count()


async def read_back(store: Store, fact: Stored, point: Point) -> Point | None:
    """The one stored point of that fact's series and moment, as it was written."""
    names = tuple(column.name for column in columns(type(fact)) if not column.tag)
    query = Rows(
        type(fact),
        (*names, "gateway", "site", "village"),
        tuple(Where(tag, "=", getattr(fact, tag)) for tag in fact.tags),
    )
    table = await store.query(query, Window(fact.at, fact.at + timedelta(milliseconds=1)))
    if not table.rows:
        return None
    (row,) = table.rows
    said = dict(zip(table.columns, row, strict=True))
    place = {name: said.pop(name) for name in ("gateway", "site", "village")}
    return Point(type(fact)(at=said.pop("time"), **said), **place)


@given(
    facts=st.lists(
        stored_facts(), min_size=5, max_size=40, unique_by=lambda fact: (kind_of(fact), fact.device, fact.at)
    )
)
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
async def test_whatever_the_contract_allows_is_read_back_as_it_was_written(store: Store, facts: list[Stored]):
    example = next(EXAMPLES)  # the store stays the same from one example to the next
    points = [
        Point(msgspec.structs.replace(fact, device=f"{example}.{index}"), "gw, 1", 'site "x"', "村\\ 1")
        for index, fact in enumerate(facts)
    ]
    assert await store.write(points) == []
    for point in points:
        assert await read_back(store, point.fact, point) == point


async def test_text_with_control_characters_quotes_and_line_ends_is_kept(store: Store):
    text = "".join(chr(code) for code in range(1, 128)) + "\\\" '\\n 高血压 😀 \\"
    point = Point(DeviceStatus(device="d", at=at(0), device_kind="truck", state="online", reason=text), "g")
    assert await store.write([point]) == []
    assert await read_back(store, point.fact, point) == point


async def test_a_time_is_kept_to_the_millisecond_and_cut_not_rounded(store: Store):
    odd = datetime(2026, 3, 1, 8, 0, 0, 999_999, tzinfo=UTC)
    await store.write([Point(msgspec.structs.replace(position("truck-a", 0, 1.0), at=odd))])
    table = await store.query(Rows(TruckPosition, ("speed_kmh",)), HOUR)
    assert table.rows == [(odd.replace(microsecond=999_000), "truck-a", 1.0)]


async def test_a_window_holds_its_start_and_not_its_end(store: Store):
    await store.write([Point(position("truck-a", seconds, 1.0)) for seconds in (0, 10, 20)])
    table = await store.query(States(TruckPosition, "clock"), Window(at(0), at(20)))
    assert table.rows == [(at(0), "truck-a", "gnss"), (at(10), "truck-a", "gnss")]


async def test_what_is_written_again_is_there_once(store: Store):
    for _ in range(3):
        assert await store.write(everything()) == []
    assert (await store.query(Total(TruckPosition, "latitude", "count"), HOUR)).rows == [(at(0), 39)]
    assert (await store.query(Total(Alert, "alert", "count"), HOUR)).rows == [(at(0), 3)]


async def test_a_device_that_moved_overwrites_its_place_and_does_not_double(store: Store):
    fact = position("truck-a", 0, 1.0)
    await store.write([Point(fact, "gw-1", "pit-1", "Shangtang")])
    await store.write([Point(fact, "gw-2", "", "Xiatang")])
    table = await store.query(Rows(TruckPosition, ("gateway", "site", "village")), HOUR)
    assert table.rows == [(at(0), "truck-a", "gw-2", "", "Xiatang")]


async def test_a_field_that_the_later_writing_leaves_out_keeps_its_value(store: Store):
    await store.write([Point(position("truck-a", 0, 1.0, satellites=7))])
    await store.write([Point(position("truck-a", 0, 2.0))])
    table = await store.query(Rows(TruckPosition, ("speed_kmh", "satellites")), HOUR)
    assert table.rows == [(at(0), "truck-a", 2.0, 7)]


async def test_the_last_of_two_writings_in_one_call_stands(store: Store):
    """Far enough apart for several chunks, in both lanes."""
    early = [Point(position(f"truck-{n}", 0, 1.0)) for n in range(6000)]
    late = [Point(position(f"truck-{n}", 0, 2.0)) for n in range(6000)]
    assert await store.write([*early, *late]) == []
    assert (await store.query(Total(TruckPosition, "speed_kmh", "min"), HOUR)).rows == [(at(0), 2.0)]
    assert (await store.query(Total(TruckPosition, "speed_kmh", "count"), HOUR)).rows == [(at(0), 6000)]


async def test_of_calls_made_at_once_each_is_whole_and_the_later_overwrites(store: Store):
    rounds = [[Point(position(f"truck-{n}", 0, float(call))) for n in range(300)] for call in range(8)]
    assert await asyncio.gather(*(store.write(points) for points in rounds)) == [[]] * 8
    table = await store.query(Latest(TruckPosition, ("speed_kmh",)), HOUR)
    assert len(table.rows) == 300
    assert {row[2] for row in table.rows} == {7.0}


async def test_writing_nothing_is_nothing(store: Store):
    assert await store.write([]) == []
    assert await store.healthy()


async def test_a_point_without_a_device_or_beyond_64_bits_is_returned_and_the_rest_kept(store: Store):
    huge = msgspec.structs.replace(position("truck-a", 30, 1.0), jt808_alarm=2**70)
    nameless = msgspec.structs.replace(position("truck-a", 40, 1.0), device="")
    not_utf8 = msgspec.structs.replace(position("truck-a", 50, 1.0), load="\ud800")
    good = [Point(position("truck-a", seconds, 1.0)) for seconds in (0, 10, 20)]
    refused = await store.write([good[0], Point(huge), good[1], Point(nameless), Point(not_utf8), good[2]])
    assert [rejected.position for rejected in refused] == [1, 3, 4]
    assert all(rejected.reason for rejected in refused)
    assert (await store.query(Total(TruckPosition, "latitude", "count"), HOUR)).rows == [(at(0), 3)]


async def test_a_value_of_the_wrong_type_is_returned_and_the_rest_kept(store: Store):
    """InfluxDB fixes a field's type by the first value that it sees; so a good one comes first."""
    await store.write([Point(position("truck-a", 0, 1.0))])
    wrong = msgspec.structs.replace(position("truck-b", 30, 1.0), speed_kmh="fast")
    good = [Point(position("truck-a", seconds, 1.0)) for seconds in range(200)]
    (refused,) = await store.write([*good, Point(wrong), *(Point(position("truck-b", n, 2.0)) for n in range(30))])
    assert refused.position == 200
    assert refused.reason
    assert (await store.query(Total(TruckPosition, "speed_kmh", "count"), HOUR)).rows == [(at(0), 230)]


TRUCKS = (TruckPosition, ("speed_kmh", "satellites", "village"))
SPEEDS_A = [10.5 + step for step in range(15)]
MINUTES_A = [tuple(SPEEDS_A[3 * minute : 3 * minute + 3]) for minute in range(5)]

ANSWERS: dict[str, tuple[Query, list[tuple[object, ...]]]] = {
    "latest: each device's newest point, whole, also where a value is absent": (
        Latest(*TRUCKS),
        [
            (at(280), "truck-a", 24.5, 10, "Shangtang"),
            (at(280), "truck-b", 0.0, 12, "Shangtang"),
            (at(160), "truck-c", None, None, "Xiatang"),
        ],
    ),
    "latest: a column that the newest point lacks is absent, not older": (
        Latest(TruckPosition, ("speed_kmh",), (Where("device", "=", "truck-c"),)),
        [(at(160), "truck-c", None)],
    ),
    "latest: a device whose newest point fails the condition is absent": (
        Latest(TruckPosition, ("speed_kmh",), (Where("speed_kmh", "<=", 20.0),)),
        [(at(280), "truck-b", 0.0)],
    ),
    "latest: states": (
        Latest(DeviceStatus, ("state", "reason"), (Where("state", "!=", "online"),)),
        [(at(90), "cam-1", "trouble", "picture is dark"), (at(60), "truck-b", "silent", None)],
    ),
    "latest: an absent value meets no condition, not even unlikeness": (
        Latest(DeviceStatus, ("state",), (Where("reason", "!=", "rain"),)),
        [(at(90), "cam-1", "trouble")],
    ),
    "latest: an absent truth value is neither": (Latest(*TRUCKS, (Where("ignition", "!=", True),)), []),
    "latest: a truth value": (
        Latest(TruckPosition, ("backfill",), (Where("backfill", "!=", True), Where("device", "!=", "truck-b"))),
        [(at(280), "truck-a", False), (at(160), "truck-c", False)],
    ),
    "latest: an absent truth value is not false": (Latest(*TRUCKS, (Where("ignition", "=", False),)), []),
    "latest: two tags are two series": (
        Latest(Alert, ("state", "ended_at_ms")),
        [(at(100), "truck-a", "overspeed", "raised", None), (at(100), "truck-a", "route", "raised", None)],
    ),
    "latest: conditions on the place and by a whole number": (
        Latest(TruckPosition, ("village",), (Where("village", "=", "Shangtang"), Where("satellites", ">=", 11))),
        [(at(280), "truck-b", "Shangtang")],
    ),
    "latest: a variable that nobody chose lets everything pass": (
        Latest(TruckPosition, ("site",), (Where("village", "=", Variable("village")),)),
        [(at(280), "truck-a", "pit-1"), (at(280), "truck-b", "pit-1"), (at(160), "truck-c", "dump-2")],
    ),
    "latest: a variable with a choice": (
        choose(Latest(TruckPosition, ("site",), (Where("village", "=", Variable("village")),)), {"village": "Xiatang"}),
        [(at(160), "truck-c", "dump-2")],
    ),
    "trend: mean by device; a minute without a value is absent": (
        Trend(TruckPosition, "speed_kmh", "mean"),
        [
            row
            for minute in range(5)
            for row in (
                (at(60 * minute), "truck-a", sum(MINUTES_A[minute]) / 3),
                (at(60 * minute), "truck-b", 0.0),
                *([(at(60 * minute), "truck-c", 40.0)] if minute < 3 else []),
            )
        ],
    ),
    "trend: greatest over all": (
        Trend(TruckPosition, "speed_kmh", "max", by=()),
        [(at(0), 40.0), (at(60), 40.0), (at(120), 40.0), (at(180), 21.5), (at(240), 24.5)],
    ),
    "trend: last, one device": (
        Trend(TruckPosition, "speed_kmh", "last", where=(Where("device", "=", "truck-a"),)),
        [(at(60 * minute), "truck-a", MINUTES_A[minute][-1]) for minute in range(5)],
    ),
    "trend: median": (
        Trend(CameraHealth, "luminance", "median", by=()),
        [(at(0), 100.0), (at(120), 50.0), (at(180), 25.0)],
    ),
    "trend: whole numbers stay whole": (
        Trend(TruckPosition, "satellites", "sum", where=(Where("device", "=", "truck-b"),)),
        [(at(60 * minute), "truck-b", 36) for minute in range(5)],
    ),
    "trend: counts": (
        Trend(TruckPosition, "speed_kmh", "count", by=(), where=(Where("speed_kmh", ">", 30.5),)),
        [(at(0), 3), (at(60), 3), (at(120), 1)],
    ),
    "trend: the last text": (
        Trend(DeviceStatus, "state", "last"),
        [
            (at(0), "cam-1", "online"),
            (at(0), "truck-a", "online"),
            (at(0), "truck-b", "online"),
            (at(0), "truck-c", "online"),
            (at(60), "cam-1", "trouble"),
            (at(60), "truck-b", "silent"),
            (at(120), "truck-a", "online"),
        ],
    ),
    "states: every value, oldest first": (
        States(DeviceStatus, "state", (Where("village", "=", "Shangtang"),)),
        [
            (at(0), "truck-a", "online"),
            (at(0), "truck-b", "online"),
            (at(60), "truck-b", "silent"),
            (at(120), "truck-a", "online"),
        ],
    ),
    "states: an absent value is no state": (States(DeviceStatus, "reason"), [(at(90), "cam-1", "picture is dark")]),
    "rows: newest first, no more than asked": (
        Rows(Alert, ("state", "ended_at_ms"), limit=2),
        [(at(100), "truck-a", "overspeed", "raised", None), (at(100), "truck-a", "route", "raised", None)],
    ),
    "rows: a cleared alert is the raised one, overwritten": (
        Rows(Alert, ("state", "ended_at_ms", "message_zh"), (Where("state", "=", "cleared"),)),
        [(at(30), "truck-a", "overspeed", "cleared", 1772352060000, "超速：限速的“1.1 倍”")],
    ),
    "rows: points are there even if all their asked columns are absent": (
        Rows(CameraHealth, ("luminance",)),
        [(at(180), "cam-1", 25.0), (at(120), "cam-1", 50.0), (at(60), "cam-1", None), (at(0), "cam-1", 100.0)],
    ),
    "rows: by a number with a fraction": (
        Rows(TruckPosition, ("speed_kmh",), (Where("speed_kmh", ">", 22.75), Where("speed_kmh", "<", 40.0))),
        [(at(280), "truck-a", 24.5), (at(260), "truck-a", 23.5)],
    ),
    "total: mean": (Total(CameraHealth, "luminance", "mean"), [(at(0), 175 / 3)]),
    "total: count": (Total(TruckPosition, "speed_kmh", "count"), [(at(0), 37)]),
    "total: greatest of whole numbers": (Total(TruckPosition, "satellites", "max"), [(at(0), 12)]),
    "total: least": (Total(TruckPosition, "speed_kmh", "min", (Where("device", "=", "truck-a"),)), [(at(0), 10.5)]),
    "total: sum": (Total(TruckPosition, "speed_kmh", "sum", (Where("device", "=", "truck-c"),)), [(at(0), 280.0)]),
    "total: last": (Total(CameraHealth, "luminance", "last"), [(at(0), 25.0)]),
    "total: median of an even number": (
        Total(TruckPosition, "satellites", "median", (Where("satellites", "<", 10),)),
        [(at(0), 8.5)],
    ),
    "total: nothing meets the condition": (
        Total(TruckPosition, "speed_kmh", "max", (Where("speed_kmh", ">", 99.0),)),
        [],
    ),
    "total: nothing to count is 0": (Total(BloodPressure, "systolic_mmhg", "count"), [(at(0), 0)]),
    "count of the newest": (CountLatest(DeviceStatus, "state", (Where("state", "=", "online"),)), [(at(0), 2)]),
    "count of all newest, also where the column is absent": (CountLatest(TruckPosition, "speed_kmh"), [(at(0), 3)]),
    "count of none": (CountLatest(DeviceStatus, "state", (Where("state", "=", "offline"),)), [(at(0), 0)]),
    "count by a tag": (CountLatest(Alert, "alert", (Where("rule", "=", "route"),)), [(at(0), 1)]),
}


async def test_every_question_has_the_same_answer_from_every_store(store: Store):
    assert await store.write(everything()) == []
    wrong = {}
    for meaning, (query, rows) in ANSWERS.items():
        answered = await store.query(query, HOUR)
        if answered.rows != rows or [list(map(type, row)) for row in answered.rows] != [
            list(map(type, row)) for row in rows
        ]:
            wrong[meaning] = answered.rows
    assert wrong == {}


async def test_an_empty_store_answers_every_question(store: Store):
    for meaning, (query, _) in ANSWERS.items():
        answered = await store.query(query, HOUR)
        counts = isinstance(query, CountLatest) or (isinstance(query, Total) and query.fn == "count")
        assert answered.rows == ([(at(0), 0)] if counts else []), meaning


async def test_an_answer_names_its_columns(store: Store):
    columns_of = {
        "latest": Latest(Alert, ("state",)),
        "rows": Rows(Alert, ("state",)),
        "states": States(Alert, "state"),
        "trend": Trend(Alert, "value", "mean", by=("rule",)),
        "total": Total(Alert, "value", "mean"),
        "count": CountLatest(Alert, "state"),
    }
    assert {name: (await store.query(query, HOUR)).columns for name, query in columns_of.items()} == {
        "latest": ("time", "device", "rule", "state"),
        "rows": ("time", "device", "rule", "state"),
        "states": ("time", "device", "rule", "state"),
        "trend": ("time", "rule", "value"),
        "total": ("time", "value"),
        "count": ("time", "count"),
    }


async def test_the_newest_point_is_the_newest_of_the_window(store: Store):
    await store.write(everything())
    table = await store.query(Latest(TruckPosition, ("speed_kmh",)), Window(at(30), at(100)))
    assert table.rows == [(at(80), "truck-a", 14.5), (at(80), "truck-b", 0.0), (at(80), "truck-c", 40.0)]
    assert (await store.query(CountLatest(TruckPosition, "clock"), Window(at(170), at(999)))).rows == [(at(170), 2)]


async def test_late_points_change_the_past_and_not_the_newest(store: Store):
    await store.write(everything())
    await store.write([Point(position("truck-b", 10, 60.0))])
    assert (
        await store.query(Latest(TruckPosition, ("speed_kmh",), (Where("device", "=", "truck-b"),)), HOUR)
    ).rows == [(at(280), "truck-b", 0.0)]
    trend = Trend(TruckPosition, "speed_kmh", "mean", where=(Where("device", "=", "truck-b"),))
    assert (await store.query(trend, HOUR)).rows[0] == (at(0), "truck-b", 15.0)


@pytest.mark.parametrize("every_s", [0.5, 7, 60, 3600])
async def test_buckets_begin_at_multiples_of_their_width_since_1970(store: Store, every_s: float):
    await store.write(everything())
    table = await store.query(Trend(TruckPosition, "speed_kmh", "count", by=()), HOUR._replace(every_s=every_s))
    assert sum(row[1] for row in table.rows) == 37
    assert all(row[0].timestamp() % every_s == 0 for row in table.rows)


HOSTILE = [
    "' OR '1'='1",
    "\\' OR 1=1 --",
    "x'; DROP MEASUREMENT truck_position; --",
    'Shangtang"',
    "\n",
    "\r\n' OR time > 0",
    "\x00",
    "\\",
    "/.*/",
    "${village:regex}",
    "%27 OR 1",
]


@pytest.mark.parametrize("choice", HOSTILE)
async def test_a_hostile_choice_chooses_nothing_and_breaks_nothing(store: Store, choice: str):
    await store.write(everything())
    for query in (
        Latest(TruckPosition, ("site",), (Where("village", "=", Variable("v")),)),
        Rows(TruckPosition, ("site",), (Where("device", "=", Variable("v")),)),
        Trend(TruckPosition, "speed_kmh", "mean", where=(Where("village", "=", Variable("v")),)),
    ):
        assert (await store.query(choose(query, {"v": choice}), HOUR)).rows == []
    assert (await store.query(CountLatest(TruckPosition, "clock"), HOUR)).rows == [(at(0), 3)]
