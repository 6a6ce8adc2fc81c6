"""States over time as bands per device; what nobody knows is a gap, not a guess."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from cloud_ingest.stores.store import Table
from dashboards.panels import StateTimeline
from dashboards.states import PALETTE, state_of
from dashboards.view.look import Look
from dashboards.view.wording import wall_ms

#: What fits a panel; devices with the worst newest state stay.
MOST_DEVICES = 40

Band = tuple[datetime, datetime, str]


def draw_timeline(panel: StateTimeline, table: Table, look: Look, now: datetime, span_s: float) -> dict[str, Any]:
    """Devices, and for each its bands: row, start, end (wall-clock ms) and the number of its state in `states`."""
    devices = bands(panel, table, now)
    worst = sorted(devices, key=lambda name: (state_of(panel.states, devices[name][-1][2]).rank, name))[:MOST_DEVICES]
    names = sorted(worst, reverse=True)  # a chart counts its rows from below
    seen = list(dict.fromkeys(state for name in names for *_, state in devices[name]))
    states = [state_of(panel.states, name) for name in seen]
    return {
        "devices": names,
        "left_out": len(devices) - len(names),
        "start": wall_ms(now - timedelta(seconds=span_s), look.zone),
        "end": wall_ms(now, look.zone),
        "states": [
            {"text": f"{state.glyph} {state.words.say(look.language)}", "color": PALETTE[state.level]}
            for state in states
        ],
        "bands": [
            [row, wall_ms(start, look.zone), wall_ms(end, look.zone), seen.index(state)]
            for row, name in enumerate(names)
            for start, end, state in devices[name]
        ],
    }


def bands(panel: StateTimeline, table: Table, now: datetime) -> dict[str, list[Band]]:
    """Reports joined to bands: one state until the next report, but no longer than the panel's `hold_s`."""
    time, device, value = (table.columns.index(name) for name in ("time", "device", panel.query.column))
    hold = timedelta(seconds=panel.hold_s)
    devices: dict[str, list[Band]] = {}
    for row in sorted(table.rows, key=lambda row: row[time]):
        at, state = row[time], str(row[value])
        drawn = devices.setdefault(str(row[device]), [])
        if drawn:
            start, end, before = drawn[-1]
            if before == state and at <= end:
                drawn[-1] = (start, min(at + hold, now), before)
                continue
            drawn[-1] = (start, min(end, at), before)
        drawn.append((at, max(min(at + hold, now), at), state))
    return devices
