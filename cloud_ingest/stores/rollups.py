"""The embedded store's rollups: count, sum, least, greatest and last of each number per device and stretch of time.

    rollup_60_truck_position   device, at, speed_kmh__n, speed_kmh__sum, ..._min, ..._max, ..._last     key (device, at)
    open_60_truck_position     device, at                                                               key (device, at)

A stretch is rolled up once its series has gone on to a later one. Until then, and again from the moment a point in it
is written anew or late, it stands in the open table and is read from the points: so whatever has points is in exactly
one of the two, and a rollup is never counted up, only computed: written twice, a point is in it once.

A rollup must be coarser than its data to be worth its place: by the minute for what comes several times a minute, by
the half-hour for all (a week of them is what a wall screen draws; docs/adr/0005).
"""
# ruff: noqa: S608 - names come from the contract, values are bound

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from functools import cache
from typing import Any

from cloud_ingest.stores.schema import TYPES, fields, key, series_table, table
from devices.contract.columns import Column
from devices.contract.readings import GatewayHealth, PipelineHealth, Stored, TruckPosition, kind_of

MINUTE_MS = 60_000
HALF_HOUR_MS = 1_800_000
_BY_THE_MINUTE = (TruckPosition, GatewayHealth, PipelineHealth)

#: Angles and bit words: their means and sums say nothing, so nobody asks for them over a week.
_NOT_ROLLED = ("latitude", "longitude", "course_deg", "jt808_alarm", "jt808_status")

#: Stretches rolled up by one transaction at most, so that a catching-up gateway does not hold up the pipeline.
AT_ONCE = 2000


@cache
def widths(kind: type[Stored]) -> tuple[int, ...]:
    """The widths in which a kind is rolled up, in milliseconds, narrow first."""
    if not rolled(kind):
        return ()
    return (MINUTE_MS, HALF_HOUR_MS) if kind in _BY_THE_MINUTE else (HALF_HOUR_MS,)


@cache
def rolled(kind: type[Stored]) -> tuple[Column, ...]:
    """The columns of a kind that are rolled up."""
    return tuple(
        column for column in fields(kind) if column.type in ("float", "int") and column.name not in _NOT_ROLLED
    )


def rollup_table(kind: type[Stored], width_ms: int) -> str:
    """The table of the stretches that are rolled up."""
    return f'"rollup_{width_ms // 1000}_{kind_of(kind)}"'


def open_table(kind: type[Stored], width_ms: int) -> str:
    """The table of the stretches that are not."""
    return f'"open_{width_ms // 1000}_{kind_of(kind)}"'


def prepare_rollups(connection: sqlite3.Connection, kind: type[Stored]) -> None:
    """Create or extend a kind's rollup tables. In a file that never had them, all stretches begin open."""
    tags = ", ".join(f'"{tag}" TEXT NOT NULL' for tag in kind.tags)
    for width in widths(kind):
        rollup, opened = rollup_table(kind, width), open_table(kind, width)
        known = {row[1] for row in connection.execute(f"PRAGMA table_info({rollup})")}
        for name in (rollup, opened):
            connection.execute(
                f'CREATE TABLE IF NOT EXISTS {name} ({tags}, "at" INTEGER NOT NULL, '
                f'PRIMARY KEY ({key(kind)}, "at")) STRICT, WITHOUT ROWID'
            )
        for declared in _declared(kind):
            if declared.split()[0].strip('"') not in known:
                connection.execute(f"ALTER TABLE {rollup} ADD COLUMN {declared}")
        if not known:
            connection.execute(
                f'INSERT OR IGNORE INTO {opened} SELECT {key(kind)}, "at" / {width} * {width} FROM {table(kind)}'
            )


def reopen(connection: sqlite3.Connection, kind: type[Stored], moments: Iterable[tuple[Any, ...]]) -> None:
    """Points have been written at these (tags..., at): their stretches are read from the points from now on."""
    written = list(moments)
    for width in widths(kind):
        stretches = {(*moment[:-1], moment[-1] // width * width) for moment in written}
        holds = " AND ".join(f'"{name}" = ?' for name in (*kind.tags, "at"))
        connection.executemany(f"DELETE FROM {rollup_table(kind, width)} WHERE {holds}", stretches)
        marks = ", ".join("?" * (len(kind.tags) + 1))
        connection.executemany(f"INSERT OR IGNORE INTO {open_table(kind, width)} VALUES ({marks})", stretches)


def roll_up(connection: sqlite3.Connection, kind: type[Stored]) -> bool:
    """Roll up stretches that their series has left behind. Whether some may be left to do."""
    left = False
    for width in widths(kind):
        opened = open_table(kind, width)
        same = " AND ".join(f's."{tag}" = o."{tag}"' for tag in kind.tags)
        stretches = connection.execute(
            f"SELECT {key(kind, 'o')}, o.at FROM {opened} AS o CROSS JOIN {series_table(kind)} AS s ON {same} "
            f"AND o.at + {width} <= s.at LIMIT {AT_ONCE}"
        ).fetchall()
        connection.executemany(_roll(kind, width), stretches)
        holds = " AND ".join(f'"{name}" = ?' for name in (*kind.tags, "at"))
        connection.executemany(f"DELETE FROM {opened} WHERE {holds}", stretches)
        left = left or len(stretches) == AT_ONCE
    return left


def _declared(kind: type[Stored]) -> list[str]:
    """The columns of a rollup table after its key. An added one is absent in old stretches: so are its values."""
    return [
        f'"{column.name}__{part}" {part_type or TYPES[column.type]}'
        for column in rolled(kind)
        for part, part_type in (("n", "INTEGER"), ("sum", "REAL"), ("min", ""), ("max", ""), ("last", ""))
    ]


@cache
def _roll(kind: type[Stored], width: int) -> str:
    """Compute one stretch from its points: parameters are its tags and its start.

    total() and not sum(): a sum of whole numbers may overflow, and an error here would be one at every write.
    """
    at = len(kind.tags) + 1
    stretch = " AND ".join(f'{{0}}."{tag}" = ?{index}' for index, tag in enumerate(kind.tags, 1))
    stretch += f" AND {{0}}.at >= ?{at} AND {{0}}.at < ?{at} + {width}"
    parts = [f"?{index}" for index in range(1, at + 1)]
    for column in rolled(kind):
        name = f'"{column.name}"'
        last = (
            f"(SELECT l.{name} FROM {table(kind)} AS l WHERE {stretch.format('l')} AND l.{name} IS NOT NULL "
            "ORDER BY l.at DESC LIMIT 1)"
        )
        parts += [f"count(r.{name})", f"total(r.{name})", f"min(r.{name})", f"max(r.{name})", last]
    return (
        f"INSERT OR REPLACE INTO {rollup_table(kind, width)} SELECT {', '.join(parts)} "
        f"FROM {table(kind)} AS r WHERE {stretch.format('r')}"
    )
