"""From deliveries to a batch: decoded against the contract, placed by the registry, judged by the rules.

Pure but for the states of the rules and the presence that it feeds; the time comes in. Nothing a gateway can send
makes it raise: what cannot be believed becomes a `Refusal` with its reason, and everything gets its receipt.
"""

from __future__ import annotations

import logging
import re
from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from cloud_ingest.inbox import Delivery
from cloud_ingest.presence import Presence
from cloud_ingest.quarantine import Cause, Refusal
from cloud_ingest.registry import NOWHERE, Place, Registry
from cloud_ingest.rules.book import RuleBook
from cloud_ingest.stores.store import Point
from devices.contract.message import (
    JSON,
    MAX_MESSAGE_BYTES,
    Envelope,
    ReadingsMessage,
    Unreadable,
    decode_birth,
    decode_readings,
    decode_state,
    encode,
    salvage,
    unpack,
)
from devices.contract.readings import Reading, WireReading
from devices.contract.topics import Topic, parse_topic

log = logging.getLogger(__name__)

#: A device's clock may be ahead of ours by so much; beyond, its time is wrong and its reading would hide later ones.
FUTURE = timedelta(minutes=5)
#: Names of unregistered devices that are remembered, so that each is logged once.
MOST_STRANGERS = 10_000

_BOOT = re.compile(r"[a-z0-9]{4,32}")


class Arrival(NamedTuple):
    """One readings message in a batch: what its receipt and its lags are made from."""

    gateway: str
    boot: str
    seq: int
    sent_at: datetime | None
    last_at: datetime | None
    refused: str


def _measured_at(readings: Sequence[Reading]) -> datetime | None:
    """When the newest was measured, where that says how long it was on its way.

    A monitor knows only the minute, and what a terminal kept through a dead zone was late before it was sent.
    """
    for reading in reversed(readings):
        if reading.clock in ("gnss", "gateway") and not getattr(reading, "backfill", False):
            return reading.at
    return None


class Origin(NamedTuple):
    """Where a refused reading stood: the delivery, and whose it was."""

    delivery: Delivery
    gateway: str
    boot: str
    seq: str

    def refuse(self, cause: Cause, reason: str, payload: bytes, *, whole: bool = False) -> Refusal:
        """The refusal of one of its readings (its JSON), or of the whole message."""
        delivery = self.delivery
        content_type = delivery.content_type if whole else JSON
        return Refusal(
            delivery.topic,
            self.gateway,
            self.boot,
            self.seq,
            content_type,
            cause,
            reason[:500],
            whole,
            payload,
            delivery.quarantined,
        )


class Batch:
    """What is written, kept, receipted and acknowledged together."""

    def __init__(self) -> None:
        self.deliveries: list[Delivery] = []
        self.points: list[Point] = []
        self.alerts: list[Point] = []
        self.refusals: list[Refusal] = []
        self.arrivals: list[Arrival] = []
        self.kinds: dict[type[Reading], int] = {}
        self.unregistered = 0
        self.unsynchronised = 0
        #: From which position on the points come from which message: for what the store rejects.
        self.origins: list[tuple[int, Origin]] = []

    def origin(self, position: int) -> Origin:
        """The message that a point came in."""
        return self.origins[bisect_right(self.origins, position, key=lambda entry: entry[0]) - 1][1]


