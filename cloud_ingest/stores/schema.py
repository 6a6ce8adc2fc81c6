"""The embedded store's tables, made from the contract: one per kind, and the series that each kind has.

    truck_position       device, at, clock, latitude, ... gateway, site, village    key (device, at)
    series_truck_position device, at                                                key (device)

`at` is in milliseconds; in a series table it is the newest point's, so that the last value of every device is one
seek each, and the table lists the series for queries over all of them. The tables are STRICT: a value of the wrong
type is refused, as InfluxDB refuses a field of another type. A file of an older release gets the columns it lacks.
"""

from __future__ import annotations

import sqlite3
from functools import cache

from cloud_ingest.stores.store import StoreMisconfigured
from devices.contract.columns import PLACE_COLUMNS, Column, columns
from devices.contract.readings import KINDS, Stored, kind_of

#: Rises when a released program would misread the file; columns and tables that are only added do not raise it.
LAYOUT = 1

TYPES = {"float": "REAL", "int": "INTEGER", "bool": "INTEGER", "str": "TEXT"}


@cache
def fields(kind: type[Stored]) -> tuple[Column, ...]:
    """The columns of a kind that are not tags: its own, then the place."""
    return (*(column for column in columns(kind) if not column.tag), *PLACE_COLUMNS)


def table(kind: type[Stored]) -> str:
    """The kind's table."""
    return f'"{kind_of(kind)}"'


def series_table(kind: type[Stored]) -> str:
    """The table of the kind's series and their newest points."""
    return f'"series_{kind_of(kind)}"'


def key(kind: type[Stored], alias: str = "") -> str:
    """The kind's tags, as they stand in a key or a selection."""
    return ", ".join(f'{alias}."{tag}"' if alias else f'"{tag}"' for tag in kind.tags)


def prepare(connection: sqlite3.Connection) -> None:
    """Bring the points' tables to the present contract. Raises StoreMisconfigured for a newer layout."""
    (layout,) = connection.execute("PRAGMA user_version").fetchone()
    if layout > LAYOUT:
        raise StoreMisconfigured(f"the file has layout {layout}, written by a newer release; this one reads {LAYOUT}")
    for kind in KINDS.values():
        _prepare_kind(connection, kind)
    connection.execute(f"PRAGMA user_version = {LAYOUT}")


def _prepare_kind(connection: sqlite3.Connection, kind: type[Stored]) -> None:
    tags = ", ".join(f'"{tag}" TEXT NOT NULL CHECK ("{tag}" <> \'\')' for tag in kind.tags)
    own = ", ".join(_declare(column, column.required) for column in fields(kind))
    connection.execute(
        f'CREATE TABLE IF NOT EXISTS {table(kind)} ({tags}, "at" INTEGER NOT NULL, {own}, '
        f'PRIMARY KEY ({key(kind)}, "at")) STRICT, WITHOUT ROWID'
    )
    connection.execute(
        f'CREATE TABLE IF NOT EXISTS {series_table(kind)} ({tags}, "at" INTEGER NOT NULL, '
        f"PRIMARY KEY ({key(kind)})) STRICT, WITHOUT ROWID"
    )
    present = {row[1] for row in connection.execute(f"PRAGMA table_info({table(kind)})")}
    for column in fields(kind):
        if column.name not in present:
            # NOT NULL would need a value for the old rows; the contract gives a new field a default anyway.
            connection.execute(f"ALTER TABLE {table(kind)} ADD COLUMN {_declare(column, required=False)}")


def _declare(column: Column, required: bool) -> str:
    return f'"{column.name}" {TYPES[column.type]}{" NOT NULL" if required else ""}'
