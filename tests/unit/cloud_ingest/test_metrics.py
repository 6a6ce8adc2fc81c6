"""The counts as Prometheus reads them, and the health of the process."""

from __future__ import annotations

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from cloud_ingest.counts import Counts
from cloud_ingest.metrics import serve


async def asked(port: int, path: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}{path}") as answer:
        return answer.status, await answer.text()


async def test_everything_counted_is_there_in_the_official_format() -> None:
    counts = Counts()
    counts.messages = 3
    counts.readings.update({"truck_position": 40, "blood_pressure": 2})
    counts.quarantined["future"] = 1
    counts.registry_version = "abc"
    counts.lag_at.note(0.07)
    counts.lag_at.note(99999)
    async with serve("127.0.0.1", 0, counts) as port:
        status, text = await asked(port, "/metrics")
    assert status == 200
    values = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert values["ingest_messages_total",] == 3
    assert values["ingest_readings_total", "truck_position"] == 40
    assert values["ingest_quarantined_total", "future"] == 1
    assert values["ingest_registry_info", "abc"] == 1
    assert values["ingest_lag_seconds_bucket", "0.05"] == 0
    assert values["ingest_lag_seconds_bucket", "0.1"] == 1
    assert values["ingest_lag_seconds_bucket", "86400.0"] == 1
    assert values["ingest_lag_seconds_bucket", "+Inf"] == 2
    assert values["ingest_lag_seconds_count",] == 2


async def test_ready_means_that_messages_can_become_rows() -> None:
    counts = Counts()
    async with serve("127.0.0.1", 0, counts) as port:
        assert await asked(port, "/healthz") == (200, "ok\n")
        assert (await asked(port, "/readyz"))[0] == 503
        counts.connected = True
        assert (await asked(port, "/readyz"))[0] == 200
        counts.store_up = False
        assert await asked(port, "/readyz") == (503, '{"broker": true, "store": false}\n')


def test_percentiles_are_of_what_came_since_they_were_asked_last() -> None:
    lag = Counts().lag_at
    assert lag.recent_ms() is None
    for milliseconds in range(1, 101):
        lag.note(milliseconds / 1000)
    median, slow = lag.recent_ms()
    assert (round(median), round(slow)) == (51, 100)
    assert lag.recent_ms() is None


def test_a_device_whose_clock_is_ahead_has_no_lag() -> None:
    lag = Counts().lag_at
    lag.note(-5)
    assert (lag.sum_s, lag.buckets[0]) == (0, 1)
