"""The store that needs no server: one SQLite file, for a fresh machine, a small site and the tests.

A write is one transaction with `synchronous=FULL`: when it returns, the points survive a power cut, which is what the
receipt promises. One thread writes and one reads, each with its own connection, so that a long query does not hold up
the pipeline; other processes may read the file at the same time (`read_only`).
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any, Self, TypeVar

from cloud_ingest.stores.answers import answer
from cloud_ingest.stores.milliseconds import to_ms
from cloud_ingest.stores.query import Query, Total
from cloud_ingest.stores.rollups import prepare_rollups, roll_up
from cloud_ingest.stores.schema import prepare
from cloud_ingest.stores.sql import statement
from cloud_ingest.stores.store import Point, Rejected, StoreMisconfigured, StoreUnavailable, Table, Window
from cloud_ingest.stores.writing import delete_older, insert
from devices.contract.readings import KINDS

T = TypeVar("T")

#: How often points past their retention are looked for.
_RETENTION_EVERY = timedelta(minutes=5)
#: How many points are written between two looks for stretches to roll up.
_ROLL_UP_EVERY_POINTS = 5000


class EmbeddedStore:
    """A Store in one SQLite file; made by `EmbeddedStore.open`."""

    def __init__(
        self,
        path: Path,
        writer: sqlite3.Connection | None,
        reader: sqlite3.Connection,
        retention: timedelta | None,
        now: Callable[[], datetime],
    ) -> None:
        self._path = path
        self._writer = writer
        self._reader = reader
        self._retention = retention
        self._now = now
        self._next_retention = now()
        self._points_until_rollup = 0
        self._writing = ThreadPoolExecutor(1, thread_name_prefix="store-write")
        self._reading = ThreadPoolExecutor(1, thread_name_prefix="store-read")

    @classmethod
    async def open(
        cls,
        path: Path,
        *,
        read_only: bool = False,
        retention_days: float | None = None,
        lock_wait_s: float = 5.0,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> Self:
        """Open the file, created and brought to the present contract unless `read_only`.

        Raises StoreMisconfigured where the folder is missing or a newer release wrote the file, StoreUnavailable
        where it is locked for `lock_wait_s`, unreadable or, for a reader, not there yet.
        """
        retention = None if retention_days is None else timedelta(days=retention_days)
        writer, reader = await asyncio.to_thread(_connect_both, path, read_only, lock_wait_s)
        return cls(path, writer, reader, retention, now)

    async def write(self, points: Sequence[Point]) -> list[Rejected]:
        """Make all points durable, but for those returned. Raises StoreUnavailable: then write all of them again."""
        return await self._in(self._writing, lambda: self._write(points))

    async def query(self, query: Query, window: Window) -> Table:
        """Answer a query over a window. Raises StoreUnavailable."""
        return await self._in(self._reading, lambda: self._query(query, window))

    async def healthy(self) -> bool:
        """Whether the file can be read now."""
        try:
            await self._in(self._reading, lambda: self._reader.execute("SELECT 1 FROM sqlite_master").fetchone())
        except StoreUnavailable:
            return False
        return True

    async def close(self) -> None:
        """Finish what is running and close the file; closing twice is harmless."""
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self._writing.shutdown()
        self._reading.shutdown()
        self._reader.close()
        if self._writer is not None:
            self._writer.close()

    async def _in(self, thread: ThreadPoolExecutor, work: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(thread, work)
        except sqlite3.Error as error:
            raise StoreUnavailable(f"{self._path}: {error}") from error

    def _write(self, points: Sequence[Point]) -> list[Rejected]:
        if self._writer is None:
            raise StoreMisconfigured(f"{self._path} was opened to read only")
        now = self._now()
        self._writer.execute("BEGIN IMMEDIATE")
        try:
            rejected = insert(self._writer, points)
            if self._retention is not None and now >= self._next_retention:
                delete_older(self._writer, to_ms(now - self._retention))
                self._next_retention = now + _RETENTION_EVERY
            self._roll_up(self._writer, len(points))
            self._writer.execute("COMMIT")
        except BaseException:
            # After a full disk SQLite has rolled back by itself.
            if self._writer.in_transaction:
                self._writer.execute("ROLLBACK")
            raise
        return rejected

    def _roll_up(self, writer: sqlite3.Connection, written: int) -> None:
        """Now and then, or looking for what is ready would cost small writes more than themselves."""
        self._points_until_rollup -= written
        if self._points_until_rollup <= 0:
            left = [roll_up(writer, kind) for kind in KINDS.values()]
            self._points_until_rollup = 0 if any(left) else _ROLL_UP_EVERY_POINTS

    def _query(self, query: Query, window: Window) -> Table:
        text, parameters = statement(query, window)
        shape = answer(query)
        rows = self._reader.execute(text, parameters).fetchall()
        if isinstance(query, Total) and rows == [(parameters["start"], *(None,) * (len(rows[0]) - 1))]:
            rows = []
        return Table(shape.columns, [shape.row(row) for row in rows])


class _Median:
    """SQLite has no median; InfluxQL's is the mean of the two in the middle, as is the standard library's."""

    def __init__(self) -> None:
        self._values: list[float] = []

    def step(self, value: float | None) -> None:
        if value is not None:
            self._values.append(value)

    def finalize(self) -> float | None:
        return float(median(self._values)) if self._values else None


def _connect_both(
    path: Path, read_only: bool, lock_wait_s: float
) -> tuple[sqlite3.Connection | None, sqlite3.Connection]:
    if not path.parent.is_dir():
        raise StoreMisconfigured(f"{path.parent}: no such folder for the store's file")
    writer = None
    try:
        writer = None if read_only else _connect_writer(path, lock_wait_s)
        return writer, _connect_reader(path, lock_wait_s)
    except sqlite3.Error as error:
        if writer is not None:
            writer.close()
        raise StoreUnavailable(f"{path}: {error}") from error


def _connect_writer(path: Path, lock_wait_s: float) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=lock_wait_s, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA cache_size = -32000")
        connection.execute("PRAGMA wal_autocheckpoint = 4000")
        connection.execute("BEGIN IMMEDIATE")
        prepare(connection)
        for kind in KINDS.values():
            prepare_rollups(connection, kind)
        connection.execute("COMMIT")
    except BaseException:
        connection.close()
        raise
    return connection


def _connect_reader(path: Path, lock_wait_s: float) -> sqlite3.Connection:
    uri = f"{path.resolve().as_uri()}?mode=ro"
    connection = sqlite3.connect(uri, uri=True, timeout=lock_wait_s, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA cache_size = -8000")
        connection.execute("SELECT 1 FROM sqlite_master").fetchone()
        # The standard library's type stubs want an aggregate of their own shape.
        aggregate: Any = _Median
        connection.create_aggregate("median", 1, aggregate)
    except BaseException:
        connection.close()
        raise
    return connection
