"""Windows of time: whole buckets, the newest one filling."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from dashboards.spans import SPANS, window

NOW = datetime(2026, 3, 1, 2, 3, 4, 567_000, tzinfo=UTC)


@pytest.mark.parametrize("span", SPANS.values(), ids=SPANS)
def test_a_window_covers_its_span_and_the_present_in_whole_buckets(span):
    covered = window(span, NOW)
    assert covered.start <= NOW - timedelta(seconds=span.seconds)
    assert NOW < covered.end <= NOW + timedelta(seconds=span.every_s)
    assert covered.start.timestamp() % span.every_s == 0
    assert covered.end.timestamp() % span.every_s == 0


@pytest.mark.parametrize("span", SPANS.values(), ids=SPANS)
def test_a_line_has_between_180_and_400_points(span):
    assert 180 <= span.seconds / span.every_s <= 400


def test_a_panel_may_ask_for_wider_buckets():
    assert window(SPANS["1h"], NOW, 3600).every_s == 3600
    assert window(SPANS["7d"], NOW, 60).every_s == SPANS["7d"].every_s
