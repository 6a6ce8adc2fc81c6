"""Rows as an HTML table: sorted so that what needs a person comes first, states in words, times with their age."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from html import escape
from typing import Any

from cloud_ingest.stores.store import Table
from dashboards.panels import Cell, TableView, title_of
from dashboards.states import NEVER, PALETTE, state_key, state_of
from dashboards.view.look import Look
from dashboards.view.wording import epoch_ms, is_number, level_of, moment, pill, unit_text, warning_sign
from devices.contract.columns import column

#: What fits a screen and a browser; the panel's count says how many there are.
MOST_ROWS = 200


def draw_rows(panel: TableView, table: Table, look: Look) -> str:
    """The table's HTML. Columns in the other language (`..._en`, `..._zh`) are left out."""
    cells = [cell for cell in panel.cells if not cell.name.endswith("_en" if look.language == "zh" else "_zh")]
    rows = in_order(panel, table)
    at = {name: place for place, name in enumerate(table.columns)}
    head = "".join(
        f'<th scope="col"{_width(cell)} class="{cell.as_}">{_title(panel, cell, look)}</th>' for cell in cells
    )
    body = "".join(
        "<tr>"
        + "".join(f'<td class="{cell.as_}">{_cell(cell, row[at[cell.name]], look)}</td>' for cell in cells)
        + "</tr>"
        for row in rows[:MOST_ROWS]
    )
    more = len(rows) - MOST_ROWS
    rest = f'<p class="more">+ {more}</p>' if more > 0 else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{rest}"


def in_order(panel: TableView, table: Table) -> list[tuple[Any, ...]]:
    """The rows sorted as the panel says; absent values last."""
    rows = list(table.rows)
    ranked = {cell.name: cell.states for cell in panel.cells if cell.states}
    for name in reversed(panel.sort):
        falling = name.startswith("-")
        plain = name.removeprefix("-")
        key = _weight(table.columns.index(plain), ranked.get(plain))
        rows.sort(key=key, reverse=falling)
    return rows


def _weight(place: int, states: Any) -> Callable[[tuple[Any, ...]], tuple[bool, Any]]:  # noqa: ANN401 - a mapping or None
    def weight(row: tuple[Any, ...]) -> tuple[bool, Any]:
        value = row[place]
        if states is not None:
            return (False, state_of(states, value).rank)
        if isinstance(value, datetime):
            value = value.timestamp()
        return (value is None, 0 if value is None else value)

    return weight


def _title(panel: TableView, cell: Cell, look: Look) -> str:
    words = title_of(panel.query.kind, cell)
    unit = "" if cell.as_ != "number" else unit_text(column(panel.query.kind, cell.name).unit)
    return escape(words.say(look.language)) + (f" <small>{escape(unit)}</small>" if unit else "")


def _width(cell: Cell) -> str:
    return f' style="width:{cell.width}px"' if cell.width else ""


def _cell(cell: Cell, value: Any, look: Look) -> str:  # noqa: ANN401 - a table's cell is any value
    if cell.as_ == "time":
        ms = epoch_ms(value)
        return moment(ms, look.zone) if ms is not None else f'<span class="absent">{escape(NEVER.both())}</span>'
    if value is None or value == "":
        return '<span class="absent">–</span>'
    if cell.as_ == "state" and cell.states is not None:
        return pill(state_of(cell.states, state_key(value)), look.language)
    if cell.as_ == "number" and is_number(value):
        level = level_of(value, cell.scale)
        decimals = cell.scale.decimals or (0 if isinstance(value, int) or abs(value) >= 100 else 1)
        text = f"{value:,.{decimals}f}"
        return f'<span style="color:{PALETTE[level]}">{warning_sign(level)}{escape(text)}</span>'
    return _text(cell, str(value), look)


def _text(cell: Cell, value: str, look: Look) -> str:
    named = look.villages.get(value) if cell.name == "village" else None
    told = escape(named.say(look.language) if named else value, quote=True)
    shown = f'<span title="{told}">{told}</span>'
    if cell.link:
        return f'<a href="{escape(cell.link)}?device={escape(value, quote=True)}" data-keep>{shown}</a>'
    return shown
