"""The ingest's counts in Prometheus' words, and whether it is alive and ready, over HTTP.

/metrics   everything counted, for Prometheus
/healthz   200 while the process turns its loop
/readyz    200 while messages can become rows: the broker is connected and the store takes; else 503 with what lacks
"""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector

from cloud_ingest.counts import LAG_BOUNDS_S, Counts, Lag

log = logging.getLogger(__name__)

Family = CounterMetricFamily | GaugeMetricFamily | HistogramMetricFamily


class CountsCollector(Collector):
    """Reads the counts when they are asked for, so that counting costs nothing more than an addition."""

    def __init__(self, counts: Counts) -> None:
        self._counts = counts

    def collect(self) -> Iterator[Family]:
        """Every metric of the ingest."""
        counts = self._counts
        yield _counter("messages", "Messages taken in and acknowledged.", counts.messages)
        yield _labelled("readings", "Readings taken in.", "kind", counts.readings)
        yield _counter("stored_points", "Points written to the store.", counts.stored)
        yield _labelled("quarantined", "Messages and readings put in quarantine.", "cause", counts.quarantined)
        yield _labelled("alerts", "Alerts raised.", "rule", counts.alerts)
        yield _counter("unregistered_readings", "Readings of devices that nobody registered.", counts.unregistered)
        yield _counter("unsynchronised_readings", "Readings whose clock is not to be believed.", counts.unsynchronised)
        yield _counter("duplicate_messages", "Messages that came again.", counts.duplicates)
        yield _counter("receipts", "Receipts sent to gateways.", counts.receipts)
        yield _counter("connections", "Connections to the broker tried.", counts.connections)
        yield _counter(
            "store_failures", "Writes that the store or the quarantine could not take.", counts.store_failures
        )
        yield _counter("store_writes", "Writes to the store.", counts.store_writes)
        yield _counter("store_write_seconds", "Time spent in writes to the store.", counts.store_write_s)
        yield _counter("registry_refused", "Registry edits refused.", counts.registry_refused)
        yield _counter(
            "quarantine_dropped", "Items dropped because the quarantine was full.", counts.quarantine_dropped
        )
        yield _gauge("missing_messages", "Sequence numbers not seen yet.", counts.gaps)
        yield _gauge("in_flight_messages", "Messages delivered and not yet acknowledged.", counts.in_flight)
        yield _gauge("in_flight_bytes", "Their payloads.", counts.in_flight_bytes)
        yield _gauge("paused", "1 while reading from the broker is suspended.", counts.paused)
        yield _gauge("broker_up", "1 while connected and subscribed.", counts.connected)
        yield _gauge("store_up", "1 while the store and the quarantine take.", counts.store_up)
        yield _gauge("quarantine_items", "Items in quarantine.", counts.quarantine_items)
        yield _gauge("quarantine_bytes", "Their size.", counts.quarantine_bytes)
        yield _gauge("registered_devices", "Devices in the registry.", counts.registry_devices)
        yield _version(counts.registry_version)
        yield _histogram("lag_seconds", "From the device's time to the store, a message's last reading.", counts.lag_at)
        yield _histogram("sent_lag_seconds", "From the gateway's sending to the store.", counts.lag_sent)


def _counter(name: str, about: str, value: float) -> CounterMetricFamily:
    return CounterMetricFamily(f"ingest_{name}", about, value=value)


def _gauge(name: str, about: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"ingest_{name}", about, value=float(value))


def _labelled(name: str, about: str, label: str, values: dict[str, int]) -> CounterMetricFamily:
    family = CounterMetricFamily(f"ingest_{name}", about, labels=[label])
    for key, value in sorted(values.items()):
        family.add_metric([key], value)
    return family


def _version(version: str) -> GaugeMetricFamily:
    family = GaugeMetricFamily("ingest_registry_info", "The registry in use.", labels=["version"])
    family.add_metric([version], 1)
    return family


def _histogram(name: str, about: str, lag: Lag) -> HistogramMetricFamily:
    running, buckets = 0, []
    for bound, number in zip((*map(str, LAG_BOUNDS_S), "+Inf"), lag.buckets, strict=True):
        running += number
        buckets.append((bound, float(running)))
    return HistogramMetricFamily(f"ingest_{name}", about, buckets=buckets, sum_value=lag.sum_s)


@asynccontextmanager
async def serve(host: str, port: int, counts: Counts) -> AsyncIterator[int]:
    """Answer on that address while the context lasts; gives the port. Raises OSError where it is taken."""
    registry = CollectorRegistry()
    registry.register(CountsCollector(counts))

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})

    async def alive(_: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def ready(_: web.Request) -> web.Response:
        state = {"broker": counts.connected, "store": counts.store_up}
        return web.Response(
            status=200 if all(state.values()) else 503, text=json.dumps(state) + "\n", content_type="application/json"
        )

    app = web.Application()
    app.add_routes([web.get("/metrics", metrics), web.get("/healthz", alive), web.get("/readyz", ready)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        taken = int(runner.addresses[0][1])
        log.info("metrics and health on http://%s:%d", host, taken)
        yield taken
    finally:
        await runner.cleanup()
