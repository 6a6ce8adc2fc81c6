"""The catalogue as Grafana dashboards. Only the `grafana` files know the SDK.

The SDK's builders leave out what links and tests lean on (panel ids, refIds, places, reducers), so the models are
filled in here, every field that matters said outright. Schema 39 is read by Grafana 10.4 to 13.
"""

from __future__ import annotations

import json
from typing import Any, cast

from cloud_ingest.stores.influxql import render
from cloud_ingest.stores.query import CountLatest, Latest, Total, Where
from dashboards.catalogue import CATALOGUE
from dashboards.grafana_fields import Override, column_override, defaults, named, state_mapping
from dashboards.grafana_query import SOURCE_TYPE, SOURCE_UID, Format, InfluxQuery
from dashboards.grafana_sdk import (
    JSONEncoder,
    bargauge,
    common,
    geomap,
    model,
    stat,
    statetimeline,
    table,
    timeseries,
)
from dashboards.panels import (
    BarGauge,
    Choice,
    Dashboard,
    Layer,
    MapView,
    Panel,
    Scale,
    Shape,
    Stat,
    StateTimeline,
    TableView,
    TimeSeries,
    answered,
)
from dashboards.states import PALETTE, Words
from devices.contract.readings import kind_of

SCHEMA = 39
TIME_ZONE = "Asia/Shanghai"
#: Where a Grafana serves the county's outline from: mount the registry's file into its public folder.
OUTLINE = "public/maps/county-villages.geojson"
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_SYMBOLS: dict[Shape, str] = {"circle": "circle", "square": "square", "triangle": "triangle", "diamond": "star"}
_CENTRE = (30.4, 119.95)


def written(page: Dashboard) -> str:
    """A dashboard's file: the same bytes for the same code."""
    return json.dumps(document(page), cls=JSONEncoder, sort_keys=True, indent=1, ensure_ascii=False) + "\n"


def document(page: Dashboard) -> model.Dashboard:
    """A dashboard as the SDK's model."""
    made = model.Dashboard(schema_version=SCHEMA)
    made.uid = page.uid
    made.title = page.title.both()
    made.description = f"{page.about.zh}\n\n{page.about.en}"
    made.tags = ["county"]
    made.timezone = TIME_ZONE
    made.editable = False
    made.graph_tooltip = model.DashboardCursorSync.CROSSHAIR
    made.time = model.DashboardDashboardTime(from_val=f"now-{page.span}", to="now")
    made.timepicker = model.TimePickerConfig(refresh_intervals=["5s", "10s", "30s", "1m", "5m"])
    made.refresh = "5s"
    made.links = [_link(other) for other in CATALOGUE if other is not page]
    made.templating = model.DashboardDashboardTemplating(list_val=[_variable(choice) for choice in page.choices])
    made.panels = [_panel(panel) for panel in page.panels]
    return made


def _link(page: Dashboard) -> model.DashboardLink:
    return model.DashboardLink(
        title=page.title.both(),
        type_val=model.DashboardLinkType.LINK,
        icon="dashboard",
        tooltip=page.about.both(),
        url=f"/d/{page.uid}",
        keep_time=True,
        include_vars=False,
    )


def _variable(choice: Choice) -> model.VariableModel:
    made = model.VariableModel(type_val=model.VariableType.QUERY, name=choice.name)
    made.label = choice.title.both()
    made.query = variable_query(choice)
    made.datasource = _source()
    made.refresh = model.VariableRefresh.ON_TIME_RANGE_CHANGED
    made.sort = model.VariableSort.ALPHABETICAL_ASC
    made.include_all = True
    made.all_value = ".*"
    made.multi = False
    made.current = model.VariableOption(selected=True, text="All", value="$__all")
    return made


def variable_query(choice: Choice) -> str:
    """The values that may be chosen. Grafana takes the first column after the time."""
    within = "time > now() - 1h"
    if choice.column in choice.query.kind.tags:
        return render(choice.query, time_filter=within)
    return f'SELECT DISTINCT("{choice.column}") FROM "{kind_of(choice.query.kind)}" WHERE {within}'  # noqa: S608 - names come from the contract


