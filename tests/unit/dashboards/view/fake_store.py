"""A store that answers what it is told to, fails when told to, and counts the questions."""

from __future__ import annotations

from collections.abc import Callable

from cloud_ingest.stores.query import Query
from cloud_ingest.stores.store import StoreUnavailable, Table, Window
from dashboards.panels import answered


class FakeStore:
    def __init__(self) -> None:
        self.asked: list[Query] = []
        self.windows: list[Window] = []
        self.down = ""
        self.rows: Callable[[Query], list[tuple]] = lambda _: []

    async def query(self, query: Query, window: Window) -> Table:
        self.asked.append(query)
        self.windows.append(window)
        if self.down:
            raise StoreUnavailable(self.down)
        return Table(answered(query), list(self.rows(query)))