class Intake:
    """Sorts deliveries into batches. The registry may be replaced between two of them."""

    def __init__(self, registry: Registry, rules: RuleBook, presence: Presence) -> None:
        self.registry = registry
        self._rules = rules
        self._presence = presence
        self._topics: dict[str, Topic | None] = {}
        self._strangers: set[str] = set()

    def take(self, delivery: Delivery, batch: Batch, now: datetime) -> None:
        """Sort one delivery into the batch, whatever it is."""
        batch.deliveries.append(delivery)
        topic = self._topic(delivery.topic)
        try:
            self._sort(delivery, topic, batch, now)
        except Unreadable as unreadable:
            self._refuse_whole(delivery, topic, "unreadable", str(unreadable), batch)
        except _Foreign as foreign:
            self._refuse_whole(delivery, topic, "foreign", str(foreign), batch)

    def _sort(self, delivery: Delivery, topic: Topic | None, batch: Batch, now: datetime) -> None:
        if topic is None:
            raise Unreadable("the topic is not one of ours")
        match topic.stream:
            case "readings":
                self._readings(delivery, topic.gateway, batch, now)
            case "state":
                self._state(delivery, topic.gateway)
            case "birth":
                self._birth(delivery, topic.gateway, now)
            case _:
                raise Unreadable(f"nothing is expected on the stream {topic.stream!r}")

    def _readings(self, delivery: Delivery, gateway: str, batch: Batch, now: datetime) -> None:
        payload = _unpacked(delivery)
        message: ReadingsMessage | Envelope
        bad: list[tuple[bytes, str]] = []
        try:
            message = whole = decode_readings(payload)
            readings = whole.readings
        except Unreadable:
            # Slowly, reading by reading: what is good in it is stored.
            message, readings, bad = salvage(payload)
        _own(message.gateway, gateway)
        origin = Origin(delivery, gateway, message.boot, str(message.seq))
        refused = ""
        for damaged, reason in bad:
            refused = refused or reason
            batch.refusals.append(origin.refuse("reading", reason, damaged))
        batch.origins.append((len(batch.points), origin))
        future = self._place(readings, gateway, batch, now)
        for reading in future:
            ahead = (reading.at - now).total_seconds()
            reason = f"time in the future: {reading.at.isoformat()} is {ahead:.0f} s ahead"
            refused = refused or reason
            batch.refusals.append(origin.refuse("future", reason, encode(reading)))
        last_at = _measured_at(readings)
        if delivery.quarantined is None:
            batch.arrivals.append(Arrival(gateway, message.boot, message.seq, message.sent_at, last_at, refused))

    def _place(self, readings: Sequence[WireReading], gateway: str, batch: Batch, now: datetime) -> list[WireReading]:
        """The heart: every reading becomes a point, and goes to the rules of its kind. Returns those of the future.

        The loop runs once for each reading of the county, so all that is the same for neighbouring readings of one
        device and kind (a message seldom has others) is done once for them in `_judge`.
        """
        horizon = now + FUTURE
        points = batch.points
        future: list[WireReading] = []
        group: list[WireReading] = []
        device, place = "", NOWHERE
        kind: type[Reading] = Reading
        for reading in readings:
            if reading.at > horizon:
                future.append(reading)
                continue
            if reading.device != device or type(reading) is not kind:
                self._judge(group, place, gateway, batch, now)
                group, device, kind = [], reading.device, type(reading)
                place = self._place_of(device, gateway)
            points.append(Point(reading, gateway, place[0], place[1]))
            group.append(reading)
        self._judge(group, place, gateway, batch, now)
        return future

    def _judge(self, group: Sequence[WireReading], place: Place, gateway: str, batch: Batch, now: datetime) -> None:
        """Readings of one device and kind go to presence and rules, but for those whose time is not to be believed."""
        if not group:
            return
        device, kind = group[0].device, type(group[0])
        batch.kinds[kind] = batch.kinds.get(kind, 0) + len(group)
        registered = self.registry.devices.get(device)
        if registered is None:
            batch.unregistered += len(group)
        believed = [reading for reading in group if reading.clock != "unsynchronised"]
        batch.unsynchronised += len(group) - len(believed)
        self._presence.hear(believed[-1:], gateway, now)
        step = self._rules.steps.get(kind)
        if step is not None and believed:
            batch.alerts.extend(Point(alert, gateway, *place) for alert in step(believed, registered))

    def _place_of(self, device: str, gateway: str) -> Place:
        """Where a device stands. One that nobody registered is stored without a place, and named once."""
        place = self.registry.places.get(device)
        if place is not None:
            return place
        if device not in self._strangers and len(self._strangers) < MOST_STRANGERS:
            self._strangers.add(device)
            log.warning("device %s of gateway %s is not registered: stored without a place", device, gateway)
        return NOWHERE

    def _state(self, delivery: Delivery, gateway: str) -> None:
        state = decode_state(_unpacked(delivery))
        _own(state.gateway, gateway)
        log.info("gateway %s is %s %s", gateway, state.state, state.reason)
        self._presence.state(state)

    def _birth(self, delivery: Delivery, gateway: str, now: datetime) -> None:
        birth = decode_birth(_unpacked(delivery))
        _own(birth.gateway, gateway)
        log.info("gateway %s has started %s with %d devices", gateway, birth.software, len(birth.devices))
        self._presence.birth(birth, now)

    def _refuse_whole(self, delivery: Delivery, topic: Topic | None, cause: Cause, reason: str, batch: Batch) -> None:
        """The payload goes to quarantine; its user properties, where they can be believed, still give it a receipt."""
        gateway = topic.gateway if topic else ""
        origin = Origin(delivery, gateway, delivery.boot[:40], delivery.seq[:20])
        batch.refusals.append(origin.refuse(cause, reason, delivery.payload, whole=True))
        if topic is None or topic.stream != "readings" or delivery.quarantined is not None:
            return
        if _BOOT.fullmatch(delivery.boot) and delivery.seq.isascii() and delivery.seq.isdigit():
            seq = int(delivery.seq[:17])
            if 1 <= seq <= 2**53:
                batch.arrivals.append(Arrival(gateway, delivery.boot, seq, None, None, reason))

    def _topic(self, name: str) -> Topic | None:
        topic = self._topics.get(name)
        if topic is None:
            topic = parse_topic(name)
            if len(self._topics) < MOST_STRANGERS:
                self._topics[name] = topic
        return topic


class _Foreign(Exception):
    """A gateway speaks under another's name."""


def _own(said: str, gateway: str) -> None:
    if said != gateway:
        raise _Foreign(f"the payload says gateway {said!r}, the topic {gateway!r}")


def _unpacked(delivery: Delivery) -> bytes:
    if len(delivery.payload) > MAX_MESSAGE_BYTES:
        raise Unreadable(f"{len(delivery.payload)} bytes: larger than {MAX_MESSAGE_BYTES}")
    return unpack(delivery.payload, delivery.content_type)
