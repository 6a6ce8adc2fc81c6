"""The ingest on the broker of production: TLS, its account taken from its certificate."""

from __future__ import annotations

import asyncio
import gc
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from paho.mqtt.client import Client, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion

from cloud_ingest.config import BrokerSettings
from cloud_ingest.inbox import Inbox
from cloud_ingest.subscriber import Subscriber
from devices.contract.message import Receipt, encode
from simulators.servers import ProductionMosquitto, ServerMissing
from tests.conftest import missing
from tests.integration.ingest_process import BEGIN, until


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[ProductionMosquitto]:
    try:
        server = ProductionMosquitto(tmp_path / "broker", ["cloud-ingest", "gw-1"])
    except ServerMissing as absent:
        missing(str(absent))
        raise
    with server:
        yield server


@pytest.fixture
def gateway(broker: ProductionMosquitto) -> Iterator[Client]:
    client = Client(CallbackAPIVersion.VERSION2, "gw-1", protocol=MQTTv5)
    context = ssl.create_default_context(cafile=str(broker.certs / "ca.crt"))
    context.load_cert_chain(broker.certs / "gw-1.crt", broker.certs / "gw-1.key")
    client.tls_set_context(context)
    client.max_inflight_messages_set(200)
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    until(client.is_connected, "the gateway is connected")
    yield client
    client.disconnect()
    client.loop_stop()


def settings(broker: ProductionMosquitto, name: str) -> BrokerSettings:
    certs = broker.certs
    return BrokerSettings(
        host="127.0.0.1",
        port=broker.port,
        ca_file=str(certs / "ca.crt"),
        certificate_file=str(certs / f"{name}.crt"),
        key_file=str(certs / f"{name}.key"),
    )


async def seen_that(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(0.01)


async def test_everything_that_tls_delivers_is_read_even_in_a_flood(
    broker: ProductionMosquitto, gateway: Client
) -> None:
    inbox = Inbox(50, 10_000_000)
    subscriber = Subscriber(settings(broker, "cloud-ingest"), "cloud-ingest", inbox)
    running = asyncio.create_task(subscriber.run())
    receipts: list[bytes] = []
    gateway.on_message = lambda _client, _data, message: receipts.append(bytes(message.payload))
    gateway.subscribe("county/v1/gw-1/receipt", qos=1)
    async with asyncio.timeout(30):
        await seen_that(lambda: subscriber.connected)
        for number in range(500):
            gateway.publish("county/v1/gw-1/readings", f"{number:05}".encode() * 1000, qos=1)
        seen: list[int] = []
        while len(seen) < 500:
            if (delivery := inbox.next()) is None:
                await inbox.arrival()
                continue
            seen.append(int(delivery.payload[:5]))
            subscriber.acknowledge([delivery])
            inbox.done([delivery])
        assert seen == list(range(500))
        receipt = Receipt(gateway="gw-1", boot="boot1", ranges=[(1, 500)], at=BEGIN)
        subscriber.publish("county/v1/gw-1/receipt", encode(receipt))
        await seen_that(lambda: bool(receipts))
    assert receipts == [encode(receipt)]
    await subscriber.close()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # paho leaves the socket of a failed handshake to Python
async def test_a_broker_that_another_authority_vouches_for_is_not_believed(
    broker: ProductionMosquitto, tmp_path: Path, caplog
) -> None:
    stranger = ProductionMosquitto(tmp_path / "stranger", ["cloud-ingest"], broker.port + 1)
    wrong = settings(stranger, "cloud-ingest")
    subscriber = Subscriber(
        BrokerSettings(host="127.0.0.1", port=broker.port, ca_file=wrong.ca_file), "cloud-ingest", Inbox(10, 1000)
    )
    running = asyncio.create_task(subscriber.run())
    async with asyncio.timeout(20):
        await seen_that(lambda: subscriber.connections >= 3)
    assert "CERTIFICATE_VERIFY_FAILED" in caplog.text
    assert not subscriber.connected
    subscriber.stop()
    await asyncio.wait_for(running, 10)
    gc.collect()
