"""A query in InfluxQL, for our own store and for Grafana's panels: the part that InfluxDB 1.x, 2.x and 3 share.

No SLIMIT, no SELECT INTO, no functions that 3 lacks. Three traps shape the statements, each tried on a real 1.6 server:

- `last(latitude), last(longitude)` are two selections and may come from two points. A selector alone, with plain
  fields beside it, gives them from its own point: `last(gateway), latitude, longitude`; every point has a `gateway`.
- LIMIT 1 in a subquery is not kept to; so the newest points come from `last`, and the conditions on them from outside.
- A point is absent from an answer when all selected fields are absent; so one that every point has is selected too.
"""

# ruff: noqa: S608 - names come from the contract, values are literals made by `text`

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from cloud_ingest.stores.milliseconds import bound_ms
from cloud_ingest.stores.query import CountLatest, Latest, Query, Rows, States, Total, Trend, Variable, Where, choose
from cloud_ingest.stores.store import Window
from devices.contract.columns import PLACE_COLUMNS, column
from devices.contract.readings import Stored, kind_of

#: Written with every point of every kind (see line_protocol): what a query can hold on to.
ALWAYS = PLACE_COLUMNS[0].name


def time_filter(window: Window) -> str:
    """The window as a condition, its edges cut to milliseconds."""
    return f"time >= {bound_ms(window.start)}ms AND time < {bound_ms(window.end)}ms"


def interval(window: Window) -> str:
    """The width of the window's buckets as a duration."""
    return f"{max(1, round(window.every_s * 1000))}ms"


def render(
    query: Query,
    *,
    time_filter: str = "$timeFilter",
    interval: str = "$__interval",
    choices: Mapping[str, str | None] | None = None,
) -> str:
    """One InfluxQL statement.

    Without `choices` it is for Grafana: a Variable becomes `"village" =~ /^${village:regex}$/`, to which Grafana gives
    the viewer's choice, escaped, and `.*` or a list for all. With `choices` it is for `/query`: a chosen value stands
    there as a quoted literal, and one not chosen lets everything pass.

    Answer: Latest and Rows are one flat series of `time`, the tags, the columns (then perhaps `gateway`). Trend and
    States have a series for each combination of tags, Total and CountLatest (`count`) one with one row.
    """
    if choices is not None:
        query = choose(query, choices)
    source = f'"{kind_of(query.kind)}"'
    where = _conditions(query.where)
    match query:
        case Latest():
            names = _names((*query.kind.tags, *query.columns))
            return (
                f"SELECT {names} FROM ({_newest(query.kind, query.columns, query.where, time_filter)}){_outer(query)}"
            )
        case CountLatest():
            newest = _newest(query.kind, (), query.where, time_filter)
            return f'SELECT count("{ALWAYS}") AS "count" FROM ({newest}){_outer(query)}'
        case Rows():
            names = _names((*query.kind.tags, *_certain(query.kind, query.columns)))
            return (
                f"SELECT {names} FROM {source} WHERE {time_filter}{where} ORDER BY time DESC LIMIT {int(query.limit)}"
            )
        case States():
            tags = _names(query.kind.tags)
            return f'SELECT "{query.column}" FROM {source} WHERE {time_filter}{where} GROUP BY {tags}'
        case Trend():
            by = "".join(f', "{name}"' for name in query.by)
            return (
                f'SELECT {query.fn}("{query.column}") AS "{query.column}" FROM {source} WHERE {time_filter}{where} '
                f"GROUP BY time({interval}){by} fill(none)"
            )
        case Total():
            return f'SELECT {query.fn}("{query.column}") AS "{query.column}" FROM {source} WHERE {time_filter}{where}'


def text(value: str) -> str:
    r"""A string literal that stays one, whatever it holds.

    InfluxQL knows the escapes \\, \' and \n; its scanner stops at NUL and takes a carriage return for a line end.
    No stored name holds either, so they become a character that matches nothing.
    """
    kept = value.replace("\x00", "\ufffd").replace("\r", "\ufffd")
    escaped = kept.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n")
    return f"'{escaped}'"


def _newest(kind: type[Stored], names: tuple[str, ...], where: tuple[Where, ...], time_filter: str) -> str:
    """The newest point of each series with the columns that are asked for or compared."""
    fields = dict.fromkeys((*names, *(condition.column for condition in where)))
    selected = "".join(f', "{name}"' for name in fields if name not in (ALWAYS, *kind.tags))
    tags = tuple(condition for condition in where if condition.column in kind.tags)
    return (
        f'SELECT last("{ALWAYS}") AS "{ALWAYS}"{selected} FROM "{kind_of(kind)}" '
        f"WHERE {time_filter}{_conditions(tags)} GROUP BY {_names(kind.tags)}"
    )


def _outer(query: Latest | CountLatest) -> str:
    """The conditions on the newest point. Those on tags hold for a whole series and stand inside already."""
    fields = tuple(condition for condition in query.where if condition.column not in query.kind.tags)
    return _conditions(fields).replace(" AND ", " WHERE ", 1)


def _certain(kind: type[Stored], names: tuple[str, ...]) -> tuple[str, ...]:
    """The columns, and one that every point has if none of them is such."""
    if any(column(kind, name).required or name in {place.name for place in PLACE_COLUMNS} for name in names):
        return names
    return (*names, ALWAYS)


def _conditions(where: tuple[Where, ...]) -> str:
    return "".join(f" AND {_condition(condition)}" for condition in where)


def _condition(condition: Where) -> str:
    name, operator, value = condition.column, condition.operator, condition.value
    match value:
        case Variable():
            return f'"{name}" =~ /^${{{value.name}:regex}}$/'
        case bool():
            wanted = value if operator == "=" else not value
            # A subquery takes an absent truth value for false; but absent does not equal absent.
            return f'"{name}" = true' if wanted else f'"{name}" = false AND "{name}" = "{name}"'
        case str():
            return f'"{name}" {operator} {text(value)}'
        case _:
            # No exponents: InfluxQL cannot read them.
            return f'"{name}" {operator} {Decimal(repr(value)):f}'


def _names(names: tuple[str, ...]) -> str:
    return ", ".join(f'"{name}"' for name in names)
