"""What only the embedded store has: rollups that are never wrong, files of older releases, retention, durability."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloud_ingest.stores.embedded import EmbeddedStore
from cloud_ingest.stores.query import Latest, Rows, Total, Trend, Where
from cloud_ingest.stores.rollups import roll_up
from cloud_ingest.stores.sql import statement
from cloud_ingest.stores.store import Point, StoreMisconfigured, Window
from devices.contract.readings import Alert, CameraHealth, TruckPosition

START = datetime(2026, 3, 1, tzinfo=UTC)
DAY = Window(START, START + timedelta(days=1), 1800)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[EmbeddedStore]:
    opened = await EmbeddedStore.open(tmp_path / "points.db")
    yield opened
    await opened.close()


def position(device: str, seconds: float, speed: float | None, satellites: int | None = None) -> Point:
    at = START + timedelta(seconds=seconds)
    return Point(
        TruckPosition(device=device, at=at, latitude=30.0, longitude=119.0, speed_kmh=speed, satellites=satellites)
    )


def open_stretches(store: EmbeddedStore) -> int:
    (count,) = store._reader.execute("SELECT count(*) FROM open_1800_truck_position").fetchone()
    return int(count)


async def roll_all_up(store: EmbeddedStore) -> None:
    """Now, and not after some thousand points."""
    store._points_until_rollup = 0
    await store.write([])


writings = st.lists(
    st.lists(
        st.builds(
            position,
            st.sampled_from(["a", "b", "c"]),
            st.integers(0, 44).map(lambda n: n * 180),
            st.one_of(st.none(), st.integers(0, 400).map(lambda n: n / 4)),
            st.one_of(st.none(), st.integers(0, 20)),
        ),
        max_size=30,
    ),
    max_size=6,
)
ROLLED = [
    Trend(TruckPosition, column, fn, by=by)
    for column in ("speed_kmh", "satellites")
    for fn in ("mean", "min", "max", "sum", "count", "last")
    for by in (("device",), ())
]


@given(writings=writings, cut=st.integers(0, 4000), every_s=st.sampled_from([60, 300, 1800, 3600]))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=40)
async def test_rollups_answer_as_the_points_do_whatever_is_written_again_or_late(
    tmp_path_factory: pytest.TempPathFactory, writings: list[list[Point]], cut: int, every_s: float
):
    store = await EmbeddedStore.open(tmp_path_factory.mktemp("rollups") / "points.db")
    window = Window(START + timedelta(seconds=cut), START + timedelta(seconds=cut + 4000), every_s)
    for points in writings:
        await store.write(points)
        await roll_all_up(store)
    for query in ROLLED:
        # A condition on a field, which every point meets, is answered from the points.
        plain = Trend(query.kind, query.column, query.fn, query.by, (Where("latitude", ">", 0.0),))
        assert (await store.query(query, window)).rows == (await store.query(plain, window)).rows, query
    await store.close()


async def test_a_stretch_is_rolled_up_when_its_device_has_gone_on_and_opened_when_written_to(store: EmbeddedStore):
    await store.write([position("a", 600 * n, 4.0) for n in range(10)])
    await roll_all_up(store)
    assert open_stretches(store) == 1
    await store.write([position("a", 0, 4.0)])
    assert open_stretches(store) == 2
    await roll_all_up(store)
    trend = await store.query(Trend(TruckPosition, "speed_kmh", "count"), DAY)
    assert [row[2] for row in trend.rows] == [3, 3, 3, 1]


async def test_a_long_trend_reads_rollups_and_an_odd_one_reads_points():
    wide = Trend(TruckPosition, "speed_kmh", "mean")
    assert "rollup_1800_truck_position" in statement(wide, DAY).text
    assert "rollup_60_truck_position" in statement(wide, DAY._replace(every_s=300)).text
    for query, window in (
        (wide, DAY._replace(every_s=90.5)),
        (wide, Window(START + timedelta(seconds=1), START + timedelta(seconds=59), 60)),
        (Trend(TruckPosition, "speed_kmh", "median"), DAY),
        (Trend(TruckPosition, "latitude", "mean"), DAY),
        (Trend(TruckPosition, "speed_kmh", "last", by=()), DAY),
        (Trend(TruckPosition, "speed_kmh", "mean", where=(Where("site", "=", "pit"),)), DAY),
        (Trend(CameraHealth, "state", "count"), DAY),
    ):
        assert "rollup" not in statement(query, window).text


async def test_sums_beyond_64_bits_do_not_stop_the_writing(store: EmbeddedStore):
    """A gateway may send the greatest number that there is, again and again."""
    greatest = [
        Point(CameraHealth(device="c", at=START + timedelta(minutes=n), state="online", frames_dropped=2**63 - 1))
        for n in range(40)
    ]
    assert await store.write(greatest) == []
    await roll_all_up(store)
    assert await store.write(greatest) == []
    (row,) = (await store.query(Total(CameraHealth, "frames_dropped", "sum"), DAY)).rows
    assert row[1] == pytest.approx(40 * 2**63)


async def test_a_file_of_an_older_release_gets_what_it_lacks(tmp_path: Path):
    path = tmp_path / "points.db"
    store = await EmbeddedStore.open(path)
    await store.write([position("a", 600 * n, 4.0, satellites=7) for n in range(10)])
    await store.close()
    old = sqlite3.connect(path)
    for table in ("rollup_60_truck_position", "rollup_1800_truck_position", "open_60_truck_position"):
        old.execute(f"DROP TABLE {table}")
    old.execute("DELETE FROM open_1800_truck_position")
    for column in ("satellites", "village"):
        old.execute(f"ALTER TABLE truck_position DROP COLUMN {column}")
    old.execute("DROP TABLE alert")
    old.commit()
    old.close()

    store = await EmbeddedStore.open(path)
    table = await store.query(Rows(TruckPosition, ("speed_kmh", "satellites", "village"), limit=1), DAY)
    assert table.rows == [(START + timedelta(seconds=5400), "a", 4.0, None, None)]
    assert (await store.query(Latest(Alert, ("state",)), DAY)).rows == []
    trend = await store.query(Trend(TruckPosition, "speed_kmh", "count"), DAY)
    assert [row[2] for row in trend.rows] == [3, 3, 3, 1]
    await store.write([position("a", 9000, 4.0, satellites=8)])
    await roll_all_up(store)
    assert [row[2] for row in (await store.query(Trend(TruckPosition, "satellites", "max"), DAY)).rows] == [8]
    await store.close()


async def test_a_file_of_a_newer_release_is_refused(tmp_path: Path):
    path = tmp_path / "points.db"
    newer = sqlite3.connect(path)
    newer.execute("PRAGMA user_version = 99")
    newer.commit()
    newer.close()
    with pytest.raises(StoreMisconfigured, match="newer release"):
        await EmbeddedStore.open(path)


async def test_points_past_their_retention_go_with_their_rollups_and_series(tmp_path: Path):
    clock = [START + timedelta(days=1)]
    store = await EmbeddedStore.open(tmp_path / "points.db", retention_days=2, now=lambda: clock[0])
    await store.write([position("old", 600 * n, 1.0) for n in range(20)])
    await store.write([position("both", 600 * n, 1.0) for n in range(400)])
    await roll_all_up(store)
    clock[0] = START + timedelta(days=3, minutes=10)
    await store.write([])
    week = Window(START - timedelta(days=1), START + timedelta(days=7), 1800)
    assert (await store.query(Total(TruckPosition, "speed_kmh", "count"), week)).rows == [(week.start, 400 - 24 * 6)]
    trend = await store.query(Trend(TruckPosition, "speed_kmh", "count"), week)
    assert trend.rows[0][0] == START + timedelta(days=1)
    assert sum(row[2] for row in trend.rows) == 400 - 24 * 6
    assert {row[1] for row in (await store.query(Latest(TruckPosition, ("speed_kmh",)), week)).rows} == {"both"}
    (left,) = store._reader.execute("SELECT count(*) FROM series_truck_position").fetchone()
    assert left == 1
    await store.close()


async def test_every_commit_is_synchronised_with_the_disk(store: EmbeddedStore):
    """FULL is what the receipt to the gateway rests on."""
    assert store._writer is not None
    assert store._writer.execute("PRAGMA synchronous").fetchone() == (2,)
    assert store._writer.execute("PRAGMA journal_mode").fetchone() == ("wal",)


async def test_last_values_are_looked_up_and_not_searched_for(store: EmbeddedStore):
    text, parameters = statement(Latest(TruckPosition, ("latitude",)), DAY)
    plan = " ".join(str(row[3]) for row in store._reader.execute(f"EXPLAIN QUERY PLAN {text}", parameters))
    assert "SCAN s" in plan
    assert "SCAN r" not in plan
    assert "SCAN b" not in plan


async def test_rolling_up_takes_a_bounded_bite(store: EmbeddedStore, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("cloud_ingest.stores.rollups.AT_ONCE", 5)
    store._points_until_rollup = 10**6
    await store.write([position("a", 1800 * n, 1.0) for n in range(12)])
    assert store._writer is not None
    assert [roll_up(store._writer, TruckPosition) for _ in range(3)] == [True, True, False]
    assert open_stretches(store) == 1
