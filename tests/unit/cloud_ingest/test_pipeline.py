"""The pipeline's promises: stored before acknowledged, in order, nothing lost, whatever fails or is killed."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cloud_ingest.counts import Counts
from cloud_ingest.inbox import Delivery, Inbox
from cloud_ingest.intake import Intake
from cloud_ingest.pipeline import WRITERS, Pipeline
from cloud_ingest.presence import Presence
from cloud_ingest.quarantine import Quarantine
from cloud_ingest.registry import Device, register
from cloud_ingest.rule_states import RuleStates
from cloud_ingest.rules.book import county_rules
from cloud_ingest.stores.store import Point, Rejected
from devices.contract.message import JSON, ReadingsMessage, encode
from devices.contract.readings import Alert, BloodPressure, TruckPosition
from tests.unit.cloud_ingest.fakes import FakeBroker, FakeStore

NOW = datetime(2026, 3, 1, 8, tzinfo=UTC)
REGISTRY = register("1", {f"truck-{n}": Device(id=f"truck-{n}", kind="truck") for n in range(5)}, {}, {})


def fix(second: int, device: str = "truck-1", speed: float = 40.0) -> TruckPosition:
    at = NOW - timedelta(hours=1) + timedelta(seconds=second)
    return TruckPosition(device=device, at=at, latitude=30.5, longitude=120, speed_kmh=speed)


def message(seq: int, *readings, gateway: str = "gw-1") -> Delivery:
    body = ReadingsMessage(gateway=gateway, boot="boot1", seq=seq, sent_at=NOW, readings=list(readings))
    return Delivery(f"county/v1/{gateway}/readings", encode(body), JSON, "boot1", str(seq), mid=seq)


class County:
    """A pipeline with a store and a broker that do as they are told, and real files beside it."""

    def __init__(self, folder: Path, store: FakeStore | None = None, **limits: float) -> None:
        self.store = store or FakeStore()
        self.broker = FakeBroker()
        self.quarantine = Quarantine(folder / "quarantine.db")
        self.rule_states = RuleStates(folder / "rules.db")
        self.counts = Counts()
        self.inbox = Inbox(1000, 1_000_000)
        rules = county_rules()
        rules.restore(self.rule_states.load())
        intake = Intake(REGISTRY, rules, Presence(REGISTRY, NOW))
        self.pipeline = Pipeline(
            self.inbox,
            self.broker,
            self.store,
            self.quarantine,
            intake,
            rules,
            self.rule_states,
            self.counts,
            lambda: NOW,
            **{"linger_s": 0.001} | limits,
        )
        self.running: asyncio.Task[None] | None = None

    async def __aenter__(self) -> County:
        self.running = asyncio.create_task(self.pipeline.run())
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.kill()

    async def finish(self) -> None:
        self.inbox.close()
        await asyncio.wait_for(self.running, 20)

    async def kill(self) -> None:
        self.running.cancel()
        await asyncio.gather(self.running, return_exceptions=True)
        self.quarantine.close()
        self.rule_states.close()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not condition():
                await asyncio.sleep(0.001)


async def test_what_is_stored_is_acknowledged_and_receipted(tmp_path: Path) -> None:
    async with County(tmp_path) as county:
        for seq in range(1, 11):
            county.inbox.put(message(seq, fix(2 * seq), fix(2 * seq + 1)))
        await county.finish()
        assert len(county.store.facts(TruckPosition)) == 20
        assert county.broker.acknowledged == list(range(1, 11))
        assert county.broker.receipted() == {("gw-1", seq) for seq in range(1, 11)}
        assert (county.counts.messages, county.counts.stored, county.inbox.in_flight) == (10, 20, 0)
        assert county.counts.readings == {"truck_position": 20}


async def test_while_the_store_is_down_nothing_is_acknowledged_and_nothing_spins(tmp_path: Path) -> None:
    async with County(tmp_path) as county:
        county.store.down = True
        county.inbox.put(message(1, fix(1)))
        await county.until(lambda: not county.counts.store_up)
        await asyncio.sleep(0.3)
        assert (county.broker.acknowledged, len(county.pipeline._receipts)) == ([], 0)
        assert county.store.writes < 15
        county.store.down = False
        await county.finish()
        assert county.broker.acknowledged == [1]
        assert county.counts.store_up


async def test_with_the_store_down_only_the_batches_in_hand_leave_the_inbox(tmp_path: Path) -> None:
    async with County(tmp_path, batch_readings=10) as county:
        county.store.down = True
        for seq in range(1, 101):
            county.inbox.put(message(seq, *[fix(10 * seq + second) for second in range(10)]))
        await county.until(lambda: county.store.writes >= 3)
        assert len(county.inbox._waiting) == 100 - WRITERS
        assert county.inbox.in_flight == 100


class SlowFirst(FakeStore):
    """Holds the first write back until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.let_go = asyncio.Event()
        self.finished = 0

    async def write(self, points: Sequence[Point]) -> list[Rejected]:
        first = self.writes == 0
        rejected = await super().write(points)
        if first:
            await self.let_go.wait()
        self.finished += 1
        return rejected


