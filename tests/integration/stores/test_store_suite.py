"""What every store does alike: the one suite over the embedded file and InfluxDB."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

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
from cloud_ingest.stores.store import Point, Rejected, Store, Table, Window
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

CENTURY = Window(datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))


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
    facts=st.lists(stored_facts(), min_size=5, max_size=40, unique_by=lambda fact: (kind_of(fact), fact.device, fact.at))
)
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
async def test_whatever_the_contract_allows_is_read_back_as_it_was_written(store: Store, facts: list[Stored]):
    round_of_test = getattr(store, "rounds", 0)
    store.rounds = round_of_test + 1  # type: ignore[attr-defined]
    points = [
        Point(msgspec.structs.replace(fact, device=f"{round_of_test}.{index}"), "gw, 1", 'site "x"', "村\\ 1")
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
    await store.write([Point(position("truck-a", 0, 1.0)._replace_at(odd))] if False else [
        Point(msgspec.structs.replace(position("truck-a", 0, 1.0), at=odd))
    ])
    table = await store.query(Rows(TruckPosition, ("speed_kmh",)), HOUR)
    assert table.rows == [(odd.replace(microsecond=999_000), "truck-a", 1.0)]