def _panel(panel: Panel) -> model.Panel:
    frame = panel.frame
    kind, options, fields, overrides = _shape(panel)
    made = model.Panel(type_val=kind)
    made.id_val = frame.id
    made.title = frame.title.both()
    made.description = f"{frame.about.zh}\n\n{frame.about.en}"
    made.datasource = _source()
    made.grid_pos = model.GridPos(x=frame.place.x, y=frame.place.y, w=frame.place.w, h=frame.place.h)
    made.targets = list(targets(panel))
    made.time_from = frame.look_back or None
    made.options = options
    made.field_config = model.FieldConfigSource(defaults=fields, overrides=overrides)
    made.transformations = _transformations(panel)
    if frame.link:
        made.links = [model.DashboardLink(title="→", url=f"/d/{frame.link}", type_val=model.DashboardLinkType.LINK)]
    if isinstance(panel, TimeSeries) and panel.least_bucket_s:
        made.interval = f"{panel.least_bucket_s:.0f}s"
    return made


def _source() -> common.DataSourceRef:
    return common.DataSourceRef(type_val=SOURCE_TYPE, uid=SOURCE_UID)


def targets(panel: Panel) -> tuple[InfluxQuery, ...]:
    """The panel's questions in InfluxQL."""
    match panel:
        case TimeSeries():
            asked = [
                (guarded(panel, position), "time_series", "$tag_device" if line.query.by else line.label.both())
                for position, line in enumerate(panel.lines)
            ]
        case StateTimeline():
            asked = [(render(panel.query), "time_series", "$tag_device")]
        case MapView():
            asked = [(render(layer.query), "table", "") for layer in panel.layers]
        case TableView():
            asked = [(render(query), "table", "") for query in _by_rank(panel)]
        case _:
            asked = [(render(panel.query), "table", "")]
    return tuple(
        InfluxQuery(letter, query, cast(Format, form), alias)
        for letter, (query, form, alias) in zip(_LETTERS, asked, strict=False)
    )


def guarded(panel: TimeSeries, position: int) -> str:
    """A line's query; with a smallest group, only its buckets that enough measurements stand behind."""
    query = panel.lines[position].query
    inner = render(query)
    if not panel.least_group:
        return inner
    name = query.column
    if panel.counts:
        by = ", ".join(f'"{tag}"' for tag in query.by)
        return f'SELECT "{name}" FROM ({inner}) WHERE "{name}" >= {panel.least_group} GROUP BY {by}'  # noqa: S608 - as below
    counted = inner.replace(" FROM ", f', count("{name}") AS "n" FROM ', 1)
    return f'SELECT "{name}" FROM ({counted}) WHERE "n" >= {panel.least_group}'  # noqa: S608 - names come from the contract


def _by_rank(panel: TableView) -> tuple[Any, ...]:
    """Grafana sorts texts by their letters; so where a state's rank leads, each state is asked for by itself."""
    states = _leading_states(panel)
    if states is None:
        return (panel.query,)
    query, leading = cast(Latest, panel.query), panel.sort[0]
    boolean = set(states) == {"true", "false"}
    return tuple(
        Latest(query.kind, query.columns, (*query.where, Where(leading, "=", value == "true" if boolean else value)))
        for value in sorted(states, key=lambda value: states[value].rank)
    )


def _leading_states(panel: TableView) -> Any:  # noqa: ANN401 - a mapping of states or None
    if not panel.sort or not isinstance(panel.query, Latest):
        return None
    return next((cell.states for cell in panel.cells if cell.name == panel.sort[0]), None)


