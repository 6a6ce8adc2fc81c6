"""A bar per device, the highest first, with its number beside it."""

from __future__ import annotations

from html import escape

from cloud_ingest.stores.store import Table
from dashboards.panels import BarGauge, Scale
from dashboards.states import PALETTE
from dashboards.view.wording import is_number, level_of, number, unit_text, warning_sign


def _reach(values: list[float], scale: Scale) -> float:
    """Where a bar is full: at the highest value, but not below the first level that matters; small stays small."""
    first = next((step.at for step in scale.steps if step.at), 0.0)
    return max(*values, first) if values else first


def draw_bars(panel: BarGauge, table: Table) -> str:
    """HTML meters, which a screen reader reads as such; "" where no device has a value."""
    device, place = table.columns.index("device"), table.columns.index(panel.column)
    rows = sorted(
        ((str(row[device]), float(row[place])) for row in table.rows if is_number(row[place])),
        key=lambda row: (-row[1], row[0]),
    )
    if not rows:
        return ""
    scale = panel.scale
    low = scale.lowest or 0
    high = scale.highest if scale.highest is not None else _reach([value for _, value in rows], scale)
    unit = unit_text(scale.unit)
    parts = []
    for name, value in rows:
        share = min(max((value - low) / (high - low), 0), 1) if high > low else 0
        level = level_of(value, scale)
        parts.append(
            f'<li style="--c:{PALETTE[level]};--w:{share:.1%}"><span class="name">{escape(name)}</span>'
            f'<span class="track" role="meter" aria-valuenow="{value:g}"'
            f' aria-valuemin="{low:g}" aria-valuemax="{high:g}"'
            f' aria-label="{escape(name, quote=True)}"><i></i></span>'
            f"<span class=value>{warning_sign(level)}{escape(number(value, scale))} {escape(unit)}</span></li>"
        )
    return f'<ul class="bars">{"".join(parts)}</ul>'
