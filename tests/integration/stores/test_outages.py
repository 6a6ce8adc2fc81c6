"""Stores that go away, say no, or die while written to: what was acknowledged stays, and an outage has a name."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cloud_ingest.stores.embedded import EmbeddedStore
from cloud_ingest.stores.influx import InfluxStore
from cloud_ingest.stores.query import Latest, Rows, Total
from cloud_ingest.stores.store import Point, Store, StoreMisconfigured, StoreUnavailable
from devices.contract.readings import TruckPosition
from simulators.servers import Influx, ServerMissing
from tests.conftest import missing
from tests.integration.stores.county import HOUR, at, position

Make = Callable[..., Any]
COUNT = Total(TruckPosition, "latitude", "count")


def a_minute_of(device: str) -> list[Point]:
    return [Point(position(device, second, 1.0), "gw-1") for second in range(60)]


@pytest.fixture
async def opened() -> AsyncIterator[list[Store]]:
    """Stores put in here are closed after the test, also after a failed one."""
    stores: list[Store] = []
    yield stores
    for store in stores:
        await store.close()


@pytest.fixture
def influx_store(opened: list[Store], database: str) -> Callable[..., InfluxStore]:
    """Make a store on a server, in the test's own database."""

    def make(server: Influx, **options: Any) -> InfluxStore:
        store = InfluxStore(server.url, database, **options)
        opened.append(store)
        return store

    return make


@pytest.fixture
def embedded(opened: list[Store]) -> Callable[..., Awaitable[EmbeddedStore]]:
    """Open a file."""

    async def make(path: Path, **options: Any) -> EmbeddedStore:
        store = await EmbeddedStore.open(path, **options)
        opened.append(store)
        return store

    return make


@pytest.fixture
def own_influx(tmp_path: Path) -> Iterator[Influx]:
    """A server that the test may kill."""
    try:
        server = Influx(tmp_path / "influx")
    except ServerMissing as absent:
        missing(str(absent))
        raise
    with server:
        yield server


async def test_a_killed_server_is_an_outage_and_keeps_what_it_acknowledged(own_influx: Influx, influx_store: Make):
    store = influx_store(own_influx)
    await store.ensure_database()
    assert await store.write(a_minute_of("truck-a")) == []
    own_influx.kill()
    with pytest.raises(StoreUnavailable, match="InfluxDB at"):
        await store.write(a_minute_of("truck-b"))
    with pytest.raises(StoreUnavailable):
        await store.query(COUNT, HOUR)
    assert not await store.healthy()
    own_influx.start()
    assert await store.healthy()
    assert (await store.query(COUNT, HOUR)).rows == [(at(0), 60)]
    assert await store.write(a_minute_of("truck-b")) == []
    assert (await store.query(COUNT, HOUR)).rows == [(at(0), 120)]


async def test_a_deaf_server_is_an_outage_after_the_time_out_and_then_fine_again(
    own_influx: Influx, influx_store: Make
):
    store = influx_store(own_influx, timeout_s=0.5)
    await store.ensure_database()
    own_influx.freeze()
    with pytest.raises(StoreUnavailable, match=r"did not answer in 0\.5 s"):
        await store.write(a_minute_of("truck-a"))
    assert not await store.healthy()
    own_influx.thaw()
    await store.write(a_minute_of("truck-a"))
    assert (await store.query(COUNT, HOUR)).rows == [(at(0), 60)]


async def test_nothing_acknowledged_is_lost_when_the_server_is_killed_amid_writes(
    own_influx: Influx, influx_store: Make
):
    store = influx_store(own_influx)
    await store.ensure_database()
    acknowledged = 0
    twenty = asyncio.Event()

    async def write_on() -> None:
        nonlocal acknowledged
        while True:
            await store.write(a_minute_of(f"truck-{acknowledged}"))
            acknowledged += 1
            if acknowledged == 20:
                twenty.set()

    writing = asyncio.create_task(write_on())
    await twenty.wait()
    own_influx.kill()
    with pytest.raises(StoreUnavailable):
        await writing
    own_influx.start()
    stored = {row[1] for row in (await store.query(Latest(TruckPosition, ("speed_kmh",)), HOUR)).rows}
    assert {f"truck-{n}" for n in range(acknowledged)} <= stored


async def test_a_missing_database_says_what_to_do(influx_server: Influx, influx_store: Make):
    store = influx_store(influx_server)
    with pytest.raises(StoreMisconfigured, match="CREATE DATABASE"):
        await store.write(a_minute_of("truck-a"))
    with pytest.raises(StoreMisconfigured, match="database not found"):
        await store.query(COUNT, HOUR)
    assert not await store.healthy()


async def test_debians_influx_has_no_v2_path_and_the_error_names_the_setting(influx_server: Influx, influx_store: Make):
    store = influx_store(influx_server, write_path="/api/v2/write")
    await store.ensure_database()
    with pytest.raises(StoreMisconfigured, match="write_path"):
        await store.write(a_minute_of("truck-a"))


