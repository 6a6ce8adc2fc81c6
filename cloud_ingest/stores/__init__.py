"""Where points are kept: one protocol, one test suite, two stores (InfluxDB and the embedded SQLite file)."""

from cloud_ingest.stores.store import Point, Rejected, Store, StoreMisconfigured, StoreUnavailable, Table, Window

__all__ = ["Point", "Rejected", "Store", "StoreMisconfigured", "StoreUnavailable", "Table", "Window"]
