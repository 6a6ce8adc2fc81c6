"""The ingest, put together: every part made once, one TaskGroup, an orderly end."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path

from msgspec import Raw

from cloud_ingest.config import IngestConfig
from cloud_ingest.counts import Counts
from cloud_ingest.health import Health
from cloud_ingest.inbox import Delivery, Inbox
from cloud_ingest.intake import Intake
from cloud_ingest.metrics import serve
from cloud_ingest.pipeline import Pipeline
from cloud_ingest.presence import Presence
from cloud_ingest.quarantine import Item, Quarantine, QuarantineUnavailable
from cloud_ingest.registry_folder import RegistryFolder, read_registry
from cloud_ingest.rule_states import RuleStates
from cloud_ingest.rules.book import county_rules
from cloud_ingest.stores.settings import open_store
from cloud_ingest.stores.store import Point, Store, StoreUnavailable
from cloud_ingest.subscriber import Subscriber
from cloud_ingest.watch import Watch
from devices.contract.message import JSON, Envelope, encode

log = logging.getLogger(__name__)

HEALTH_EVERY_S = 10.0
GAUGE_EVERY_S = 1.0
SAVE_EVERY_S = 30.0
REPLAY_EVERY_S = 1.0
#: What is in hand at the end gets so long to be stored; after that it stays with the broker.
GRACE_S = 5.0
#: A young collection for every few batches; older ones are not counted but timed.
_GC_THRESHOLDS = (50_000, 20, 1000)
#: Items of the quarantine that are tried again together.
_REPLAYS_AT_ONCE = 200


def utc_now() -> datetime:
    """The county's time: the one place of the ingest that asks."""
    return datetime.now(UTC)


async def run(config: IngestConfig) -> None:
    """Run until SIGTERM or SIGINT. Raises what makes a start impossible; outages later on are waited for."""
    # Readings hold no cycles and die with their batch: looking for cycles among them costs a tenth of all the work, so
    # it is done seldom, and thoroughly when states are saved.
    gc.freeze()
    gc.set_threshold(*_GC_THRESHOLDS)
    async with AsyncExitStack() as opened:
        quarantine = Quarantine(Path(config.quarantine.path), config.quarantine.most_mb * 1024 * 1024)
        opened.callback(quarantine.close)
        rule_states = RuleStates(Path(config.rules.path))
        opened.callback(rule_states.close)
        store = await open_store(config.store)
        opened.push_async_callback(store.close)
        ingest = Ingest(config, store, quarantine, rule_states)
        await opened.enter_async_context(serve(config.metrics.host, config.metrics.port, ingest.counts))
        await ingest.run()


