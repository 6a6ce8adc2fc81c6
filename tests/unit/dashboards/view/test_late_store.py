"""A view may start before its store does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from cloud_ingest.stores.query import Total
from cloud_ingest.stores.settings import EmbeddedSettings, open_store
from cloud_ingest.stores.store import Point, StoreUnavailable, Window
from dashboards.view.late_store import LateStore
from devices.contract.readings import TruckPosition

NOW = datetime(2026, 3, 1, tzinfo=UTC)
WINDOW = Window(NOW - timedelta(hours=1), NOW + timedelta(hours=1))
FASTEST = Total(TruckPosition, "speed_kmh", "max")


async def test_a_store_that_comes_later_is_found(tmp_path):
    settings = EmbeddedSettings(path=str(tmp_path / "points.db"))
    late = LateStore(settings)
    with pytest.raises(StoreUnavailable):
        await late.query(FASTEST, WINDOW)
    store = await open_store(settings)
    await store.write([Point(TruckPosition(device="t", at=NOW, latitude=30, longitude=120, speed_kmh=51))])
    table = await late.query(FASTEST, WINDOW)
    assert [row[1] for row in table.rows] == [51.0]
    await late.close()
    await store.close()


async def test_a_store_in_a_folder_that_is_not_there_is_unavailable_and_not_a_crash(tmp_path):
    late = LateStore(EmbeddedSettings(path=str(tmp_path / "absent" / "points.db")))
    with pytest.raises(StoreUnavailable):
        await late.query(FASTEST, WINDOW)
    await late.close()