def _transformations(panel: Panel) -> list[model.DataTransformerConfig]:
    if not isinstance(panel, TableView):
        return []
    made = []
    ranked = _leading_states(panel) is not None
    rest = panel.sort[1:] if ranked else panel.sort
    if rest:
        field = rest[0].removeprefix("-")
        by = {"field": "Time" if field == "time" else field, "desc": rest[0].startswith("-")}
        made.append(model.DataTransformerConfig(id_val="sortBy", options={"fields": {}, "sort": [by]}))
    if ranked:
        made.append(model.DataTransformerConfig(id_val="merge", options={}))
    shown = ["Time" if cell.name == "time" else cell.name for cell in panel.cells]
    present = ["Time", *answered(panel.query)[1:], "gateway"]
    hidden = {name: True for name in present if name not in shown}
    order = {name: position for position, name in enumerate(shown)}
    organised = {"excludeByName": hidden, "indexByName": order, "renameByName": {}}
    made.append(model.DataTransformerConfig(id_val="organize", options=organised))
    return made


Made = tuple[str, object, model.FieldConfig, list[Override]]


def _shape(panel: Panel) -> Made:
    """The panel's type, options, field defaults and overrides."""
    match panel:
        case Stat():
            return _stat(panel)
        case TimeSeries():
            return _time_series(panel)
        case TableView():
            return _table(panel)
        case MapView():
            return _map(panel)
        case StateTimeline():
            return _timeline(panel)
        case BarGauge():
            return _bars(panel)


def _stat(panel: Stat) -> Made:
    how = {"last": "lastNotNull", "sum": "sum", "max": "max", "min": "min"}[panel.reduce]
    options = stat.Options(
        graph_mode=common.BigValueGraphMode.NONE,
        color_mode=common.BigValueColorMode.VALUE,
        justify_mode=common.BigValueJustifyMode.CENTER,
        text_mode=common.BigValueTextMode.VALUE,
        reduce_options=common.ReduceDataOptions(calcs=[how], fields=f"/^{panel.column}$/", values=False),
    )
    # A count over no rows is nought; InfluxQL answers it with no row at all.
    counts = isinstance(panel.query, CountLatest) or (isinstance(panel.query, Total) and panel.query.fn == "count")
    empty = Words("0", "0") if counts else panel.frame.no_value
    return "stat", options, defaults(panel.scale, empty, panel.states), []


def _time_series(panel: TimeSeries) -> Made:
    bars = panel.style == "bars"
    options = timeseries.Options(
        legend=common.VizLegendOptions(
            calcs=[],
            display_mode=common.LegendDisplayMode.LIST,
            placement=common.LegendPlacement.BOTTOM,
            show_legend=True,
        ),
        tooltip=common.VizTooltipOptions(mode=common.TooltipDisplayMode.MULTI, sort=common.SortOrder.DESCENDING),
    )
    fields = defaults(panel.scale, panel.frame.no_value)
    fields.color = model.FieldColor(mode=model.FieldColorModeId.PALETTE_CLASSIC)
    levels = (
        common.GraphThresholdsStyleMode.DASHED if len(panel.scale.steps) > 1 else common.GraphThresholdsStyleMode.OFF
    )
    fields.custom = common.GraphFieldConfig(
        draw_style=common.GraphDrawStyle.BARS if bars else common.GraphDrawStyle.LINE,
        line_width=1 if bars else 2,
        fill_opacity=80 if bars else 0,
        show_points=common.VisibilityMode.NEVER if bars else common.VisibilityMode.AUTO,
        span_nulls=False,
        stacking=common.StackingConfig(
            mode=common.StackingMode.NORMAL if bars else common.StackingMode.NONE, group="A"
        ),
        thresholds_style=common.GraphThresholdsStyleConfig(mode=levels),
    )
    return "timeseries", options, fields, []


def _table(panel: TableView) -> Made:
    options = table.Options(show_header=True, cell_height=common.TableCellHeight.SM)
    fields = defaults(Scale(lowest=None), panel.frame.no_value)
    fields.custom = common.TableFieldOptions(align=common.FieldTextAlignment.AUTO, inspect=False)
    return "table", options, fields, [column_override(panel, cell) for cell in panel.cells]


