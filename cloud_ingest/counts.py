"""What the ingest counts about itself since its start: written by the pipeline, read by health and metrics.

Plain numbers, because they are touched for every message; `cloud_ingest.metrics` turns them into Prometheus' words.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, deque

#: Upper bounds of the lag histogram's buckets, seconds.
LAG_BOUNDS_S = (0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0, 15.0, 60.0, 300.0, 3600.0, 86400.0)


class Lag:
    """A histogram since the start (the last bucket is everything above), and the newest values for percentiles."""

    def __init__(self) -> None:
        self.buckets = [0] * (len(LAG_BOUNDS_S) + 1)
        self.sum_s = 0.0
        self._recent: deque[float] = deque(maxlen=4096)

    def note(self, seconds: float) -> None:
        """Add one lag; a device whose clock is ahead has none."""
        seconds = max(seconds, 0.0)
        self.buckets[bisect_left(LAG_BOUNDS_S, seconds)] += 1
        self.sum_s += seconds
        self._recent.append(seconds)

    def recent_ms(self) -> tuple[float, float] | None:
        """Median and 99th percentile in milliseconds of what was noted since the last call; None for nothing."""
        if not self._recent:
            return None
        ordered = sorted(self._recent)
        self._recent.clear()
        return ordered[len(ordered) // 2] * 1000, ordered[len(ordered) * 99 // 100] * 1000


class Counts:
    """Everything counted. Readings are by kind, quarantined by cause, alerts by rule."""

    def __init__(self) -> None:
        self.messages = 0
        self.readings: Counter[str] = Counter()
        self.stored = 0
        self.quarantined: Counter[str] = Counter()
        self.unregistered = 0
        self.unsynchronised = 0
        self.alerts: Counter[str] = Counter()
        self.receipts = 0
        self.duplicates = 0
        self.gaps = 0
        self.in_flight = 0
        self.in_flight_bytes = 0
        self.connections = 0
        self.connected = False
        self.paused = False
        self.store_up = True
        self.store_writes = 0
        self.store_write_s = 0.0
        self.store_failures = 0
        self.registry_version = ""
        self.registry_devices = 0
        self.registry_refused = 0
        self.quarantine_items = 0
        self.quarantine_bytes = 0
        self.quarantine_dropped = 0
        #: From the device's time to the store, and from the gateway's sending to the store: of each message's last.
        self.lag_at = Lag()
        self.lag_sent = Lag()
