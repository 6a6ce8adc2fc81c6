"""Points into the embedded store's tables, inside the caller's transaction: rows, series, open rollups, retention.

A point written again overwrites itself field by field: what the later writing leaves out keeps its value, because that
is what InfluxDB does, and both stores must answer alike.
"""

# ruff: noqa: S608 - names come from the contract, values are bound

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from functools import cache
from operator import attrgetter
from typing import Any

from cloud_ingest.stores.milliseconds import to_ms
from cloud_ingest.stores.rollups import HALF_HOUR_MS, open_table, reopen, rollup_table, widths
from cloud_ingest.stores.schema import fields, key, series_table, table
from cloud_ingest.stores.store import Point, Rejected
from devices.contract.readings import KINDS, Stored

Row = tuple[Any, ...]

#: What a value can do that only this store sees: break a constraint, not fit 64 bits, not be UTF-8, not be a value.
_REFUSED = (sqlite3.IntegrityError, OverflowError, UnicodeEncodeError, sqlite3.ProgrammingError, sqlite3.InterfaceError)


def insert(connection: sqlite3.Connection, points: Sequence[Point]) -> list[Rejected]:
    """Write the points; those that break a constraint are left out and returned, in order of position."""
    by_kind: dict[type[Stored], list[int]] = {}
    for position, point in enumerate(points):
        by_kind.setdefault(type(point.fact), []).append(position)
    rejected: list[Rejected] = []
    for kind, positions in by_kind.items():
        to_row = _row_maker(kind)
        rows = [to_row(points[position]) for position in positions]
        refused = _insert_rows(connection, kind, rows)
        rejected += [Rejected(positions[index], reason) for index, reason in refused.items()]
        kept = [row[: len(kind.tags) + 1] for index, row in enumerate(rows) if index not in refused]
        _note_series(connection, kind, kept)
        reopen(connection, kind, kept)
    return sorted(rejected)


def delete_older(connection: sqlite3.Connection, cutoff_ms: int) -> None:
    """Delete all points before the half-hour of the cutoff, their rollups, and the series that have none left."""
    cutoff_ms -= cutoff_ms % HALF_HOUR_MS
    for kind in KINDS.values():
        old = [table(kind)]
        for width in widths(kind):
            old += [rollup_table(kind, width), open_table(kind, width)]
        same = " AND ".join(f'r."{tag}" = s."{tag}"' for tag in kind.tags)
        for name in old:
            connection.execute(
                f'DELETE FROM {name} WHERE ({key(kind)}, "at") IN (SELECT {key(kind, "r")}, r."at" '
                f"FROM {series_table(kind)} AS s CROSS JOIN {name} AS r ON {same} AND r.at < ?)",
                (cutoff_ms,),
            )
        connection.execute(f"DELETE FROM {series_table(kind)} WHERE at < ?", (cutoff_ms,))


def _insert_rows(connection: sqlite3.Connection, kind: type[Stored], rows: list[Row]) -> dict[int, str]:
    """All at once; where one is refused, one by one to learn which. Index in `rows` to the reason."""
    text = _upsert(kind)
    connection.execute("SAVEPOINT rows")
    try:
        connection.executemany(text, rows)
    except _REFUSED:
        connection.execute("ROLLBACK TO rows")
        return _insert_each(connection, text, rows)
    finally:
        connection.execute("RELEASE rows")
    return {}


def _insert_each(connection: sqlite3.Connection, text: str, rows: list[Row]) -> dict[int, str]:
    refused: dict[int, str] = {}
    for index, row in enumerate(rows):
        try:
            connection.execute(text, row)
        except _REFUSED as error:
            refused[index] = str(error)
    return refused


def _note_series(connection: sqlite3.Connection, kind: type[Stored], moments: list[Row]) -> None:
    """Keep the time of each series' newest point. A moment is (tags..., at)."""
    tags = len(kind.tags)
    newest: dict[Row, int] = {}
    for moment in moments:
        series, at = moment[:tags], moment[tags]
        if newest.get(series, at - 1) < at:
            newest[series] = at
    connection.executemany(
        f"INSERT INTO {series_table(kind)} VALUES ({', '.join('?' * (tags + 1))}) "
        f"ON CONFLICT ({key(kind)}) DO UPDATE SET at = max(at, excluded.at)",
        [(*series, at) for series, at in newest.items()],
    )


@cache
def _upsert(kind: type[Stored]) -> str:
    names = [*kind.tags, "at", *(column.name for column in fields(kind))]
    merge = ", ".join(
        f'"{column.name}" = coalesce(excluded."{column.name}", "{column.name}")' for column in fields(kind)
    )
    listed = ", ".join(f'"{name}"' for name in names)
    return (
        f"INSERT INTO {table(kind)} ({listed}) VALUES ({', '.join('?' * len(names))}) "
        f'ON CONFLICT ({key(kind)}, "at") DO UPDATE SET {merge}'
    )


@cache
def _row_maker(kind: type[Stored]) -> Callable[[Point], Row]:
    """A point as its table's row: tags, time, own fields, place."""
    own = [column.name for column in fields(kind) if column.name in kind.__struct_fields__]
    values = attrgetter(*kind.tags, "at", *own)
    at = len(kind.tags)

    def to_row(point: Point) -> Row:
        fact, gateway, site, village = point
        got = values(fact)
        return (*got[:at], to_ms(got[at]), *got[at + 1 :], gateway, site, village)

    return to_row
