"""The broker's production file, started as it is: who gets in, and who may write what."""

from __future__ import annotations

import asyncio
import contextlib

import aiomqtt
import pytest

from devices.contract.message import MAX_MESSAGE_BYTES
from simulators.servers import ProductionMosquitto, ServerMissing
from tests.conftest import missing


@pytest.fixture(scope="module")
def broker(tmp_path_factory):
    try:
        server = ProductionMosquitto(tmp_path_factory.mktemp("broker"), ["cloud-ingest", "gw-1", "gw-2"])
    except ServerMissing as absent:
        missing(str(absent))
    with server:
        yield server


def client(broker: ProductionMosquitto, name: str | None) -> aiomqtt.Client:
    """A client that shows this name's certificate, or none."""
    pair = [str(broker.certs / f"{name}.{end}") if name else None for end in ("crt", "key")]
    tls = aiomqtt.TLSParameters(ca_certs=str(broker.certs / "ca.crt"), certfile=pair[0], keyfile=pair[1])
    return aiomqtt.Client("127.0.0.1", broker.port, protocol=aiomqtt.ProtocolVersion.V5, tls_params=tls, timeout=5)


async def first(listener: aiomqtt.Client) -> tuple[str, bytes]:
    async with asyncio.timeout(10):
        async for message in listener.messages:
            return str(message.topic), bytes(message.payload)
    raise AssertionError("the connection ended")


async def test_a_gateway_writes_under_its_own_id_and_the_ingest_hears_it(broker):
    async with client(broker, "cloud-ingest") as ingest, client(broker, "gw-1") as gateway:
        await ingest.subscribe("county/v1/+/readings", qos=1)
        await gateway.publish("county/v1/gw-1/readings", b"mine", qos=1)
        assert await first(ingest) == ("county/v1/gw-1/readings", b"mine")


async def test_a_gateway_cannot_write_under_another_id_nor_send_receipts(broker):
    async with client(broker, "cloud-ingest") as ingest:
        await ingest.subscribe("county/v1/+/readings", qos=1)
        await ingest.subscribe("county/v1/+/receipt", qos=1)
        for forged in ("county/v1/gw-2/readings", "county/v1/gw-1/receipt"):
            # Mosquitto 2.0.11 hangs up on a forger; later ones only refuse the message.
            with contextlib.suppress(aiomqtt.MqttError):
                async with client(broker, "gw-1") as gateway:
                    await gateway.publish(forged, b"forged", qos=1, timeout=3)
        async with client(broker, "gw-2") as gateway:
            await gateway.publish("county/v1/gw-2/readings", b"genuine", qos=1)
        assert await first(ingest) == ("county/v1/gw-2/readings", b"genuine")


async def test_a_gateway_hears_its_own_receipts_only(broker):
    async with client(broker, "cloud-ingest") as ingest, client(broker, "gw-1") as gateway:
        await gateway.subscribe("county/v1/+/receipt", qos=1)
        await ingest.publish("county/v1/gw-2/receipt", b"for the other", qos=1)
        await ingest.publish("county/v1/gw-1/receipt", b"for me", qos=1)
        assert await first(gateway) == ("county/v1/gw-1/receipt", b"for me")


async def test_nobody_gets_in_without_a_certificate_of_the_county(broker):
    with pytest.raises(aiomqtt.MqttError):
        async with client(broker, None):
            pass
    with pytest.raises(aiomqtt.MqttError):
        async with aiomqtt.Client("127.0.0.1", broker.port, timeout=3):
            pass


async def test_the_largest_message_of_the_contract_passes_and_a_larger_one_does_not(broker):
    async with client(broker, "cloud-ingest") as ingest:
        await ingest.subscribe("county/v1/+/readings", qos=1)
        async with client(broker, "gw-1") as gateway:
            await gateway.publish("county/v1/gw-1/readings", bytes(MAX_MESSAGE_BYTES), qos=1)
        assert len((await first(ingest))[1]) == MAX_MESSAGE_BYTES
        with pytest.raises(aiomqtt.MqttError):
            async with client(broker, "gw-1") as gateway:
                await gateway.publish("county/v1/gw-1/readings", bytes(MAX_MESSAGE_BYTES + 20_000), qos=1, timeout=3)
        async with client(broker, "gw-2") as gateway:
            await gateway.publish("county/v1/gw-2/readings", b"small", qos=1)
        assert await first(ingest) == ("county/v1/gw-2/readings", b"small")
