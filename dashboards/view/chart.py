"""Lines over time as an ECharts option; the page's script adds what only a browser can do (formatting on hover)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from cloud_ingest.stores.store import Table
from dashboards.panels import TimeSeries
from dashboards.states import LINES, PALETTE
from dashboards.view.look import Look
from dashboards.view.wording import is_number, unit_text, wall_ms

#: More lines than this cannot be told apart; the ones with the highest last value stay, and the chart says so.
MOST_LINES = 12
#: A gap of more than so many empty buckets is drawn as a gap: a line across it would invent readings.
_BRIDGED = 6

Points = list[tuple[datetime, float]]


def draw_chart(panel: TimeSeries, tables: Sequence[Table], look: Look, now: datetime, span_s: float) -> dict[str, Any]:
    """The option, the unit and how many lines were left out. With `least_group` the last table holds the counts."""
    lines: dict[str, Points] = {}
    for line, table in zip(panel.lines, tables, strict=False):
        named = line.label.say(look.language)
        for tags, points in _split(table, line.query.column, line.query.by).items():
            name = " ".join((*tags, named)) if tags and len(panel.lines) > 1 else " ".join(tags) or named
            lines[name] = points
    if panel.least_group:
        lines = _large_groups(panel, lines, tables[-1])
    shown = sorted(lines, key=lambda name: (-lines[name][-1][1] if lines[name] else 0, name))[:MOST_LINES]
    return {
        "option": _option(panel, {name: lines[name] for name in sorted(shown)}, look.zone, now, span_s),
        "unit": unit_text(panel.scale.unit),
        "decimals": panel.scale.decimals,
        "left_out": len(lines) - len(shown),
    }


def _split(table: Table, value: str, by: tuple[str, ...]) -> dict[tuple[str, ...], Points]:
    """The rows of an answer by their tags."""
    at = {name: place for place, name in enumerate(table.columns)}
    lines: dict[tuple[str, ...], Points] = {}
    for row in table.rows:
        if is_number(row[at[value]]):
            lines.setdefault(tuple(str(row[at[tag]]) for tag in by), []).append((row[at["time"]], row[at[value]]))
    for points in lines.values():
        points.sort()
    return lines


def _large_groups(panel: TimeSeries, lines: dict[str, Points], counts: Table) -> dict[str, Points]:
    """Only the buckets that enough measurements stand behind: a count's own, a mean's by the table of counts."""
    least = panel.least_group
    if panel.counts:
        large = {name: [point for point in points if point[1] >= least] for name, points in lines.items()}
    else:
        times = {row[0] for row in counts.rows if row[-1] >= least}
        large = {name: [point for point in points if point[0] in times] for name, points in lines.items()}
    return {name: points for name, points in large.items() if points}


def _option(
    panel: TimeSeries, lines: dict[str, Points], zone: ZoneInfo, now: datetime, span_s: float
) -> dict[str, Any]:
    bars = panel.style == "bars"
    every_s = _bucket(lines)
    if bars:
        lines = _side_by_side(lines)
    return {
        "color": list(LINES),
        "animation": False,
        "useUTC": True,
        "aria": {"enabled": True},
        "grid": {"left": 10, "right": 18, "top": 14, "bottom": 34, "containLabel": True},
        "tooltip": {"trigger": "axis", "confine": True, "order": "valueDesc"},
        "legend": {"type": "scroll", "bottom": 0, "icon": "roundRect", "itemHeight": 4, "itemWidth": 14},
        "xAxis": {
            "type": "time",
            "min": wall_ms(now - timedelta(seconds=span_s), zone),
            "max": wall_ms(now, zone),
        },
        "yAxis": {
            "type": "value",
            "min": panel.scale.lowest,
            "max": panel.scale.highest,
            "scale": panel.scale.lowest is None,
        },
        "series": [
            {
                "name": name,
                "type": "bar" if bars else "line",
                "showSymbol": len(points) == 1,
                "symbolSize": 7,
                "data": _with_gaps(points, every_s, zone)
                if not bars
                else [[wall_ms(at, zone), _short(v)] for at, v in points],
                **({"stack": "all", "barMaxWidth": 26} if bars else {"lineStyle": {"width": 2}}),
                **_limits(panel, position),
            }
            for position, (name, points) in enumerate(lines.items())
        ],
    }


def _limits(panel: TimeSeries, position: int) -> dict[str, Any]:
    """Lines where a level begins, drawn once."""
    steps = [step for step in panel.scale.steps if step.at is not None]
    if position or not steps:
        return {}
    return {
        "markLine": {
            "silent": True,
            "symbol": "none",
            "animation": False,
            "label": {"show": False},
            "data": [
                {"yAxis": step.at, "lineStyle": {"color": PALETTE[step.level], "type": "dashed", "opacity": 0.6}}
                for step in steps
            ],
        }
    }


def _bucket(lines: dict[str, Points]) -> float:
    """The width of the answer's buckets, from the answer: the smallest step between two points."""
    steps = [
        (later[0] - earlier[0]).total_seconds() for points in lines.values() for earlier, later in pairwise(points)
    ]
    return min(steps, default=0.0)


def _side_by_side(lines: dict[str, Points]) -> dict[str, Points]:
    """Every line with a value at every time: ECharts stacks bars by their position in the list, not by their time."""
    times = sorted({at for points in lines.values() for at, _ in points})
    filled: dict[str, Points] = {}
    for name, points in lines.items():
        known = dict(points)
        filled[name] = [(at, known.get(at, 0)) for at in times]
    return filled


def _with_gaps(points: Points, every_s: float, zone: ZoneInfo) -> list[list[Any]]:
    """Points for a line, with an empty one wherever readings stopped for longer than a few buckets."""
    drawn: list[list[Any]] = []
    before: datetime | None = None
    for at, value in points:
        if before and every_s and (at - before).total_seconds() > max(every_s * _BRIDGED, 90):
            drawn.append([wall_ms(before + timedelta(seconds=every_s), zone), None])
        drawn.append([wall_ms(at, zone), _short(value)])
        before = at
    return drawn


def _short(value: float) -> float:
    """Four significant digits: no screen shows more, and the wire carries less."""
    return float(f"{value:.4g}") if abs(value) < 10_000 else round(value)
