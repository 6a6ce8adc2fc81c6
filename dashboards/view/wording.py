"""Numbers, units and times as people read them, escaped for HTML."""

from __future__ import annotations

from datetime import datetime
from html import escape
from typing import Any
from zoneinfo import ZoneInfo

from dashboards.panels import Scale
from dashboards.states import PALETTE, Language, Level, State

#: Units of the contract (UCUM) as they are written on a wall.
UNITS = {"Cel": "°C", "MBy": "MB", "By": "B", "deg": "°", "/min": "/min", "/s": "/s"}
_GLYPH: dict[Level, str] = {"critical": "▲", "warning": "!", "notice": "i", "good": "", "neutral": "", "absent": ""}


def unit_text(unit: str) -> str:
    """The unit as written beside a number."""
    return UNITS.get(unit, unit)


def number(value: float, scale: Scale) -> str:
    """A number with its decimals and thousands, without its unit; a small cell's count is not told."""
    if scale.small_cell and 0 < value < scale.small_cell:
        return f"< {scale.small_cell}"
    return f"{value:,.{scale.decimals}f}"


def level_of(value: float, scale: Scale) -> Level:
    """The level of the last step that the value reaches."""
    level: Level = scale.steps[0].level
    for step in scale.steps:
        if step.at is None or value >= step.at:
            level = step.level
    return level


def warning_sign(level: Level) -> str:
    """A glyph beside a number, so that its colour is not the only signal."""
    glyph = _GLYPH[level]
    return f'<span class="sign" aria-hidden="true">{glyph}</span>' if glyph else ""


def pill(state: State, language: Language) -> str:
    """A state: glyph, colour and text in both languages, the viewer's first."""
    first = state.words.say(language)
    second = state.words.say("en" if language == "zh" else "zh")
    other = f"<small>{escape(second)}</small>" if second != first else ""
    return (
        f'<span class="pill" style="--c:{PALETTE[state.level]}">'
        f'<span class="glyph" aria-hidden="true">{escape(state.glyph)}</span>{escape(first)}{other}</span>'
    )


def moment(at_ms: int, zone: ZoneInfo) -> str:
    """A point in time in the county's zone; the page's script adds and keeps its age."""
    at = datetime.fromtimestamp(at_ms / 1000, zone)
    return (
        f'<time datetime="{at.isoformat(timespec="seconds")}" data-ms="{at_ms}">{at:%m-%d %H:%M:%S}</time>'
        f'<small class="age" data-age="{at_ms}"></small>'
    )


def wall_ms(at: datetime, zone: ZoneInfo) -> int:
    """Milliseconds for a chart that draws in UTC, shifted so that its axis reads as the county's clock."""
    offset = zone.utcoffset(at.astimezone(zone))
    return int((at.timestamp() + (offset.total_seconds() if offset else 0)) * 1000)


def epoch_ms(value: Any) -> int | None:  # noqa: ANN401 - a table's cell is any value
    """Milliseconds since 1970 of a time, or of a column that holds them."""
    if isinstance(value, datetime):
        return int(value.timestamp() * 1000)
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def is_number(value: Any) -> bool:  # noqa: ANN401 - a table's cell is any value
    """Whether a cell can be read as a quantity."""
    return isinstance(value, int | float) and not isinstance(value, bool)
