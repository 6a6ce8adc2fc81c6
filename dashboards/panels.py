"""What a panel is, before anybody draws it: frozen definitions behind both Grafana's JSON and the built-in view.

A panel asks the store's own questions (`cloud_ingest.stores.query`), which check every column against the contract when
the module is imported: a panel that asks for what is not stored does not even load.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from cloud_ingest.stores.query import CountLatest, Latest, Query, Rows, States, Total, Trend
from dashboards import states as look
from dashboards.states import NO_DATA, Level, Words
from devices.contract.columns import column
from devices.contract.readings import Stored

#: Columns of the page's grid; a row of the grid is about 38 pixels in Grafana.
GRID = 24
LookBack = Literal["", "1h", "24h", "7d"]


@dataclass(frozen=True)
class Place:
    """Where a panel stands on the grid of 24 columns: left, top, width, height."""

    x: int
    y: int
    w: int
    h: int


@dataclass(frozen=True)
class Frame:
    """What every panel has. `id` is stable for ever: links and screenshots name it.

    `look_back` fixes the panel's window whatever range the viewer chose (an alert from yesterday is still open at a
    range of 15 minutes); empty: the viewer's range. `link` is the uid of the dashboard with more.
    """

    id: int
    title: Words
    about: Words
    place: Place
    look_back: LookBack = ""
    link: str = ""
    no_value: Words = NO_DATA


@dataclass(frozen=True)
class Step:
    """From this value on (None: from the lowest), a number has this level."""

    at: float | None
    level: Level


@dataclass(frozen=True)
class Scale:
    """How a number is read: its unit (as in the contract), decimals, levels, ends of a bar or axis.

    `small_cell`: a count from 1 to one below it is shown as "< n", so that nobody can be singled out.
    """

    unit: str = ""
    decimals: int = 0
    steps: tuple[Step, ...] = (Step(None, "neutral"),)
    lowest: float | None = 0
    highest: float | None = None
    small_cell: int = 0


@dataclass(frozen=True)
class Stat:
    """One number or one state, large. Several rows (two ingests) are reduced to one by `reduce`."""

    frame: Frame
    query: Total | CountLatest | Latest
    column: str
    scale: Scale = Scale()
    states: look.States | None = None
    reduce: Literal["last", "sum", "max", "min"] = "last"


@dataclass(frozen=True)
class Line:
    """One query of a chart: a line per tag value in its `by`; `label` names the line where `by` is empty."""

    query: Trend
    label: Words


@dataclass(frozen=True)
class TimeSeries:
    """Values over time.

    `least_bucket_s` widens short buckets; buckets of fewer than `least_group` measurements are not drawn: both keep
    one person's blood pressure from being read off a chart.
    """

    frame: Frame
    lines: tuple[Line, ...]
    scale: Scale = Scale()
    style: Literal["line", "bars"] = "line"
    least_bucket_s: float = 0
    least_group: int = 0

    @property
    def counts(self) -> bool:
        """Whether the values are themselves counts of measurements."""
        return all(line.query.fn == "count" for line in self.lines)


@dataclass(frozen=True)
class Cell:
    """One column of a table. The title comes from the contract unless given; `link` opens a dashboard for that device.

    `as_`: text; number (with unit); state (with its family); time (a point in time, shown with its age).
    """

    name: str
    as_: Literal["text", "number", "state", "time"] = "text"
    states: look.States | None = None
    scale: Scale = Scale()
    link: str = ""
    width: int = 0
    title: Words | None = None


@dataclass(frozen=True)
class TableView:
    """Rows of a query.

    `sort` names columns in order of weight, "-" before a name for falling order; a state column sorts by its states'
    ranks, so that what needs a person comes first.
    """

    frame: Frame
    query: Latest | Rows
    cells: tuple[Cell, ...]
    sort: tuple[str, ...] = ()


Shape = Literal["circle", "square", "triangle", "diamond"]


PRESENT = look.State("neutral", "●", Words("Present", "在位"))


@dataclass(frozen=True)
class Layer:
    """Markers of a map: one per row that has a place, shaped by the layer, coloured and titled by `state`.

    Where `state` is empty every marker is shown as `fixed`. A row older than `stale_after_s` is drawn hollow and says
    since when: an old position must not look like a present one.
    """

    words: Words
    query: Latest
    shape: Shape
    state: str = ""
    states: look.States | None = None
    fixed: look.State = PRESENT
    stale_after_s: float = 0
    details: tuple[str, ...] = ()


@dataclass(frozen=True)
class MapView:
    """Devices where they are, over the county's villages and sites; readable without any tile."""

    frame: Frame
    layers: tuple[Layer, ...]


