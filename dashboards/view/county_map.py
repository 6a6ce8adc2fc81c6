"""Devices as markers: shaped by kind, coloured and titled by state, hollow where the position is old."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cloud_ingest.stores.store import Table
from dashboards.panels import Layer, MapView
from dashboards.states import PALETTE, STALE, Language, State, state_of
from dashboards.view.look import Look
from dashboards.view.outlines import Outline, Outlines
from dashboards.view.wording import epoch_ms, is_number, unit_text
from devices.contract.columns import column


def draw_map(panel: MapView, tables: Sequence[Table], look: Look) -> dict[str, Any]:
    """Markers, and a legend of the shapes and states that are on the map now."""
    markers: list[dict[str, Any]] = []
    shapes: dict[str, str] = {}
    states: dict[str, State] = {}
    for layer, table in zip(panel.layers, tables, strict=True):
        at = {name: place for place, name in enumerate(table.columns)}
        for row in table.rows:
            if not (is_number(row[at["latitude"]]) and is_number(row[at["longitude"]])):
                continue
            state = _state(layer, row, at)
            shapes[layer.shape] = layer.words.say(look.language)
            states[state.words.en] = state
            markers.append(_marker(layer, row, at, state, look))
    ordered = sorted(states.values(), key=lambda state: state.rank)
    return {
        "markers": sorted(markers, key=lambda marker: marker["rank"], reverse=True),
        "shapes": shapes,
        "legend": [[state.glyph, f"{state.words.zh} {state.words.en}", PALETTE[state.level]] for state in ordered],
    }


def draw_outlines(outlines: Outlines, language: Language) -> dict[str, Any]:
    """The shapes under the markers, sent once per page."""
    return {
        "villages": [_outline(outline, language) for outline in outlines.villages],
        "sites": [_outline(outline, language) for outline in outlines.sites],
    }


def _state(layer: Layer, row: tuple[Any, ...], at: dict[str, int]) -> State:
    if layer.state and layer.states and row[at[layer.state]] is not None:
        return state_of(layer.states, row[at[layer.state]])
    return layer.fixed


def _marker(
    layer: Layer,
    row: tuple[Any, ...],
    at: dict[str, int],
    state: State,
    look: Look,
) -> dict[str, Any]:
    device = str(row[at["device"]])
    name = _name(row, at, look.language)
    seen_ms = epoch_ms(row[at["time"]]) or 0
    lines = [text for text in (_detail(layer, row, at, name, look) for name in layer.details) if text]
    return {
        "id": f"{layer.shape}/{device}",
        "at": [round(row[at["latitude"]], 6), round(row[at["longitude"]], 6)],
        "shape": layer.shape,
        "color": PALETTE[state.level],
        "glyph": state.glyph,
        "rank": state.rank,
        # A marker that needs a person carries its state's glyph: its colour is not the only signal.
        "sign": layer.state == "state" and state.level in ("critical", "warning"),
        "title": f"{name} ({device})" if name else device,
        "kind": layer.words.say(look.language),
        "state": state.words.both(),
        "lines": lines,
        "seen_ms": seen_ms,
        "stale_after_s": layer.stale_after_s,
        "stale": STALE.both(),
    }


def _name(row: tuple[Any, ...], at: dict[str, int], language: Language) -> str:
    for name in (f"name_{language}", "name_en", "name_zh"):
        if name in at and row[at[name]]:
            return str(row[at[name]])
    return ""


def _detail(layer: Layer, row: tuple[Any, ...], at: dict[str, int], name: str, look: Look) -> str:
    """One line of a marker's text; names stand in its title, times are told by the page's script."""
    value = row[at[name]]
    if value in (None, "") or name.startswith("name_") or name.endswith("_ms"):
        return ""
    known = column(layer.query.kind, name)
    if name == "village":
        value = look.villages[value].say(look.language) if value in look.villages else value
    shown = f"{value:.0f} {unit_text(known.unit)}" if is_number(value) else str(value)
    return f"{known.zh if look.language == 'zh' else known.en}: {shown}"


def _outline(outline: Outline, language: Language) -> dict[str, Any]:
    return {"id": outline.id, "name": outline.words.say(language), "geometry": outline.geometry}
