"""Sends the spool's rows to the county's broker, and deletes what the county has receipted: the only user of aiomqtt.

The spool is the session: every connection starts clean, and what has no receipt is sent again. The broker's PUBACK
only says that a row is on its way; a receipt (devices.contract.message.Receipt) says that it has arrived.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import aiomqtt
import msgspec
from paho.mqtt.packettypes import PacketTypes  # aiomqtt takes MQTT 5 properties in its own client's type
from paho.mqtt.properties import Properties

from devices.contract.message import (
    JSON,
    JSON_ZLIB,
    ContentType,
    DeviceBirth,
    Envelope,
    Receipt,
    Unreadable,
    decode_receipt,
    encode,
    pack,
)
from devices.contract.topics import Topic
from edge_agent.backoff import backoff
from edge_agent.clock import Now
from edge_agent.outbox import Outbox
from edge_agent.presence import Presence, Said
from edge_agent.spool import Row, Spool

log = logging.getLogger(__name__)
#: aiomqtt's and paho's own words are about their insides; what matters is raised, and said once here.
_mqtt_log = logging.getLogger(f"{__name__}.mqtt")
_mqtt_log.setLevel(logging.CRITICAL)

#: Below this a compressed message is no shorter than its overhead is worth.
_COMPRESS_FROM = 400
#: How often rows without a receipt are looked at when nothing else happens.
_TICK_S = 0.5
#: How long the orderly farewell may take.
_FAREWELL_S = 2.0


class BrokerLost(Exception):
    """The broker cannot be reached, refuses us, or is silent: connect again after a while."""


class BrokerSettings(NamedTuple):
    """Where the broker is, and how this gateway proves itself: a password file, or a certificate (PEM files)."""

    host: str
    port: int
    username: str | None = None
    password_file: Path | None = None
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None


class UplinkStats(NamedTuple):
    """The uplink's figures since the agent's start; `sent` and `resent` count messages that the broker took."""

    connected: bool
    connects: int
    sent: int
    resent: int
    unreceipted: int


class Uplink:
    """The way from the spool to the county. `run()` never ends by itself; a lost broker is its daily bread.

    `in_flight` messages wait for a PUBACK at most. See Outbox for the window and the timing of repeats. Without an
    answer from the broker for `timeout_s`, or to a ping after `keepalive_s` of silence, the connection counts as lost.
    """

    def __init__(
        self,
        spool: Spool,
        *,
        gateway: str,
        broker: BrokerSettings,
        devices: Sequence[DeviceBirth],
        now: Now,
        software: str = "",
        window_rows: int = 500,
        window_bytes: int = 8 * 1024 * 1024,
        in_flight: int = 20,
        receipt_timeout_s: float = 30.0,
        keepalive_s: int = 30,
        timeout_s: float = 10.0,
        reconnect_high_s: float = 60.0,
        compress: bool = True,
    ) -> None:
        self._spool = spool
        self._gateway = gateway
        self._broker = broker
        self._presence = Presence(gateway, spool.boot, software, devices)
        self._now = now
        self._in_flight = in_flight
        self._keepalive_s = keepalive_s
        self._timeout_s = timeout_s
        self._reconnect_high_s = reconnect_high_s
        self._compress = compress
        self._readings_topic = str(Topic(gateway, "readings"))
        self._receipt_topic = str(Topic(gateway, "receipt"))
        self._outbox = Outbox(
            spool.last, window_rows=window_rows, window_bytes=window_bytes, receipt_timeout_s=receipt_timeout_s
        )
        self._awake = asyncio.Event()
        self._connected = False
        self._connects = 0
        self._sent = 0

    @property
    def stats(self) -> UplinkStats:
        """The figures now."""
        return UplinkStats(self._connected, self._connects, self._sent, self._outbox.resent, self._outbox.unreceipted)

    def wake(self) -> None:
        """There are new rows in the spool: look at once. To be called in the event loop."""
        self._awake.set()

    async def run(self) -> None:
        """Stay connected and send, until cancelled: then say farewell. Raises SpoolBroken."""
        attempt, said = 0, False
        while True:
            sent, connects = self._sent, self._connects
            try:
                await self._session()
            except BrokerLost as lost:
                if self._connects > connects or not said:
                    said = True
                    log.warning("the broker is lost (%s): readings wait in the spool", lost)
            _obey_cancellation()
            # A broker that takes our messages has earned a quick return; one that only lets us in has not.
            attempt = 0 if self._sent > sent else attempt + 1
            await asyncio.sleep(backoff(attempt, high_s=self._reconnect_high_s))

    async def _session(self) -> None:
        """One connection, from birth to loss. Raises BrokerLost."""
        try:
            async with self._connection() as client:
                try:
                    await self._introduce(client)
                    await self._exchange(client)
                except asyncio.CancelledError:
                    with suppress(aiomqtt.MqttError, TimeoutError):
                        async with asyncio.timeout(_FAREWELL_S):
                            await _say(client, self._presence.stopped(self._now().at))
                    raise
        except aiomqtt.MqttError as error:
            raise BrokerLost(str(error)) from error
        finally:
            self._connected = False
            self._outbox.connected(self._spool.last)

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[aiomqtt.Client]:
        """A client that is connected, and in any case disconnected at the end. Raises MqttError, BrokerLost."""
        client = self._client()
        # aiomqtt connects in a thread that it cannot stop: a cancellation waits for it (seconds), else its socket and
        # its task would outlive us.
        connecting = asyncio.ensure_future(client.__aenter__())
        try:
            await asyncio.shield(connecting)
        except asyncio.CancelledError:
            with suppress(aiomqtt.MqttError):
                await connecting
                await client.__aexit__(None, None, None)
            raise
        except aiomqtt.MqttError:
            # A broker that took the connection and never answered: aiomqtt leaves it open.
            client.timeout = 0.1
            with suppress(aiomqtt.MqttError):
                await client.__aexit__(None, None, None)
            raise
        try:
            yield client
        finally:
            await client.__aexit__(None, None, None)

    def _client(self) -> aiomqtt.Client:
        broker, will = self._broker, self._presence.lost(self._now().at)
        try:
            password = broker.password_file.read_text(encoding="utf-8").strip() if broker.password_file else None
            tls = _tls(broker)
        except OSError as error:  # ssl.SSLError is one
            raise BrokerLost(f"credentials: {error}") from error
        client = aiomqtt.Client(
            broker.host,
            broker.port,
            identifier=self._gateway,
            username=broker.username,
            password=password,
            tls_context=tls,
            protocol=aiomqtt.ProtocolVersion.V5,
            clean_start=True,
            keepalive=self._keepalive_s,
            timeout=self._timeout_s,
            will=aiomqtt.Will(will.topic, will.payload, qos=1, retain=will.retain),
            max_inflight_messages=self._in_flight,
            logger=_mqtt_log,
        )
        client.pending_calls_threshold = self._in_flight + 5
        return client

    async def _introduce(self, client: aiomqtt.Client) -> None:
        await client.subscribe(self._receipt_topic, qos=1)
        at = self._now().at
        await _say(client, self._presence.birth(at))
        await _say(client, self._presence.online(at))
        self._connected = True
        self._connects += 1
        self._outbox.connected(self._spool.last)
        log.info("connected to the broker at %s:%d", self._broker.host, self._broker.port)

    async def _exchange(self, client: aiomqtt.Client) -> None:
        """Send and receive until the connection is lost. Raises BrokerLost; a spool's error as it is."""
        queue: asyncio.Queue[Row] = asyncio.Queue(1)
        lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(_until_lost(self._receive(client), lost), name="uplink.receive")
                tasks.create_task(self._feed(queue), name="uplink.feed")
                for number in range(self._in_flight):
                    publishing = _until_lost(self._publish(client, queue), lost)
                    tasks.create_task(publishing, name=f"uplink.publish.{number}")
                await lost
        except BaseExceptionGroup as group:
            _, other = group.split(BrokerLost)
            raise (other or group).exceptions[0] from None

    async def _feed(self, queue: asyncio.Queue[Row]) -> None:
        """Hand rows to the publishers, in the order that the outbox says."""
        while True:
            self._awake.clear()
            rows = await self._next_rows()
            for row in rows:
                await queue.put(row)
            if not rows:
                with suppress(TimeoutError):
                    async with asyncio.timeout(_TICK_S):
                        await self._awake.wait()

    async def _next_rows(self) -> list[Row]:
        """A portion of what goes next: live rows, else rows whose receipt is overdue, else backlog."""
        span = self._outbox.wanted(self._spool.last)
        if span is None or not span.live:
            rows = await self._rows_again()
            if rows:
                return rows
        if span is None:
            return []
        rows = await asyncio.to_thread(self._spool.rows, span.after, span.upto, span.limit)
        self._outbox.fetched(span, rows, time.monotonic())
        return rows

    async def _rows_again(self) -> list[Row]:
        wanted = self._outbox.again(time.monotonic())
        if not wanted:
            return []
        rows = await asyncio.to_thread(lambda: [row for _, at in wanted for row in self._spool.rows(at - 1, at, 1)])
        there = {row.id for row in rows}
        for key, at in wanted:
            if at not in there:
                self._outbox.gone(key)
        return rows

    async def _publish(self, client: aiomqtt.Client, queue: asyncio.Queue[Row]) -> None:
        """Send rows, one at a time, each until the broker has it."""
        while True:
            row = await queue.get()
            payload, content_type = self._message(row)
            properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
            properties.ContentType = content_type
            properties.UserProperty = [("boot", row.boot), ("seq", str(row.seq))]
            await client.publish(self._readings_topic, payload, qos=1, properties=properties)
            self._sent += 1
            self._outbox.taken((row.boot, row.seq))

    def _message(self, row: Row) -> tuple[bytes, ContentType]:
        envelope = Envelope(
            gateway=self._gateway,
            boot=row.boot,
            seq=row.seq,
            sent_at=self._now().at,
            readings=msgspec.Raw(row.payload),
        )
        plain = encode(envelope)
        if self._compress and len(plain) >= _COMPRESS_FROM:
            return pack(plain, JSON_ZLIB), JSON_ZLIB
        return plain, JSON

    async def _receive(self, client: aiomqtt.Client) -> None:
        """Apply receipts as they come."""
        async for message in client.messages:
            try:
                receipt = decode_receipt(message.payload)
            except Unreadable as error:
                log.warning("a receipt cannot be read: %s", error)
            else:
                self._apply(receipt)

    def _apply(self, receipt: Receipt) -> None:
        if receipt.gateway != self._gateway:
            log.warning("a receipt for %s came to %s", receipt.gateway, self._gateway)
            return
        ids = self._outbox.receipted(receipt.boot, receipt.ranges)
        if ids:
            self._spool.discard(ids)
            self._awake.set()
        for refused in receipt.refused:
            log.warning("the county put message %s/%d into quarantine: %s", receipt.boot, refused.seq, refused.reason)


async def _until_lost(work: Coroutine[None, None, None], lost: asyncio.Future[None]) -> None:
    """Do the work until the connection is lost, and say so in `lost`.

    Not by raising: a TaskGroup whose task fails cancels the task that it runs in, and in Python 3.11 that request is
    still counted afterwards, where it cannot be told from somebody's wish to end the uplink.
    """
    try:
        await work
    except aiomqtt.MqttError as error:
        if not lost.done():
            lost.set_exception(BrokerLost(str(error)))


def _obey_cancellation() -> None:
    """A TaskGroup whose body fails while it is cancelled tells only of the failure (Python 3.11, 3.12)."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


async def _say(client: aiomqtt.Client, said: Said) -> None:
    await client.publish(said.topic, said.payload, qos=1, retain=said.retain)


def _tls(broker: BrokerSettings) -> ssl.SSLContext | None:
    if broker.ca is None:
        return None
    context = ssl.create_default_context(cafile=str(broker.ca))
    if broker.certificate is not None:
        context.load_cert_chain(str(broker.certificate), str(broker.key) if broker.key else None)
    return context
