"""A query in SQLite's language: a statement over the tables of `schema`, and its bound parameters.

Every statement begins at the series table and seeks each series' stretch of the key (CROSS JOIN fixes that order:
left to itself SQLite scans all points; 9.6 s against 2 ms for the last values of 500 devices).
"""

# ruff: noqa: S608 - names come from the contract, values are bound

from __future__ import annotations

from typing import Any, NamedTuple

from cloud_ingest.stores.milliseconds import bound_ms
from cloud_ingest.stores.query import CountLatest, Fn, Latest, Query, Rows, States, Total, Trend, Variable, Where
from cloud_ingest.stores.rollups import open_table, rolled, rollup_table, widths
from cloud_ingest.stores.schema import series_table, table
from cloud_ingest.stores.store import Window
from devices.contract.readings import Stored


class Statement(NamedTuple):
    """SQL with named parameters. The first selected column is `at` in milliseconds."""

    text: str
    parameters: dict[str, Any]


_AGGREGATES: dict[Fn, str] = {
    "mean": "avg(r.{0})",
    "min": "min(r.{0})",
    "max": "max(r.{0})",
    # total() cannot overflow as sum() can; without values it would say 0.
    "sum": "CASE WHEN count(r.{0}) THEN total(r.{0}) END",
    "count": "count(r.{0})",
    "median": "median(r.{0})",
    # SQLite takes a bare column from the row that holds the max() beside it.
    "last": "r.{0}, max(r.at)",
}


def statement(query: Query, window: Window) -> Statement:
    """The statement that answers the query over the window. Variables that were not chosen let everything pass."""
    parameters: dict[str, Any] = {"start": bound_ms(window.start), "end": bound_ms(window.end)}
    where = _conditions(query.where, parameters)
    match query:
        case Latest():
            text = _latest(query, where)
        case CountLatest():
            text = f"SELECT :start, count(*) FROM ({_newest(query.kind, 'r.at', where)})"
        case Rows():
            parameters["limit"] = query.limit
            text = _rows(query, _conditions(query.where, parameters, "b"))
        case States():
            text = (
                f'SELECT r.at, {_names(query.kind.tags)}, r."{query.column}" {_window(query.kind)}{where} '
                f'AND r."{query.column}" IS NOT NULL ORDER BY r.at, {_names(query.kind.tags)}'
            )
        case Trend():
            parameters["every"] = max(1, round(window.every_s * 1000))
            width = _rollup_for(query, parameters)
            text = _trend_of_rollups(query, where, width) if width else _trend(query, where)
        case Total():
            text = f"SELECT :start, {_value(query.fn, query.column)} {_window(query.kind)}{where}"
            text += f' AND r."{query.column}" IS NOT NULL'
    return Statement(text, parameters)


def _conditions(where: tuple[Where, ...], parameters: dict[str, Any], alias: str = "r") -> str:
    """`AND r."speed_kmh" >= :w0 ...`, the values going into `parameters`. An absent value meets no condition."""
    text = ""
    for number, condition in enumerate(where):
        if isinstance(condition.value, Variable):
            continue
        parameters[f"w{number}"] = condition.value
        text += f' AND {alias}."{condition.column}" {condition.operator} :w{number}'
    return text


def _names(names: tuple[str, ...]) -> str:
    return ", ".join(f'r."{name}"' for name in names)


def _same_series(kind: type[Stored], alias: str) -> str:
    return " AND ".join(f'{alias}."{tag}" = s."{tag}"' for tag in kind.tags)


def _window(kind: type[Stored]) -> str:
    """Every point of the window, series by series."""
    return (
        f"FROM {series_table(kind)} AS s CROSS JOIN {table(kind)} AS r "
        f"ON {_same_series(kind, 'r')} AND r.at >= :start AND r.at < :end WHERE TRUE"
    )


def _newest(kind: type[Stored], select: str, where: str) -> str:
    """The newest point of each series, which must then meet `where`."""
    return (
        f"SELECT {select} FROM {series_table(kind)} AS s CROSS JOIN {table(kind)} AS r ON {_same_series(kind, 'r')} "
        f"AND r.at = (SELECT max(b.at) FROM {table(kind)} AS b "
        f"WHERE {_same_series(kind, 'b')} AND b.at >= :start AND b.at < :end) WHERE TRUE{where}"
    )


