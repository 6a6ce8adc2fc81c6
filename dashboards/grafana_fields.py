"""How values look in Grafana: units, thresholds, mappings of states, one override per column."""

from __future__ import annotations

from dashboards.grafana_sdk import model
from dashboards.panels import Cell, Scale, TableView, title_of
from dashboards.states import PALETTE, States, Words

#: Units of the contract as Grafana knows them; what it does not know is written behind the number.
_UNITS = {
    "": "short",
    "km/h": "velocitykmh",
    "s": "s",
    "ms": "ms",
    "Cel": "celsius",
    "MBy": "decmbytes",
    "By": "bytes",
    "deg": "degree",
}
_MOMENT = "time:MM-DD HH:mm:ss"

Override = model.DashboardFieldConfigSourceOverrides


def unit(text: str) -> str:
    """Grafana's name of a unit of the contract."""
    return _UNITS.get(text, f"suffix: {text}")


def defaults(scale: Scale, no_value: Words, states: States | None = None) -> model.FieldConfig:
    """A panel's field defaults."""
    config = model.FieldConfig()
    config.unit = unit(scale.unit)
    config.decimals = scale.decimals
    config.min_val = scale.lowest
    config.max_val = scale.highest
    config.no_value = no_value.both()
    config.thresholds = thresholds(scale)
    config.color = model.FieldColor(mode=model.FieldColorModeId.THRESHOLDS)
    config.mappings = [*(state_mapping(states) if states else ()), *_small_cells(scale)]
    return config


def thresholds(scale: Scale) -> model.ThresholdsConfig:
    """Levels as Grafana's absolute thresholds."""
    steps = [model.Threshold(value=step.at, color=PALETTE[step.level]) for step in scale.steps]
    return model.ThresholdsConfig(mode=model.ThresholdsMode.ABSOLUTE, steps=steps)


def state_mapping(states: States) -> list[model.ValueMapping]:
    """Each value with its glyph, its text in both languages and its colour."""
    options = {
        value: model.ValueMappingResult(
            text=f"{state.glyph} {state.words.both()}", color=PALETTE[state.level], index=position
        )
        for position, (value, state) in enumerate(states.items())
    }
    return [model.ValueMap(options=options)]


def named(column: str, **properties: object) -> Override:
    """An override for one column."""
    return Override(
        matcher=model.MatcherConfig(id_val="byName", options=column),
        properties=[
            model.DynamicConfigValue(id_val=name.replace("__", "."), value=value) for name, value in properties.items()
        ],
    )


def column_override(panel: TableView, cell: Cell) -> Override:
    """A table's column: title in both languages, unit, states, width."""
    properties: dict[str, object] = {"displayName": title_of(panel.query.kind, cell).both()}
    if cell.width:
        properties["custom__width"] = round(cell.width * 1.25)
    if cell.as_ == "time":
        properties["unit"] = _MOMENT
    if cell.as_ == "state" and cell.states:
        properties["mappings"] = state_mapping(cell.states)
        properties["custom__cellOptions"] = {"type": "color-text"}
    if cell.as_ == "number":
        properties |= {"unit": unit(cell.scale.unit), "decimals": cell.scale.decimals}
        if len(cell.scale.steps) > 1:
            properties |= {"thresholds": thresholds(cell.scale), "custom__cellOptions": {"type": "color-text"}}
    return named("Time" if cell.name == "time" else cell.name, **properties)


def _small_cells(scale: Scale) -> list[model.ValueMapping]:
    if not scale.small_cell:
        return []
    text = model.ValueMappingResult(text=f"< {scale.small_cell}", index=0)
    return [model.RangeMap(options=model.DashboardRangeMapOptions(from_val=1, to=scale.small_cell - 1, result=text))]
