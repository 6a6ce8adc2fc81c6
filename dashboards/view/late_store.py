"""A store that may not be there yet: opened by the first question that finds it, asked again until then.

The view starts before the ingest has made its file, on a fresh machine, and must come alive by itself.
"""

from __future__ import annotations

import asyncio

from cloud_ingest.stores.query import Query
from cloud_ingest.stores.settings import StoreSettings, open_store
from cloud_ingest.stores.store import Store, StoreUnavailable, Table, Window


class LateStore:
    """Reads the store that the settings name, as soon as it is there. Never writes."""

    def __init__(self, settings: StoreSettings) -> None:
        self._settings = settings
        self._store: Store | None = None
        self._opening = asyncio.Lock()

    async def query(self, query: Query, window: Window) -> Table:
        """Answer a query. Raises StoreUnavailable, also while there is no store."""
        return await (await self._opened()).query(query, window)

    async def close(self) -> None:
        """Close the store, where one was opened."""
        if self._store is not None:
            await self._store.close()

    async def _opened(self) -> Store:
        if self._store is None:
            async with self._opening:
                if self._store is None:
                    self._store = await self._open()
        return self._store

    async def _open(self) -> Store:
        from cloud_ingest.stores.store import StoreMisconfigured

        try:
            return await open_store(self._settings, read_only=True)
        except StoreMisconfigured as error:
            raise StoreUnavailable(str(error)) from error