@dataclass(frozen=True)
class StateTimeline:
    """A band per device, coloured and lettered by its state over time.

    A report stands until the next one, but at most `hold_s`: what follows is a gap, because nobody knows.
    """

    frame: Frame
    query: States
    states: look.States
    hold_s: float = 180


@dataclass(frozen=True)
class BarGauge:
    """A bar per device for the newest value of one column, the worst first."""

    frame: Frame
    query: Latest
    column: str
    scale: Scale = Scale()


Panel = Stat | TimeSeries | TableView | MapView | StateTimeline | BarGauge


@dataclass(frozen=True)
class Choice:
    """What the viewer may choose on a dashboard: `name` as in the queries' Variables, its values from a query."""

    name: str
    title: Words
    query: Latest
    column: str


@dataclass(frozen=True)
class Dashboard:
    """One page: one question answered, from general to specific. `uid` is its address for ever."""

    uid: str
    title: Words
    about: Words
    panels: tuple[Panel, ...]
    choices: tuple[Choice, ...] = ()
    span: Literal["15m", "1h", "6h", "24h", "7d"] = "1h"


def queries(panel: Panel) -> tuple[Query, ...]:
    """Every query of a panel, in the order of its targets."""
    match panel:
        case TimeSeries(lines=lines):
            return tuple(line.query for line in lines)
        case MapView(layers=layers):
            return tuple(layer.query for layer in layers)
        case _:
            return (panel.query,)


def answered(query: Query) -> tuple[str, ...]:
    """The columns of a query's answer, in order, as `cloud_ingest.stores.query` promises them."""
    match query:
        case CountLatest():
            return ("time", "count")
        case Total():
            return ("time", query.column)
        case Trend():
            return ("time", *query.by, query.column)
        case States():
            return ("time", *query.kind.tags, query.column)
        case Latest() | Rows():
            return ("time", *query.kind.tags, *query.columns)


def referred(panel: Panel) -> tuple[tuple[Query, tuple[str, ...]], ...]:
    """For each query, the columns of its answer that the panel draws from."""
    match panel:
        case Stat():
            return ((panel.query, (panel.column,)),)
        case BarGauge():
            return ((panel.query, ("device", panel.column)),)
        case StateTimeline():
            return ((panel.query, ("time", "device", panel.query.column)),)
        case TableView():
            sorted_by = tuple(name.removeprefix("-") for name in panel.sort)
            return ((panel.query, (*(cell.name for cell in panel.cells), *sorted_by)),)
        case TimeSeries():
            return tuple((line.query, ("time", *line.query.by, line.query.column)) for line in panel.lines)
        case MapView():
            return tuple(
                (layer.query, ("time", "device", "latitude", "longitude", *_named(layer))) for layer in panel.layers
            )


def title_of(kind: type[Stored], cell: Cell) -> Words:
    """A table column's title: its own, or the contract's."""
    if cell.title:
        return cell.title
    if cell.name == "time":
        return Words("Time", "时间")
    known = column(kind, cell.name)
    return Words(known.en, known.zh)


def _named(layer: Layer) -> tuple[str, ...]:
    return ((layer.state,) if layer.state else ()) + layer.details
