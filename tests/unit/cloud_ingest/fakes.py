"""Stand-ins that keep the protocols of the ingest: a store and a broker that do as they are told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from cloud_ingest.inbox import Delivery
from cloud_ingest.stores.query import Query
from cloud_ingest.stores.store import Point, Rejected, StoreUnavailable, Table, Window
from devices.contract.message import Receipt, decode_receipt
from devices.contract.readings import Stored


class FakeStore:
    """Keeps points by identity as a store does; fails as often as it is told, rejects what it is told."""

    def __init__(self) -> None:
        self.points: dict[tuple, Point] = {}
        self.writes = 0
        self.failures = 0
        self.down = False
        self.rejects: set[str] = set()

    async def write(self, points: Sequence[Point]) -> list[Rejected]:
        self.writes += 1
        if self.down or self.failures > 0:
            self.failures -= 1
            raise StoreUnavailable("told to fail")
        rejected = []
        for position, point in enumerate(points):
            if point.fact.device in self.rejects:
                rejected.append(Rejected(position, "conflict"))
            else:
                self.points[_identity(point.fact)] = point
        return rejected

    async def query(self, query: Query, window: Window) -> Table:
        raise NotImplementedError

    async def healthy(self) -> bool:
        return not self.down

    async def close(self) -> None:
        """Nothing to let go of."""

    def facts(self, kind: type[Stored]) -> list[Stored]:
        return [point.fact for point in self.points.values() if isinstance(point.fact, kind)]


def _identity(fact: Stored) -> tuple[type, str, str, datetime]:
    return type(fact), fact.device, getattr(fact, "rule", ""), fact.at


class FakeBroker:
    """Remembers what was acknowledged and published, in order."""

    def __init__(self) -> None:
        self.connected = True
        self.acknowledged: list[int] = []
        self.receipts: list[Receipt] = []

    def acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        self.acknowledged += [delivery.mid for delivery in deliveries]

    def publish(self, topic: str, payload: bytes) -> None:
        receipt = decode_receipt(payload)
        assert topic == f"county/v1/{receipt.gateway}/receipt"
        self.receipts.append(receipt)

    def receipted(self) -> set[tuple[str, int]]:
        return {
            (receipt.gateway, seq)
            for receipt in self.receipts
            for first, last in receipt.ranges
            for seq in range(first, last + 1)
        }

    def refused(self) -> dict[int, str]:
        return {refused.seq: refused.reason for receipt in self.receipts for refused in receipt.refused}
