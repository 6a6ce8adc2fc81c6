"""The way of a message through the county: gather, sort, write, keep what was refused, acknowledge, receipt.

A message is acknowledged and receipted when every reading of it is in the store or in quarantine, and not before,
whatever happens in between. A store or a quarantine that cannot take now is waited for, with jitter; nothing is
acknowledged meanwhile, so the broker keeps what comes. Batches are prepared one after the other; `WRITERS` of them may
be in the store's hands together, and they end in the order in which they began.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import TypeVar

from cloud_ingest.counts import Counts
from cloud_ingest.inbox import Broker, Delivery, Inbox
from cloud_ingest.intake import Batch, Intake
from cloud_ingest.quarantine import Quarantine, QuarantineUnavailable, Refusal
from cloud_ingest.receipts import Receipts
from cloud_ingest.rule_states import RuleStates, RuleStatesUnavailable
from cloud_ingest.rules.book import RuleBook
from cloud_ingest.sequences import Sequences
from cloud_ingest.stores.store import Point, Rejected, Store, StoreUnavailable
from devices.contract.message import encode
from devices.contract.readings import Alert, kind_of
from devices.contract.topics import Topic

log = logging.getLogger(__name__)

T = TypeVar("T")

#: Batches in the store's hands at once: one is written while the next is sorted (facts: two are the knee).
WRITERS = 2
#: A store that is down is asked again after at most so long.
LONGEST_WAIT_S = 5.0
#: A batch of messages that hold no readings must end too.
_MOST_DELIVERIES = 5000

_OUTAGES = (StoreUnavailable, QuarantineUnavailable, RuleStatesUnavailable)


class Pipeline:
    """Everything between the inbox and the acknowledgement; `now` gives the county's time."""

    def __init__(
        self,
        inbox: Inbox,
        broker: Broker,
        store: Store,
        quarantine: Quarantine,
        intake: Intake,
        rules: RuleBook,
        rule_states: RuleStates,
        counts: Counts,
        now: Callable[[], datetime],
        *,
        batch_readings: int = 5000,
        linger_s: float = 0.05,
    ) -> None:
        self._inbox = inbox
        self._broker = broker
        self._store = store
        self._quarantine = quarantine
        self._intake = intake
        self._rules = rules
        self._rule_states = rule_states
        self._counts = counts
        self._now = now
        self._batch_readings = batch_readings
        self._linger_s = linger_s
        self._sequences = Sequences()
        self._receipts = Receipts()

    async def run(self) -> None:
        """Work until the inbox is closed and empty, and the last batch is acknowledged."""
        hands = asyncio.Semaphore(WRITERS)
        before: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        before.set_result(None)
        async with asyncio.TaskGroup() as writers:
            while True:
                await hands.acquire()
                batch = await self._gather()
                if batch is None:
                    break
                done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
                writers.create_task(self._finish(batch, before, done, hands), name="pipeline.finish")
                before = done
        self.send_receipts()

    def send_receipts(self) -> None:
        """Publish what gateways are owed, where there is a broker: every half second, and at the end."""
        if not self._broker.connected or not len(self._receipts):
            return
        for receipt in self._receipts.take(self._now()):
            self._broker.publish(str(Topic(receipt.gateway, "receipt")), encode(receipt))
            self._counts.receipts += 1

    async def _gather(self) -> Batch | None:
        """The next batch: what is there, and what comes within the linger. None when the inbox is closed and empty."""
        batch = Batch()
        while not self._drain_into(batch):
            if not await self._inbox.arrival():
                return None
        if len(batch.points) < self._batch_readings:
            await asyncio.sleep(self._linger_s)
            self._drain_into(batch)
        return batch

    def _drain_into(self, batch: Batch) -> bool:
        """Sort what waits into the batch until it is full; whether there is anything in it."""
        now = self._now()
        while len(batch.points) < self._batch_readings and len(batch.deliveries) < _MOST_DELIVERIES:
            delivery = self._inbox.next()
            if delivery is None:
                break
            self._intake.take(delivery, batch, now)
        return bool(batch.deliveries)

    async def _finish(
        self, batch: Batch, before: Awaitable[None], done: asyncio.Future[None], hands: asyncio.Semaphore
    ) -> None:
        rejected = await self._until_taken(lambda: self._write(batch.points))
        refusals = batch.refusals + [_refusal(batch, rejection) for rejection in rejected]
        if refusals:
            await self._until_taken(lambda: self._quarantine.keep(refusals, self._now()))
        await before
        # An alert overwrites itself when it is cleared, so alerts are written in order, after the batch before.
        if batch.alerts:
            for rejection in await self._until_taken(lambda: self._write(batch.alerts)):
                log.error("the store refuses our own %s: %s", batch.alerts[rejection.position].fact, rejection.reason)
        saved = self._rules.consequential()
        await self._until_taken(lambda: self._rule_states.save(saved))
        await self._settle(batch.deliveries, refusals)
        self._broker.acknowledge([delivery for delivery in batch.deliveries if delivery.quarantined is None])
        self._inbox.done(batch.deliveries)
        self._receipt(batch, rejected)
        self._count(batch, refusals)
        done.set_result(None)
        hands.release()

    async def _write(self, points: Sequence[Point]) -> list[Rejected]:
        if not points:
            return []
        began = time.perf_counter()
        rejected = await self._store.write(points)
        self._counts.store_writes += 1
        self._counts.store_write_s += time.perf_counter() - began
        self._counts.stored += len(points) - len(rejected)
        return rejected

    async def _until_taken(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """Try until it is taken: at once, then after random pauses that grow. Says once that it is down, and back."""
        tries = 0
        while True:
            try:
                result = await attempt()
            except _OUTAGES as outage:
                self._counts.store_failures += 1
                if self._counts.store_up:
                    log.error("nothing is acknowledged for now: %s: %s", type(outage).__name__, outage)  # noqa: TRY400
                self._counts.store_up = False
                tries += 1
                await asyncio.sleep(random.uniform(0, min(LONGEST_WAIT_S, 0.1 * 2 ** min(tries, 10))))
            else:
                if not self._counts.store_up:
                    log.info("taken again after %d tries", tries)
                self._counts.store_up = True
                return result

    async def _settle(self, deliveries: Sequence[Delivery], refusals: Sequence[Refusal]) -> None:
        """Replayed items that were not refused once more leave the quarantine."""
        again = {refusal.again for refusal in refusals}
        settled = [d.quarantined for d in deliveries if d.quarantined is not None and d.quarantined not in again]
        if settled:
            await self._until_taken(lambda: self._quarantine.settle(settled))

    def _receipt(self, batch: Batch, rejected: Sequence[Rejected]) -> None:
        refused_by_store = {
            (origin.gateway, origin.boot, origin.seq): rejection.reason
            for rejection in rejected
            for origin in (batch.origin(rejection.position),)
        }
        for arrival in batch.arrivals:
            refused = arrival.refused
            if refused_by_store:
                refused = refused or refused_by_store.get((arrival.gateway, arrival.boot, str(arrival.seq)), "")
            self._sequences.see(arrival.gateway, arrival.boot, arrival.seq)
            self._receipts.owe(arrival.gateway, arrival.boot, arrival.seq, refused)

    def _count(self, batch: Batch, refusals: Sequence[Refusal]) -> None:
        counts, now = self._counts, self._now()
        counts.messages += len(batch.deliveries)
        for kind, number in batch.kinds.items():
            counts.readings[kind_of(kind)] += number
        counts.quarantined.update(refusal.cause for refusal in refusals)
        counts.unregistered += batch.unregistered
        counts.unsynchronised += batch.unsynchronised
        counts.duplicates = self._sequences.duplicates
        counts.alerts.update(
            point.fact.rule for point in batch.alerts if isinstance(point.fact, Alert) and point.fact.state == "raised"
        )
        for arrival in batch.arrivals:
            if arrival.sent_at is not None:
                counts.lag_sent.note((now - arrival.sent_at).total_seconds())
            if arrival.last_at is not None:
                counts.lag_at.note((now - arrival.last_at).total_seconds())

    def gaps(self) -> int:
        """Sequence numbers not seen yet."""
        return self._sequences.gaps()


def _refusal(batch: Batch, rejection: Rejected) -> Refusal:
    """The refusal of a reading that the store will not have."""
    fact = batch.points[rejection.position].fact
    return batch.origin(rejection.position).refuse("store", f"the store: {rejection.reason}", encode(fact))