def _latest(query: Latest, where: str) -> str:
    selected = f"r.at, {_names((*query.kind.tags, *query.columns))}"
    return f"{_newest(query.kind, selected, where)} ORDER BY {_names(query.kind.tags)}"


def _rows(query: Rows, where: str) -> str:
    """The newest of each series first, so that a small limit never reads a whole window; then the newest of those."""
    kind = query.kind
    newest = (
        f"SELECT b.at FROM {table(kind)} AS b WHERE {_same_series(kind, 'b')} AND b.at >= :start AND b.at < :end"
        f"{where} ORDER BY b.at DESC LIMIT :limit"
    )
    return (
        f"SELECT r.at, {_names((*kind.tags, *query.columns))} FROM {series_table(kind)} AS s "
        f"CROSS JOIN {table(kind)} AS r ON {_same_series(kind, 'r')} AND r.at IN ({newest}) "
        f"ORDER BY r.at DESC, {_names(kind.tags)} LIMIT :limit"
    )


def _value(fn: Fn, name: str) -> str:
    return _AGGREGATES[fn].format(f'"{name}"')


def _trend(query: Trend, where: str) -> str:
    by = "".join(f', r."{name}"' for name in query.by)
    return (
        f"SELECT r.at / :every * :every AS bucket{by}, {_value(query.fn, query.column)} {_window(query.kind)}{where} "
        f'AND r."{query.column}" IS NOT NULL GROUP BY bucket{by} ORDER BY bucket{by}'
    )


def _rollup_for(query: Trend, parameters: dict[str, Any]) -> int | None:
    """The widest rollup that the query can be answered from, its whole stretches going into `parameters`."""
    tags_only = all(condition.column in query.kind.tags for condition in query.where)
    # Over several series "last" needs the exact times; a median needs the values.
    possible = query.fn != "median" and (query.fn != "last" or set(query.by) == set(query.kind.tags))
    if not tags_only or not possible or query.column not in {column.name for column in rolled(query.kind)}:
        return None
    for width in reversed(widths(query.kind)):
        first = -(-parameters["start"] // width) * width
        until = parameters["end"] // width * width
        if parameters["every"] % width == 0 and first < until:
            parameters |= {"first": first, "until": until}
            return width
    return None


_PART_AGGREGATES: dict[Fn, str] = {
    "mean": "total(p.sum) / sum(p.n)",
    "min": "min(p.min)",
    "max": "max(p.max)",
    "sum": "total(p.sum)",
    "count": "sum(p.n)",
    "last": "p.last, max(p.at)",
}


def _trend_of_rollups(query: Trend, where: str, width: int) -> str:
    """Rolled-up stretches, and the points of those that are open or cut by the window's edges."""
    kind, name = query.kind, query.column
    rollup, opened = rollup_table(kind, width), open_table(kind, width)
    tags = _names(kind.tags)
    columns = ", ".join(f'r."{name}" AS {part}' for part in ("sum", "min", "max", "last"))
    point = f"SELECT r.at AS at, {tags}, 1 AS n, {columns}"
    there = f'WHERE r."{name}" IS NOT NULL{where}'
    points = f"CROSS JOIN {table(kind)} AS r ON {_same_series(kind, 'r')}"
    series = f"FROM {series_table(kind)} AS s"
    parts = [
        f'SELECT r.at, {tags}, r."{name}__n", r."{name}__sum", r."{name}__min", r."{name}__max", r."{name}__last" '
        f"{series} CROSS JOIN {rollup} AS r ON {_same_series(kind, 'r')} AND r.at >= :first AND r.at < :until "
        f'WHERE r."{name}__n" > 0{where}',
        f"{point} {series} {points} AND r.at >= :start AND r.at < :first {there}",
        f"{point} {series} {points} AND r.at >= :until AND r.at < :end {there}",
        f"{point} FROM {opened} AS s {points} AND r.at >= s.at AND r.at < s.at + {width} "
        f"{there} AND s.at >= :first AND s.at < :until",
    ]
    by = "".join(f', p."{tag}"' for tag in query.by)
    return (
        f"SELECT p.at / :every * :every AS bucket{by}, {_PART_AGGREGATES[query.fn]} "
        f"FROM ({' UNION ALL '.join(reversed(parts))}) AS p GROUP BY bucket{by} ORDER BY bucket{by}"
    )
