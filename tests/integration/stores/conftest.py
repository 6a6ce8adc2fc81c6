"""A fresh store of each kind for each test: the embedded file, a database on the run's InfluxDB, and one given by name.

INFLUX_URL, INFLUX_TOKEN and (for a 2.x server) INFLUX_ORG point the same suite at any other server; the token must be
allowed to create databases or, on 2.x, buckets and DBRP mappings.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cloud_ingest.stores.embedded import EmbeddedStore
from cloud_ingest.stores.influx import InfluxStore
from cloud_ingest.stores.influx2 import Influx2
from cloud_ingest.stores.store import Store
from simulators.servers import Influx

STORES = ["embedded", "influx", *(["given"] if os.environ.get("INFLUX_URL") else [])]


@pytest.fixture(params=STORES)
async def store(request: pytest.FixtureRequest, tmp_path: Path, database: str) -> AsyncIterator[Store]:
    """An empty store."""
    opened: Store
    if request.param == "embedded":
        opened = await EmbeddedStore.open(tmp_path / "points.db")
    elif request.param == "influx":
        server: Influx = request.getfixturevalue("influx_server")
        influx = InfluxStore(server.url, database)
        await influx.ensure_database()
        opened = influx
    else:
        opened = await given_store(database)
    yield opened
    await opened.close()


async def given_store(database: str) -> InfluxStore:
    """A fresh database on the server that the environment names."""
    url, token, org = (os.environ.get(f"INFLUX_{name}", "") for name in ("URL", "TOKEN", "ORG"))
    opened = InfluxStore(url, database, token=token, org=org)
    if org:
        with Influx2(url, token) as server:
            server.mapping(server.bucket(server.organisation(org), database, retention_days=0), database)
    else:
        await opened.ensure_database()
    return opened
