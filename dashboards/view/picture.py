"""A panel and its answers become a picture: HTML, or data for a chart, a timeline or a map. Pure; no browser needed.

The same picture serves every screen that looks at the same panel in the same language.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from html import escape
from typing import Any

from cloud_ingest.stores.store import Table
from dashboards.panels import BarGauge, MapView, Panel, Stat, StateTimeline, TableView, TimeSeries
from dashboards.states import Language, Words
from dashboards.view.bars import draw_bars
from dashboards.view.chart import draw_chart
from dashboards.view.county_map import draw_map
from dashboards.view.look import Look
from dashboards.view.rows import draw_rows
from dashboards.view.stat import draw_stat
from dashboards.view.timeline import draw_timeline

Picture = dict[str, Any]


def picture(panel: Panel, tables: Sequence[Table], look: Look, now: datetime, span_s: float) -> Picture:
    """Draw a panel from the answers to its queries, in order. `kind` tells the page's script what to do with it."""
    drawn = _drawn(panel, tables, look, now, span_s) if any(table.rows for table in tables) else None
    return drawn or {"kind": "html", "html": nothing(panel.frame.no_value, look.language)}


def _drawn(panel: Panel, tables: Sequence[Table], look: Look, now: datetime, span_s: float) -> Picture | None:
    """The picture, or None where the rows hold nothing to draw: values all absent, groups all too small."""
    match panel:
        case Stat():
            return {"kind": "html", "html": draw_stat(panel, tables[0], look.language)}
        case BarGauge():
            bars = draw_bars(panel, tables[0])
            return {"kind": "html", "html": bars} if bars else None
        case TableView():
            return {"kind": "html", "html": draw_rows(panel, tables[0], look)}
        case TimeSeries():
            chart = draw_chart(panel, tables, look, now, span_s)
            return {"kind": "chart", **chart} if chart["option"]["series"] else None
        case StateTimeline():
            return {"kind": "timeline", **draw_timeline(panel, tables[0], look, now, span_s)}
        case MapView():
            return {"kind": "map", **draw_map(panel, tables, look)}


def nothing(words: Words, language: Language) -> str:
    """An answer without rows is said in words: an empty panel must not be taken for a broken one, nor for calm."""
    other = words.say("en" if language == "zh" else "zh")
    return f'<div class="nothing"><b>{escape(words.say(language))}</b><small>{escape(other)}</small></div>'
