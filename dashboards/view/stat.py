"""One number or state, large enough to be read across a room."""

from __future__ import annotations

from html import escape

from cloud_ingest.stores.store import Table
from dashboards.panels import Scale, Stat
from dashboards.states import NO_DATA, PALETTE, Language, state_of
from dashboards.view.wording import is_number, level_of, number, unit_text, warning_sign


def draw_stat(panel: Stat, table: Table, language: Language) -> str:
    """The panel's value from the rows of its answer, coloured and signed by its level."""
    place = table.columns.index(panel.column)
    values = [row[place] for row in table.rows if row[place] is not None]
    if not values:
        return f'<div class="stat"><b class="absent">{escape(NO_DATA.say(language))}</b></div>'
    if panel.states is not None:
        # Of several processes the worst state is shown: it is the one that needs a person.
        state = min((state_of(panel.states, value) for value in values), key=lambda state: state.rank)
        other = state.words.say("en" if language == "zh" else "zh")
        return (
            f'<div class="stat" style="--c:{PALETTE[state.level]}"><b class="word">'
            f'<span class="glyph" aria-hidden="true">{escape(state.glyph)}</span>'
            f"{escape(state.words.say(language))}</b>"
            f"<small>{escape(other)}</small></div>"
        )
    return _numeral(reduced([float(value) for value in values if is_number(value)], panel.reduce), panel.scale)


def reduced(values: list[float], how: str) -> float:
    """Several rows as one number."""
    match how:
        case "sum":
            return sum(values)
        case "max":
            return max(values)
        case "min":
            return min(values)
        case _:
            return values[-1]


def _numeral(value: float, scale: Scale) -> str:
    level = level_of(value, scale)
    unit = f"<small>{escape(unit_text(scale.unit))}</small>" if scale.unit else ""
    return (
        f'<div class="stat {level}" style="--c:{PALETTE[level]}">'
        f"<b>{escape(number(value, scale))}{unit}</b>{warning_sign(level)}</div>"
    )
