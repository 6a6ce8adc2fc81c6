"""InfluxDB as a Store: line protocol posted by two lanes, questions asked in InfluxQL; the same for 1.x, 2.x and 3.

A device's points always take the same lane, and a lane posts one chunk after the other: what is written later
overwrites what was written earlier, also when two batches of the pipeline are under way at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from cloud_ingest.stores.answers import Answer, answer
from cloud_ingest.stores.influx_server import InfluxServer, Refusal, Series, WritePath
from cloud_ingest.stores.influxql import interval, render, time_filter
from cloud_ingest.stores.line_protocol import Unwritable, encode
from cloud_ingest.stores.milliseconds import bound_ms
from cloud_ingest.stores.query import CountLatest, Latest, Query, Rows, Total, Trend
from cloud_ingest.stores.store import Point, Rejected, StoreUnavailable, Table, Window

#: Measured on 1.6: 5,000 lines and two writers are where more of either gains nothing (docs/adr/0005).
CHUNK_LINES = 5000
LANES = 2
#: Posts that one chunk's search for refused lines may cost; finding 20 in 5,000 takes about 350.
SEARCH_POSTS = 1000
#: Costs the server nothing, but fails where the database is missing, which SHOW MEASUREMENTS does not.
_PING = 'SELECT last("gateway") FROM "pipeline_health" WHERE time >= 0ms AND time < 1ms'


class Line(NamedTuple):
    """A point's place in the written sequence and its line."""

    position: int
    text: bytes


class InfluxStore:
    """A Store on an InfluxDB. The database must exist: `ensure_database` (1.x) or `cloud-ingest setup` (2.x)."""

    def __init__(
        self,
        url: str,
        database: str,
        *,
        token: str = "",
        username: str = "",
        password: str = "",
        write_path: WritePath = "/write",
        org: str = "",
        bucket: str = "",
        timeout_s: float = 10.0,
        patience_s: float = 10.0,
    ) -> None:
        self._database = database
        self._server = InfluxServer(
            url,
            database,
            token=token,
            username=username,
            password=password,
            write_path=write_path,
            org=org,
            bucket=bucket,
            timeout_s=timeout_s,
            patience_s=patience_s,
        )
        # An asyncio.Lock is fair: who asked first writes first.
        self._lanes = tuple(asyncio.Lock() for _ in range(LANES))

    async def write(self, points: Sequence[Point]) -> list[Rejected]:
        """Make all points durable, but for those returned. Raises StoreUnavailable: then write all of them again."""
        lanes, rejected = _lines(points)
        results = await asyncio.gather(
            *(self._write_lane(lock, lines) for lock, lines in zip(self._lanes, lanes, strict=True)),
            return_exceptions=True,
        )
        for result in results:
            if isinstance(result, BaseException):
                raise result
            rejected += result
        return sorted(rejected)

    async def query(self, query: Query, window: Window) -> Table:
        """Answer a query over a window. Raises StoreUnavailable."""
        statement = render(query, time_filter=time_filter(window), interval=interval(window), choices={})
        return _table(query, window, await self._server.ask(statement))

    async def healthy(self) -> bool:
        """Whether the server answers and would serve us: address, database and token in one question."""
        try:
            await self._server.ask(_PING)
        except StoreUnavailable:
            return False
        return True

    async def ensure_database(self) -> None:
        """Create the database on an InfluxDB 1.x; for tests and the demo."""
        quoted = self._database.replace("\\", "\\\\").replace('"', '\\"')
        await self._server.ask(f'CREATE DATABASE "{quoted}"')

    async def close(self) -> None:
        """Close the connections."""
        await self._server.close()

    async def _write_lane(self, lock: asyncio.Lock, lines: list[Line]) -> list[Rejected]:
        rejected: list[Rejected] = []
        if lines:
            async with lock:
                for start in range(0, len(lines), CHUNK_LINES):
                    rejected += await _Chunk(self._server).write(lines[start : start + CHUNK_LINES])
        return rejected


class _Chunk:
    """One chunk's way into the server, with the search for what of it is refused."""

    def __init__(self, server: InfluxServer) -> None:
        self._server = server
        self._posts_left = SEARCH_POSTS

    async def write(self, lines: list[Line]) -> list[Rejected]:
        """Post the lines; where some are refused, halve until they stand alone.

        A search that grows too long ends: what is still in question is returned too, with a reason that says so. Its
        good points are stored as well by then (a partial write keeps them), and a replay overwrites them.
        """
        refusal = await self._server.post(b"\n".join(line.text for line in lines))
        self._posts_left -= 1
        if refusal is None:
            return []
        if len(lines) == 1 or refusal.dropped == len(lines):
            return [Rejected(line.position, refusal.reason) for line in lines]
        if self._posts_left <= 0:
            return [Rejected(line.position, _unsearched(refusal, len(lines))) for line in lines]
        half = len(lines) // 2
        return await self.write(lines[:half]) + await self.write(lines[half:])


def _unsearched(refusal: Refusal, lines: int) -> str:
    return f"one of {lines} points that were not tried alone: {refusal.reason}"


def _lines(points: Sequence[Point]) -> tuple[list[list[Line]], list[Rejected]]:
    """The points as lines in their devices' lanes, and those that cannot be lines."""
    lanes: list[list[Line]] = [[] for _ in range(LANES)]
    rejected: list[Rejected] = []
    for position, point in enumerate(points):
        try:
            line = encode(point)
        except Unwritable as error:
            rejected.append(Rejected(position, str(error)))
        else:
            lanes[hash(point.fact.device) % LANES].append(Line(position, line))
    return lanes, rejected


def _table(query: Query, window: Window, answered: list[Series]) -> Table:
    """The series as the query's table, in the order that every store keeps."""
    shape = answer(query)
    if isinstance(query, Total | CountLatest):
        return Table(shape.columns, _single(query, window, shape, answered))
    rows = [shape.row(row) for series in answered for row in _flat(series, shape)]
    tags = len(query.by if isinstance(query, Trend) else query.kind.tags)
    return Table(shape.columns, sorted(rows, key=_order(query, tags)))


def _flat(series: Series, shape: Answer) -> list[tuple[Any, ...]]:
    """The series' rows with the values in the answer's order, tags of the series among them."""
    names = [*series.columns, *series.tags]
    tags = tuple(series.tags.values())
    order = [names.index(name) for name in shape.columns]
    return [tuple((*row, *tags)[index] for index in order) for row in series.values]


def _single(query: Total | CountLatest, window: Window, shape: Answer, answered: list[Series]) -> list[tuple[Any, ...]]:
    """One row at the window's start; nothing counted is 0, nothing else of nothing is no row."""
    values = [row[1] for series in answered for row in series.values if row[1] is not None]
    if not values and (isinstance(query, CountLatest) or query.fn == "count"):
        values = [0]
    return [shape.row((bound_ms(window.start), value)) for value in values]


def _order(query: Query, tags: int) -> Callable[[tuple[Any, ...]], Any]:
    """Rows: newest first; everything else oldest first; at the same time by the tags. Latest by the tags alone."""
    if isinstance(query, Rows):
        return lambda row: (-row[0].timestamp(), row[1 : 1 + tags])
    if isinstance(query, Latest):
        return lambda row: row[1 : 1 + tags]
    return lambda row: row[: 1 + tags]