def _map(panel: MapView) -> Made:
    view = geomap.MapViewConfig(id_val=geomap.MapCenterID.FIT, zoom=10, all_layers=True)
    # The SDK types degrees as integers; Grafana reads any number.
    view.lat, view.lon = cast(tuple[int, int], _CENTRE)
    outline = common.MapLayerOptions(
        type_val="geojson",
        name="villages 村庄",
        config={"src": OUTLINE, "rules": [], "style": {"color": {"fixed": PALETTE["absent"]}, "opacity": 0.2}},
        tooltip=False,
    )
    options = geomap.Options(
        view=view,
        controls=geomap.ControlsOptions(show_zoom=True, mouse_wheel_zoom=True, show_attribution=True, show_scale=True),
        basemap=common.MapLayerOptions(type_val="default", name="basemap", config={}),
        layers=[outline, *(_layer(letter, layer) for letter, layer in zip(_LETTERS, panel.layers, strict=False))],
        tooltip=geomap.TooltipOptions(mode=geomap.TooltipMode.DETAILS),
    )
    overrides = [
        named(layer.state, mappings=state_mapping(layer.states))
        for layer in panel.layers
        if layer.state and layer.states
    ]
    unique = {json.dumps(override, cls=JSONEncoder): override for override in overrides}
    return "geomap", options, defaults(Scale(lowest=None), panel.frame.no_value), list(unique.values())


def _layer(letter: str, layer: Layer) -> common.MapLayerOptions:
    colour = (
        {"field": layer.state, "fixed": PALETTE["neutral"]} if layer.state else {"fixed": PALETTE[layer.fixed.level]}
    )
    return common.MapLayerOptions(
        type_val="markers",
        name=layer.words.both(),
        filter_data={"id": "byRefId", "options": letter},
        location=common.FrameGeometrySource(
            mode=common.FrameGeometrySourceMode.COORDS, latitude="latitude", longitude="longitude"
        ),
        config={
            "showLegend": True,
            "style": {
                "color": colour,
                "opacity": 0.9,
                "size": {"fixed": 8, "min": 2, "max": 15},
                "symbol": {"mode": "fixed", "fixed": f"img/icons/marker/{_SYMBOLS[layer.shape]}.svg"},
                # The device's name beside its marker: colour is never the only signal.
                "text": {"mode": "field", "field": "device", "fixed": ""},
                "textConfig": {
                    "fontSize": 11,
                    "offsetX": 0,
                    "offsetY": 14,
                    "textAlign": "center",
                    "textBaseline": "top",
                },
            },
        },
        tooltip=True,
    )


def _timeline(panel: StateTimeline) -> Made:
    options = statetimeline.Options(
        show_value=common.VisibilityMode.AUTO,
        row_height=0.8,
        merge_values=True,
        align_value=common.TimelineValueAlignment.LEFT,
        legend=common.VizLegendOptions(
            calcs=[],
            display_mode=common.LegendDisplayMode.LIST,
            placement=common.LegendPlacement.BOTTOM,
            show_legend=True,
        ),
        tooltip=common.VizTooltipOptions(mode=common.TooltipDisplayMode.SINGLE),
    )
    fields = defaults(Scale(lowest=None), panel.frame.no_value, panel.states)
    # What nobody has reported for so long is a gap, not the last state drawn on and on.
    fields.custom = statetimeline.FieldConfig(
        fill_opacity=80, line_width=0, span_nulls=False, insert_nulls=int(panel.hold_s * 1000)
    )
    return "state-timeline", options, fields, []


def _bars(panel: BarGauge) -> Made:
    options = bargauge.Options(
        display_mode=common.BarGaugeDisplayMode.BASIC,
        value_mode=common.BarGaugeValueMode.COLOR,
        orientation=common.VizOrientation.HORIZONTAL,
        show_unfilled=True,
        reduce_options=common.ReduceDataOptions(calcs=[], fields=f"/^{panel.column}$/", values=True, limit=40),
    )
    return "bargauge", options, defaults(panel.scale, panel.frame.no_value), []