async def test_points_in_conflict_with_a_fields_type_are_found_and_the_rest_is_kept(
    influx_server: Influx, influx_store: Make
):
    """A field's type is fixed by whoever writes first in a shard: here by hand, wrongly, for one of two fields."""
    store = influx_store(influx_server)
    await store.ensure_database()
    assert await store._server.post(b'truck_position,device=other satellites="nine" 1772352000000') is None
    good = [Point(position("truck-a", second / 2, 1.0)) for second in range(3000)]
    bad = [Point(position(f"truck-{n}", n, 1.0, satellites=9)) for n in (3, 4, 5)]
    points = [*good[:1000], *bad, *good[1000:]]
    refused = await store.write(points)
    assert [rejected.position for rejected in refused] == [1000, 1001, 1002]
    assert all("field type conflict" in rejected.reason and "satellites" in rejected.reason for rejected in refused)
    assert (await store.query(COUNT, HOUR)).rows == [(at(0), 3000)]


async def test_when_every_point_is_refused_the_server_is_not_asked_about_each(
    influx_server: Influx, influx_store: Make
):
    store = influx_store(influx_server)
    await store.ensure_database()
    await store._server.post(b'truck_position,device=other satellites="nine" 1772352000000')
    posts = 0
    post = store._server.post

    async def counted(lines: bytes):
        nonlocal posts
        posts += 1
        return await post(lines)

    store._server.post = counted  # type: ignore[method-assign]
    refused = await store.write([Point(position("truck-a", n, 1.0, satellites=1)) for n in range(500)])
    assert [rejected.position for rejected in refused] == list(range(500))
    assert posts == 1


WRITER = """
import asyncio, sys
from pathlib import Path
from cloud_ingest.stores.embedded import EmbeddedStore
from tests.integration.stores.test_outages import a_minute_of

async def main():
    store = await EmbeddedStore.open(Path(sys.argv[1]))
    n = 0
    while True:
        await store.write(a_minute_of(f"truck-{n}"))
        n += 1
        print(n, flush=True)

asyncio.run(main())
"""


@pytest.mark.parametrize("acknowledgements", [1, 7, 40])
async def test_nothing_acknowledged_is_lost_when_the_writing_process_is_killed(
    tmp_path: Path, embedded: Make, acknowledgements: int
):
    path = tmp_path / "points.db"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", WRITER, str(path), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    for _ in range(acknowledgements):
        assert await process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    rest = (await process.stdout.read()).split()
    await process.wait()
    said = int(rest[-1]) if rest else acknowledgements
    store = await embedded(path)
    stored = {row[1] for row in (await store.query(Latest(TruckPosition, ("speed_kmh",)), HOUR)).rows}
    assert {f"truck-{n}" for n in range(said)} <= stored
    assert (await store.query(COUNT, HOUR)).rows == [(at(0), 60 * len(stored))]


async def test_another_process_reads_while_we_write_and_sees_it_at_once(tmp_path: Path, embedded: Make):
    path = tmp_path / "points.db"
    writer = await embedded(path)
    await writer.write([])
    reader = await embedded(path, read_only=True)
    for n in range(5):
        await writer.write(a_minute_of(f"truck-{n}"))
        assert (await reader.query(COUNT, HOUR)).rows == [(at(0), 60 * (n + 1))]
    with pytest.raises(StoreMisconfigured, match="read only"):
        await reader.write(a_minute_of("truck-z"))


async def test_a_file_that_another_process_locks_is_an_outage_and_then_fine_again(tmp_path: Path, embedded: Make):
    path = tmp_path / "points.db"
    store = await embedded(path, lock_wait_s=0.1)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match="locked"):
        await store.write(a_minute_of("truck-a"))
    assert await store.healthy()
    other.execute("ROLLBACK")
    other.close()
    assert await store.write(a_minute_of("truck-a")) == []


async def test_a_full_disk_is_an_outage_and_what_was_stored_stays_readable(tmp_path: Path, embedded: Make):
    """SQLite's own page limit answers like a full file system."""
    store = await embedded(tmp_path / "points.db")
    assert await store.write(a_minute_of("truck-a")) == []
    assert store._writer is not None
    (pages,) = store._writer.execute("PRAGMA page_count").fetchone()
    store._writer.execute(f"PRAGMA max_page_count = {pages + 1}")
    with pytest.raises(StoreUnavailable, match="full"):
        await store.write([point for n in range(200) for point in a_minute_of(f"truck-{n}")])
    assert (await store.query(COUNT, HOUR)).rows == [(at(0), 60)]
    store._writer.execute("PRAGMA max_page_count = 1000000")
    assert await store.write(a_minute_of("truck-b")) == []


async def test_a_file_that_is_no_store_is_an_outage_with_its_name(tmp_path: Path, embedded: Make):
    path = tmp_path / "points.db"
    path.write_bytes(b"no database" * 1000)
    with pytest.raises(StoreUnavailable, match=str(path)):
        await embedded(path)
    with pytest.raises(StoreUnavailable, match="absent"):
        await embedded(tmp_path / "absent.db", read_only=True)
    with pytest.raises(StoreMisconfigured, match="no such folder"):
        await embedded(tmp_path / "nowhere" / "points.db")


async def test_rows_are_asked_while_a_write_is_under_way(tmp_path: Path, embedded: Make):
    store = await embedded(tmp_path / "points.db")
    writes = [store.write(a_minute_of(f"truck-{n}")) for n in range(50)]
    reads = [store.query(Rows(TruckPosition, ("speed_kmh",), limit=1), HOUR) for _ in range(50)]
    await asyncio.gather(*writes, *reads)
    assert (await store.query(COUNT, HOUR)).rows == [(at(0), 3000)]
    await store.close()
    assert set(tmp_path.glob("*")) == {tmp_path / "points.db"}  # noqa: ASYNC240 - a folder of the test
