"""The ingest on itself: gauges for the metrics, and every ten seconds a reading into the store."""

from __future__ import annotations

import asyncio
import os
from datetime import datetime
from pathlib import Path

from cloud_ingest.counts import Counts
from cloud_ingest.inbox import Inbox
from cloud_ingest.pipeline import Pipeline
from cloud_ingest.quarantine import Quarantine, QuarantineUnavailable
from cloud_ingest.registry import Registry
from cloud_ingest.registry_folder import RegistryFolder
from cloud_ingest.subscriber import Subscriber
from devices.contract.readings import PipelineHealth

_PAGE_MB = os.sysconf("SC_PAGE_SIZE") / 1024 / 1024


class Health:
    """Looks at the parts of one ingest, named by its client id."""

    def __init__(
        self,
        instance: str,
        counts: Counts,
        inbox: Inbox,
        subscriber: Subscriber,
        pipeline: Pipeline,
        quarantine: Quarantine,
    ) -> None:
        self._instance = instance
        self._counts = counts
        self._inbox = inbox
        self._subscriber = subscriber
        self._pipeline = pipeline
        self._quarantine = quarantine
        self._readings_before = 0

    def gauge(self, registry: Registry, folder: RegistryFolder) -> None:
        """Read every part's present state into the counts."""
        counts = self._counts
        counts.in_flight, counts.in_flight_bytes = self._inbox.in_flight, self._inbox.in_flight_bytes
        counts.connected, counts.paused = self._subscriber.connected, self._subscriber.paused
        counts.connections = self._subscriber.connections
        counts.gaps = self._pipeline.gaps()
        counts.registry_version, counts.registry_devices = registry.version, len(registry.devices)
        counts.registry_refused = folder.refused

    async def look_into_quarantine(self) -> None:
        """Read how full it is; unavailable, it stays as it was seen last."""
        try:
            totals = await asyncio.to_thread(self._quarantine.totals)
        except QuarantineUnavailable:
            return
        counts = self._counts
        counts.quarantine_items, counts.quarantine_bytes, counts.quarantine_dropped = totals

    def reading(self, now: datetime, seconds: float) -> PipelineHealth:
        """The reading for the store; `seconds` have passed since the last one."""
        counts = self._counts
        readings = sum(counts.readings.values())
        rate, self._readings_before = (readings - self._readings_before) / seconds, readings
        median_ms, slow_ms = counts.lag_at.recent_ms() or (None, None)
        return PipelineHealth(
            device=self._instance,
            at=now,
            received_messages=counts.messages,
            received_readings=readings,
            stored=counts.stored,
            quarantined=sum(counts.quarantined.values()),
            duplicates=counts.duplicates,
            gaps=counts.gaps,
            in_flight=counts.in_flight,
            alerts=sum(counts.alerts.values()),
            store_up=counts.store_up,
            readings_per_s=round(rate, 1),
            lag_p50_ms=median_ms,
            lag_p99_ms=slow_ms,
            memory_mb=_memory_mb(),
        )


def _memory_mb() -> float | None:
    """Resident memory of this process, where the system says so."""
    try:
        return round(int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * _PAGE_MB, 1)
    except (OSError, ValueError, IndexError):
        return None
