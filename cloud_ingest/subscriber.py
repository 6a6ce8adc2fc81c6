"""The ingest's connection to the broker: MQTT 5, acknowledged by hand. The only file that knows paho-mqtt.

paho runs on our event loop through its socket hooks, so no thread and no lock stands between a message and the inbox.
When the inbox is full nothing is read from the socket; when that lasts, the connection is let go (the session stays
with the broker) until there is room, because a client that does not read cannot keep a connection alive either.

What was not acknowledged on a connection is delivered again on the next one, with message ids given out anew. So every
delivery carries the number of its connection, and an acknowledgement for an earlier one is passed over.
"""

from __future__ import annotations

import asyncio
import logging
import random
import socket
import ssl
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from paho.mqtt.client import Client, MQTTMessage, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from cloud_ingest.config import BrokerSettings
from cloud_ingest.inbox import Delivery, Inbox
from devices.contract.message import MAX_MESSAGE_BYTES
from devices.contract.topics import topic_filter

log = logging.getLogger(__name__)

#: A full inbox for so long, and the connection is let go.
PATIENCE_S = 20.0
LONGEST_WAIT_S = 30.0
#: Linux: hold small writes back until uncorked.
_CORK: int | None = getattr(socket, "TCP_CORK", None)
#: Packets read before the loop may do something else.
_AT_ONCE = 64
#: The payload, the topic and the properties.
_MOST_PACKET_BYTES = MAX_MESSAGE_BYTES + 8192


class BrokerLost(Exception):
    """There is no connection to the broker (any more): connect again after a pause."""