async def test_a_batch_that_is_stored_first_is_not_acknowledged_before_the_one_before_it(tmp_path: Path) -> None:
    store = SlowFirst()
    async with County(tmp_path, store, batch_readings=1) as county:
        county.inbox.put(message(1, fix(1)))
        county.inbox.put(message(2, fix(2)))
        await county.until(lambda: store.finished == 1)
        await asyncio.sleep(0.01)
        assert county.broker.acknowledged == []
        store.let_go.set()
        await county.finish()
        assert county.broker.acknowledged == [1, 2]


async def test_an_alert_raised_and_cleared_in_two_batches_ends_cleared(tmp_path: Path) -> None:
    store = SlowFirst()
    async with County(tmp_path, store, batch_readings=30) as county:
        county.inbox.put(message(1, *[fix(second, speed=90) for second in range(30)]))
        county.inbox.put(message(2, *[fix(30 + second) for second in range(30)]))
        await county.until(lambda: store.finished == 1)
        store.let_go.set()
        await county.finish()
        (alert,) = store.facts(Alert)
        assert alert.state == "cleared"
        assert county.counts.alerts == {"overspeed": 1}


async def test_what_the_store_rejects_is_quarantined_one_by_one_and_the_rest_is_stored(tmp_path: Path) -> None:
    async with County(tmp_path) as county:
        county.store.rejects = {"truck-2"}
        county.inbox.put(message(1, fix(1), fix(2, "truck-2"), fix(3)))
        county.inbox.put(message(2, fix(4)))
        await county.finish()
        assert len(county.store.facts(TruckPosition)) == 3
        (item,) = county.quarantine.newest()
        assert (item.cause, item.whole, item.seq, item.gateway) == ("store", False, "1", "gw-1")
        assert b"truck-2" in item.payload
        assert county.broker.acknowledged == [1, 2]
        assert county.broker.refused() == {1: "conflict"}
        assert county.counts.stored == 3


async def test_a_refused_message_is_acknowledged_only_when_it_is_in_quarantine(tmp_path: Path) -> None:
    async with County(tmp_path) as county:
        county.quarantine._db.execute("alter table item rename to away")
        county.inbox.put(Delivery("county/v1/gw-1/readings", b"noise", JSON, "boot1", "1", mid=1))
        await county.until(lambda: not county.counts.store_up)
        assert county.broker.acknowledged == []
        county.quarantine._db.execute("alter table away rename to item")
        await county.finish()
        assert county.broker.acknowledged == [1]
        assert 1 in county.broker.refused()


async def test_rules_that_cannot_save_hold_the_acknowledgement_back(tmp_path: Path) -> None:
    async with County(tmp_path) as county:
        county.rule_states._db.execute("alter table state rename to away")
        county.inbox.put(message(1, *[fix(second, speed=90) for second in range(30)]))
        await county.until(lambda: not county.counts.store_up)
        assert county.broker.acknowledged == []
        county.rule_states._db.execute("alter table away rename to state")
        await county.finish()
        assert county.broker.acknowledged == [1]


async def test_receipts_wait_for_a_broker(tmp_path: Path) -> None:
    async with County(tmp_path) as county:
        county.broker.connected = False
        county.inbox.put(message(1, fix(1)))
        await county.until(lambda: len(county.pipeline._receipts) == 1)
        county.pipeline.send_receipts()
        assert county.broker.receipts == []
        county.broker.connected = True
        county.pipeline.send_receipts()
        county.pipeline.send_receipts()
        assert [receipt.ranges for receipt in county.broker.receipts] == [[(1, 1)]]


async def test_a_duplicate_is_stored_over_itself_and_receipted_again(tmp_path: Path) -> None:
    async with County(tmp_path) as county:
        county.inbox.put(message(1, fix(1)))
        await county.until(lambda: county.broker.acknowledged == [1])
        county.pipeline.send_receipts()
        county.inbox.put(message(1, fix(1)))
        county.inbox.put(message(3, fix(3)))
        await county.finish()
        assert len(county.store.facts(TruckPosition)) == 2
        assert [receipt.ranges for receipt in county.broker.receipts] == [[(1, 1)], [(1, 1), (3, 3)]]
        assert (county.counts.duplicates, county.pipeline.gaps()) == (1, 1)


