"""The stretches of time that a viewer may choose, and how wide a bucket each gets: about 200 to 350 points a line."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import NamedTuple

from cloud_ingest.stores.store import Window
from dashboards.states import Words


class Span(NamedTuple):
    """A range back from now, the width of its buckets, and how often a picture of it is worth a question."""

    seconds: int
    every_s: float
    refresh_s: float
    words: Words


SPANS: dict[str, Span] = {
    "15m": Span(900, 5, 1, Words("15 min", "15分钟")),
    "1h": Span(3600, 15, 1, Words("1 h", "1小时")),
    "6h": Span(21_600, 60, 5, Words("6 h", "6小时")),
    "24h": Span(86_400, 300, 15, Words("24 h", "24小时")),
    "7d": Span(604_800, 1800, 60, Words("7 d", "7天")),
}


def window(span: Span, now: datetime, every_s: float = 0) -> Window:
    """The span up to now, both ends on a bucket's edge; the newest bucket is the one that is filling."""
    width = max(span.every_s, every_s)
    end = math.floor(now.timestamp() / width + 1) * width
    start = math.floor((now.timestamp() - span.seconds) / width) * width
    return Window(datetime.fromtimestamp(start, UTC), datetime.fromtimestamp(end, UTC), width)
