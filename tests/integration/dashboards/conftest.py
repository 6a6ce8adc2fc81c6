"""A seeded and an empty county, in each store: the embedded file and a real InfluxDB."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import pytest

from cloud_ingest.stores.embedded import EmbeddedStore
from cloud_ingest.stores.influx import InfluxStore
from cloud_ingest.stores.store import Store
from simulators.servers import Influx
from tests.integration.dashboards.seed import fill

#: Off any whole minute, so that no test leans on one.
NOW = datetime(2026, 3, 1, 2, 3, 4, 567_000, tzinfo=UTC)


class Place(NamedTuple):
    """Where a county is stored: a file, or a database on a server."""

    file: Path | None = None
    url: str = ""
    database: str = ""

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Store]:
        store: Store
        if self.file:
            store = await EmbeddedStore.open(self.file)
        else:
            influx = InfluxStore(self.url, self.database)
            await influx.ensure_database()
            store = influx
        try:
            yield store
        finally:
            await store.close()


async def _fill(place: Place, now: datetime) -> int:
    async with place.open() as store:
        return await fill(store, now)


@pytest.fixture(scope="session")
def seeded_file(tmp_path_factory: pytest.TempPathFactory) -> Place:
    place = Place(file=tmp_path_factory.mktemp("seeded") / "points.db")
    asyncio.run(_fill(place, NOW))
    return place


@pytest.fixture(scope="session")
def seeded_influx(influx_server: Influx) -> Place:
    place = Place(url=influx_server.url, database=f"seeded_{secrets.token_hex(4)}")
    asyncio.run(_fill(place, NOW))
    return place


@pytest.fixture(params=["embedded", "influx"])
def seeded(request: pytest.FixtureRequest) -> Place:
    return request.getfixturevalue("seeded_file" if request.param == "embedded" else "seeded_influx")


@pytest.fixture(params=["embedded", "influx"])
def empty(request: pytest.FixtureRequest, tmp_path: Path, database: str) -> Iterator[Place]:
    if request.param == "embedded":
        yield Place(file=tmp_path / "points.db")
    else:
        yield Place(url=request.getfixturevalue("influx_server").url, database=database)