async def test_an_item_of_the_quarantine_that_is_stored_leaves_it(tmp_path: Path) -> None:
    async with County(tmp_path) as county:
        for _ in range(2):
            county.inbox.put(Delivery("county/v1/gw-1/readings", b"noise", JSON, mid=1))
        await county.until(lambda: county.quarantine.totals().items == 2)
        first, second = county.quarantine.newest()
        county.inbox.put(message(1, fix(1))._replace(quarantined=first.id, mid=0))
        county.inbox.put(Delivery("county/v1/gw-1/readings", b"noise", JSON, quarantined=second.id))
        await county.finish()
        (left,) = county.quarantine.newest()
        assert (left.id, left.attempts) == (second.id, 1)
        assert len(county.store.facts(TruckPosition)) == 1
        assert county.broker.acknowledged == [1, 1]
        assert county.broker.receipts == []


async def test_a_flood_of_messages_without_readings_ends_in_batches_too(tmp_path: Path) -> None:
    async with County(tmp_path) as county:
        for seq in range(1, 6001):
            county.inbox.put(message(seq))
        await county.finish()
        assert len(county.broker.acknowledged) == 6000


class Unreliable(FakeStore):
    """Takes its time, and fails now and then, having stored part of what it was given."""

    def __init__(self, chance: random.Random) -> None:
        super().__init__()
        self._chance = chance

    async def write(self, points: Sequence[Point]) -> list[Rejected]:
        for _ in range(self._chance.randrange(4)):
            await asyncio.sleep(0)
        if self._chance.random() < 0.2:
            await super().write(points[: self._chance.randrange(len(points) + 1)])
            self.failures = 1
        return await super().write(points)


def a_day(chance: random.Random) -> list[Delivery]:
    """Messages of some trucks that speed now and then, a kiosk, and noise."""
    seconds = dict.fromkeys(range(5), 0)
    deliveries = []
    for seq in range(1, 61):
        truck = chance.randrange(5)
        speed = chance.choice([40.0, 90.0])
        readings: list = []
        for _ in range(chance.randrange(1, 12)):
            readings.append(fix(seconds[truck], f"truck-{truck}", speed))
            seconds[truck] += chance.choice([1, 5, 20])
        if chance.random() < 0.1:
            at = NOW - timedelta(seconds=seq)
            readings.append(BloodPressure(device="kiosk-1", at=at, systolic_mmhg=200, diastolic_mmhg=100))
        delivery = message(seq, *readings)
        deliveries.append(delivery._replace(payload=b"noise") if chance.random() < 0.1 else delivery)
    return deliveries


async def undisturbed(folder: Path, deliveries: list[Delivery]) -> FakeStore:
    async with County(folder) as county:
        for delivery in deliveries:
            county.inbox.put(delivery)
        await county.finish()
        return county.store


@pytest.mark.parametrize("seed", range(20))
async def test_killed_at_any_moment_with_a_store_that_fails_the_end_is_the_same(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    deliveries = a_day(chance)
    expected = await undisturbed(tmp_path / "calm", deliveries)
    store, acknowledged = Unreliable(chance), set()
    for life in range(100):
        async with County(tmp_path / "wild", store, batch_readings=chance.choice([5, 20, 100])) as county:
            for delivery in deliveries:
                if delivery.mid not in acknowledged:
                    county.inbox.put(delivery)
            if life == 12:
                await county.finish()
            else:
                await asyncio.sleep(chance.uniform(0, 0.03))
                await county.kill()
            acknowledged |= set(county.broker.acknowledged)
            if life == 12:
                break
    assert acknowledged == {delivery.mid for delivery in deliveries}
    assert set(map(repr, store.facts(TruckPosition))) == set(map(repr, expected.facts(TruckPosition)))
    assert {(fact.alert, fact.state, fact.value, fact.ended_at_ms) for fact in store.facts(Alert)} == {
        (fact.alert, fact.state, fact.value, fact.ended_at_ms) for fact in expected.facts(Alert)
    }
    quarantine = Quarantine(tmp_path / "wild" / "quarantine.db")
    noise = {delivery.seq for delivery in deliveries if delivery.payload == b"noise"}
    assert {item.seq for item in quarantine.newest(10_000)} == noise
    quarantine.close()