class Ingest:
    """One process's parts and the tasks that turn them."""

    def __init__(self, config: IngestConfig, store: Store, quarantine: Quarantine, rule_states: RuleStates) -> None:
        limits = config.pipeline
        self.counts = Counts()
        self._config = config
        self._store = store
        self._quarantine = quarantine
        self._stop = asyncio.Event()
        self._folder = RegistryFolder(Path(config.registry.path))
        registry = read_registry(Path(config.registry.path))
        rules = county_rules(config.rules.overspeed_kmh)
        self._presence = Presence(registry, utc_now())
        self._intake = Intake(registry, rules, self._presence)
        self._watch = Watch(self._presence, rules, store, rule_states, self.counts)
        self._watch.restore()
        self._inbox = Inbox(limits.most_messages, int(limits.most_mb * 1024 * 1024))
        self._subscriber = Subscriber(config.broker, config.instance, self._inbox)
        self._subscriber.on_listening = self._listening
        self._pipeline = Pipeline(
            self._inbox,
            self._subscriber,
            store,
            quarantine,
            self._intake,
            rules,
            rule_states,
            self.counts,
            utc_now,
            batch_readings=limits.batch_readings,
            linger_s=limits.linger_ms / 1000,
        )
        self._health = Health(
            config.instance, self.counts, self._inbox, self._subscriber, self._pipeline, self._quarantine
        )

    def _listening(self) -> None:
        """The county hears from now on: said at once, not with the next gauge."""
        self.counts.connected = True
        self._presence.listening(utc_now())

    async def run(self) -> None:
        """Everything at once, until a signal."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        every = self._config.pipeline.receipts_every_ms / 1000
        async with asyncio.TaskGroup() as group:
            pipeline = group.create_task(self._pipeline.run(), name="pipeline")
            others = [
                group.create_task(self._subscriber.run(), name="subscriber"),
                group.create_task(self._send_receipts(every), name="receipts"),
                group.create_task(self._look(), name="watch"),
                group.create_task(self._report(), name="health"),
                group.create_task(self._save(), name="save"),
                group.create_task(self._replay(), name="replay"),
                group.create_task(self._follow_registry(), name="registry"),
            ]
            await self._stop.wait()
            await self._end(pipeline)
            for task in (pipeline, *others):
                task.cancel()

    async def _end(self, pipeline: asyncio.Task[None]) -> None:
        """Finish what is in hand, acknowledge and receipt it, and say goodbye."""
        log.info("stopping: finishing what is in hand")
        self._subscriber.stop()
        self._inbox.forget()
        self._inbox.close()
        done, _ = await asyncio.wait([pipeline], timeout=GRACE_S)
        if not done:
            log.warning("the store does not take what is in hand: it stays with the broker")
        await self._subscriber.close()
        await self._watch.save()
        log.info("stopped")

    async def _send_receipts(self, every_s: float) -> None:
        while True:
            await asyncio.sleep(every_s)
            self._pipeline.send_receipts()

    async def _look(self) -> None:
        """Who is there, and the gauges, every second."""
        while True:
            await asyncio.sleep(GAUGE_EVERY_S)
            self._health.gauge(self._intake.registry, self._folder)
            await self._watch.look(utc_now(), listening=self._subscriber.connected)

    async def _report(self) -> None:
        """The ingest on itself, every ten seconds; an outage costs the report of that moment only."""
        while True:
            await self._health.look_into_quarantine()
            await asyncio.sleep(HEALTH_EVERY_S)
            try:
                await self._store.write([Point(self._health.reading(utc_now(), HEALTH_EVERY_S))])
            except StoreUnavailable as unavailable:
                log.debug("own health not stored: %s", unavailable)

    async def _save(self) -> None:
        while True:
            await asyncio.sleep(SAVE_EVERY_S)
            await self._watch.save()
            gc.collect()

    async def _replay(self) -> None:
        """Put what people want tried again into the inbox, where it goes the way of every message."""
        while True:
            await asyncio.sleep(REPLAY_EVERY_S)
            if self._inbox.full:
                continue
            try:
                items = await self._quarantine.take_replays(_REPLAYS_AT_ONCE)
            except QuarantineUnavailable as unavailable:
                log.debug("no replays now: %s", unavailable)
                continue
            for item in items:
                self._inbox.put(replayed(item))

    async def _follow_registry(self) -> None:
        while True:
            await asyncio.sleep(self._config.registry.poll_s)
            registry = await asyncio.to_thread(self._folder.poll)
            if registry is not None:
                self._intake.registry = registry
                self._presence.registry = registry


def replayed(item: Item) -> Delivery:
    """An item of the quarantine as the message that it was; one reading gets an envelope with its provenance."""
    payload, content_type = item.payload, item.content_type
    if not item.whole:
        envelope = Envelope(
            gateway=item.gateway,
            boot=item.boot,
            seq=int(item.seq),
            sent_at=item.at,
            readings=Raw(b"[" + item.payload + b"]"),
        )
        payload, content_type = encode(envelope), JSON
    return Delivery(item.topic, payload, content_type, item.boot, item.seq, quarantined=item.id)
