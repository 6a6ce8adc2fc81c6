"""The protocol that every store keeps, in the words the pipeline uses: stored, rejected, unavailable."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from cloud_ingest.stores.query import Query
from devices.contract.readings import Stored


class Point(NamedTuple):
    """A fact and its place. The place is data, not identity: a device that moves overwrites, never doubles."""

    fact: Stored
    gateway: str = ""
    site: str = ""
    village: str = ""


class Rejected(NamedTuple):
    """A point that the store refuses for ever: its position in the written sequence, and the store's reason."""

    position: int
    reason: str


class StoreUnavailable(Exception):
    """The store cannot take or answer now; nothing of the call can be relied on, and it may be made again."""


class StoreMisconfigured(StoreUnavailable):
    """The store is there but will not serve us until somebody changes a setting; the text says which.

    For the pipeline it is an outage like any other (the points are kept and tried again), for the operator it is not.
    """


class Window(NamedTuple):
    """A stretch of time, start included, end excluded, both aware UTC; `every_s` is the width of a time bucket."""

    start: datetime
    end: datetime
    every_s: float = 60.0


class Table(NamedTuple):
    """A query's answer: `columns` name what stands in each row; times are aware UTC datetimes, absent values None."""

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]


class Store(Protocol):
    """Keeps points under (kind, tags, `at` in milliseconds): written again, a point overwrites itself."""

    async def write(self, points: Sequence[Point]) -> list[Rejected]:
        """Make all points durable, but for those returned. Raises StoreUnavailable: then write all of them again."""
        ...

    async def query(self, query: Query, window: Window) -> Table:
        """Answer a query over a window. No rows is a valid answer. Raises StoreUnavailable."""
        ...

    async def healthy(self) -> bool:
        """Whether the store answers now."""
        ...

    async def close(self) -> None:
        """Release connections and files; what was written stays."""
        ...