class Subscriber:
    """Fills the inbox and says the pipeline's answers, over one connection after the other."""

    def __init__(self, settings: BrokerSettings, client_id: str, inbox: Inbox, patience_s: float = PATIENCE_S) -> None:
        self._settings = settings
        self._inbox = inbox
        self._patience_s = patience_s
        self._client = self._make_client(client_id)
        #: The present connection's number, which its deliveries carry; another one while there is none.
        self._connection = 0
        self._tried = 0
        self._lost: asyncio.Future[str] | None = None
        self._subscribed = False
        self._paused = False
        self._attached: socket.socket | None = None
        self._stopping = asyncio.Event()
        inbox.on_room = self._resume
        #: Told whenever hearing begins.
        self.on_listening: Callable[[], None] = lambda: None

    @property
    def connected(self) -> bool:
        """Whether the broker has confirmed the subscriptions of this connection."""
        return self._subscribed

    @property
    def paused(self) -> bool:
        """Whether reading is suspended because the inbox is full."""
        return self._paused

    @property
    def connections(self) -> int:
        """How many times a connection was tried."""
        return self._tried

    async def run(self) -> None:
        """Be connected, again and again, until `stop`. A bad network never ends this."""
        tries = 0
        said = ""
        while not self._stopping.is_set():
            try:
                await self._connect_and_serve()
            except BrokerLost as lost:
                if str(lost) != said:
                    log.warning("broker: %s", lost)
                said = str(lost)
            tries = 0 if self._subscribed else tries + 1
            if self._subscribed:
                said = ""
            self._forget_connection()
            await self._inbox.room()
            await self._pause(random.uniform(0, min(LONGEST_WAIT_S, 0.2 * 2 ** min(tries, 10))))

    def stop(self) -> None:
        """Read no more; acknowledgements and receipts may still be sent until `close`."""
        self._stopping.set()
        self._read(False)

    async def close(self, patience_s: float = 3.0) -> None:
        """Send what is left to send, say goodbye to the broker (the session stays with it), and end `run`."""
        deadline = asyncio.get_running_loop().time() + patience_s
        self._stopping.set()
        if self._lost is None or self._lost.done():
            return
        self._client.disconnect()
        while self._client.socket() is not None and asyncio.get_running_loop().time() < deadline:
            self._client.loop_write()
            await asyncio.sleep(0.01)
        self._lose("closed")

    def acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        """PUBACK in this order, but for those of earlier connections."""
        for delivery in deliveries:
            if delivery.connection == self._connection and delivery.mid:
                self._client.ack(delivery.mid, 1)

    def publish(self, topic: str, payload: bytes) -> None:
        """Send with QoS 1. A full queue drops it: it is repeated when the message comes again."""
        self._client.publish(topic, payload, qos=1)

    def _make_client(self, client_id: str) -> Client:
        settings = self._settings
        client = Client(CallbackAPIVersion.VERSION2, client_id, protocol=MQTTv5, manual_ack=True)
        client.connect_timeout = settings.connect_timeout_s
        client.max_queued_messages_set(20_000)
        if settings.username:
            client.username_pw_set(settings.username, _secret(settings.password_file))
        if settings.ca_file or settings.certificate_file:
            client.tls_set_context(_tls(settings))
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        client.on_disconnect = self._on_disconnect
        client.on_socket_close = self._on_socket_close
        client.on_socket_register_write = self._on_want_write
        client.on_socket_unregister_write = self._on_wrote
        return client

    async def _connect_and_serve(self) -> None:
        """One connection, from its attempt to its loss."""
        self._tried += 1
        self._connection += 1
        self._lost = asyncio.get_running_loop().create_future()
        settings = self._settings
        try:
            # Resolving, connecting and the TLS handshake block: the only thing done in a thread.
            await asyncio.to_thread(
                self._client.connect,
                settings.host,
                settings.port,
                keepalive=settings.keepalive_s,
                clean_start=False,
                properties=self._connect_properties(),
            )
        except (OSError, ValueError) as error:
            raise BrokerLost(f"{settings.host}:{settings.port}: {error}") from error
        self._attach()
        await self._serve(self._lost)

    def _connect_properties(self) -> Properties:
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = self._settings.session_expiry_s
        properties.ReceiveMaximum = self._settings.receive_maximum
        properties.MaximumPacketSize = _MOST_PACKET_BYTES
        return properties

    async def _serve(self, lost: asyncio.Future[str]) -> None:
        """Keep the connection alive and mind the inbox until it is lost."""
        loop = asyncio.get_running_loop()
        full_since: float | None = None
        while not lost.done():
            await asyncio.wait([lost], timeout=0.5)
            self._client.loop_misc()
            if not self._paused or self._stopping.is_set():
                full_since = None
            elif full_since is None:
                full_since = loop.time()
            elif loop.time() - full_since > self._patience_s:
                self._lose("let go, because the inbox has been full for too long")
                self._client.disconnect()
                self._client.loop_write()
        raise BrokerLost(lost.result())

    def _forget_connection(self) -> None:
        self._detach()
        self._subscribed = False
        self._connection += 1
        self._inbox.forget()
        self._paused = False

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            pass

    # What the socket tells the loop, and the loop paho.

    def _attach(self) -> None:
        sock = self._client.socket()
        if sock is None:
            self._lose("closed while connecting")
            return
        self._attached = sock  # type: ignore[assignment]
        self._read(True)
        self._on_want_write(None, None, sock)

    def _detach(self) -> None:
        if self._attached is not None:
            loop = asyncio.get_running_loop()
            loop.remove_reader(self._attached)
            loop.remove_writer(self._attached)
            self._attached = None

    def _read(self, wanted: bool) -> None:
        if self._attached is None:
            return
        if wanted:
            asyncio.get_running_loop().add_reader(self._attached, self._on_readable)
        else:
            asyncio.get_running_loop().remove_reader(self._attached)

    def _on_readable(self) -> None:
        """Read packets as long as each brings a message: paho does not say when the socket is empty."""
        for _ in range(_AT_ONCE):
            before = self._inbox.in_flight
            self._client.loop_read()
            if self._inbox.full:
                self._suspend()
                return
            if self._inbox.in_flight == before and not self._undelivered():
                return
        if self._undelivered():
            # A TLS socket that has decrypted more than was read does not become readable for it.
            asyncio.get_running_loop().call_soon(self._on_readable)

    def _undelivered(self) -> bool:
        return isinstance(self._attached, ssl.SSLSocket) and self._attached.pending() > 0

    def _suspend(self) -> None:
        if not self._paused and self._attached is not None:
            self._paused = True
            self._read(False)

    def _resume(self) -> None:
        if self._paused and not self._stopping.is_set():
            self._paused = False
            self._read(True)
            asyncio.get_running_loop().call_soon(self._on_readable)

    def _on_want_write(self, _client: Any, _data: Any, sock: Any) -> None:  # noqa: ANN401 - paho's
        if self._attached is not None and sock is self._attached:
            asyncio.get_running_loop().add_writer(sock, self._on_writable)

    def _on_writable(self) -> None:
        """Send what waits, the acknowledgements of a batch among it: corked, because paho sends each by itself."""
        self._cork(True)
        self._client.loop_write()
        self._cork(False)

    def _cork(self, on: bool) -> None:
        if self._attached is not None and _CORK is not None:
            self._attached.setsockopt(socket.IPPROTO_TCP, _CORK, on)

    def _on_wrote(self, _client: Any, _data: Any, sock: Any) -> None:  # noqa: ANN401 - paho's
        if self._attached is not None and sock is self._attached:
            asyncio.get_running_loop().remove_writer(self._attached)

    def _on_socket_close(self, _client: Any, _data: Any, sock: Any) -> None:  # noqa: ANN401 - paho's
        if sock is self._attached:
            self._detach()

    # What paho tells us.

    def _on_connect(self, client: Client, _data: Any, flags: Any, reason: Any, _properties: Any) -> None:  # noqa: ANN401
        if reason.is_failure:
            self._lose(f"refused: {reason}")
            return
        log.info("broker: connected, %s", "session resumed" if flags.session_present else "new session")
        readings = topic_filter("readings")
        if self._settings.share:
            readings = f"$share/{self._settings.share}/{readings}"
        options = SubscribeOptions(qos=1)
        client.subscribe([(readings, options), (topic_filter("birth"), options), (topic_filter("state"), options)])

    def _on_subscribe(self, _client: Any, _data: Any, _mid: int, reasons: list[Any], _properties: Any) -> None:  # noqa: ANN401
        refused = [str(reason) for reason in reasons if reason.is_failure]
        if refused:
            self._lose(f"subscription refused: {refused[0]}")
            return
        self._subscribed = True
        self.on_listening()

    def _on_message(self, _client: Any, _data: Any, message: MQTTMessage) -> None:  # noqa: ANN401 - paho's
        properties = message.properties
        said: dict[str, str] = dict(getattr(properties, "UserProperty", ()))
        self._inbox.put(
            Delivery(
                _topic_of(message),
                bytes(message.payload),
                getattr(properties, "ContentType", ""),
                said.get("boot", ""),
                said.get("seq", ""),
                message.mid if message.qos else 0,
                self._connection,
            )
        )

    def _on_disconnect(self, _client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:  # noqa: ANN401
        self._lose(f"connection lost: {reason}")

    def _lose(self, why: str) -> None:
        if self._lost is not None and not self._lost.done():
            self._lost.set_result(why)


def _topic_of(message: MQTTMessage) -> str:
    try:
        return message.topic
    except UnicodeDecodeError:
        return ""


def _secret(path: str) -> str:
    return Path(path).read_text(encoding="utf-8").strip() if path else ""


def _tls(settings: BrokerSettings) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=settings.ca_file or None)
    if settings.certificate_file:
        context.load_cert_chain(settings.certificate_file, settings.key_file or None)
    return context
