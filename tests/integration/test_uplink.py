"""The uplink against a real broker: births, receipts, repeats, and coming back."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import aiomqtt
import pytest

from devices.contract.message import (
    JSON,
    Receipt,
    decode_birth,
    decode_readings,
    decode_state,
    encode,
    encode_readings,
    unpack,
)
from devices.contract.readings import DeviceLink
from edge_agent.clock import Moment
from edge_agent.spool import Group, Spool
from edge_agent.uplink import BrokerSettings, Uplink

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


def group(number: int) -> Group:
    return Group(encode_readings([DeviceLink(device=f"d-{number}", at=NOW, connected=True)]), 1)


class County:
    """The other side: hears what gateways say, and receipts what it is told to."""

    def __init__(self, broker) -> None:
        self.client = aiomqtt.Client(
            "127.0.0.1", broker.port, username="cloud-ingest", password="c", protocol=aiomqtt.ProtocolVersion.V5
        )

    async def hear(self, stream: str):
        async with asyncio.timeout(20):
            async for message in self.client.messages:
                if str(message.topic) == f"county/v1/gw-1/{stream}":
                    return message
        raise AssertionError("the connection ended")

    async def reading(self):
        message = await self.hear("readings")
        kind = message.properties.ContentType
        sent = decode_readings(unpack(message.payload, kind))
        assert dict(message.properties.UserProperty) == {"boot": sent.boot, "seq": str(sent.seq)}
        assert kind.startswith(JSON)
        return sent

    async def receipt(self, *ranges: tuple[int, int]) -> None:
        answer = encode(Receipt(gateway="gw-1", boot="aaaa", ranges=list(ranges), at=NOW))
        await self.client.publish("county/v1/gw-1/receipt", answer, qos=1)


@pytest.fixture
def spool(tmp_path):
    spool = Spool(tmp_path / "spool.db", boot="aaaa", now=lambda: Moment(NOW, "gateway"))
    yield spool
    spool.close()


@pytest.fixture
def broker(start_mosquitto):
    return start_mosquitto(gw_1="g", cloud_ingest="c")


def uplink(spool, broker, tmp_path, **options) -> Uplink:
    (tmp_path / "password").write_text("g")
    settings = BrokerSettings("127.0.0.1", broker.port, "gw-1", tmp_path / "password")
    now = Moment(NOW, "gateway")
    return Uplink(spool, gateway="gw-1", broker=settings, devices=[], now=lambda: now, software="test", **options)


async def ended(task) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def emptied(spool) -> None:
    async with asyncio.timeout(20):
        while True:
            spool.settle()
            if not spool.stats().spool_readings:
                return
            await asyncio.sleep(0.05)


async def test_a_row_is_sent_and_deleted_only_when_the_county_has_receipted_it(spool, broker, tmp_path):
    spool.append([group(1), group(2)])
    county = County(broker)
    async with county.client as client:
        await client.subscribe("county/v1/+/readings", qos=1)
        running = asyncio.create_task(uplink(spool, broker, tmp_path).run())
        assert {(await county.reading()).seq, (await county.reading()).seq} == {1, 2}
        spool.settle()
        assert spool.stats().spool_readings == 2
        await county.receipt((1, 2))
        await emptied(spool)
        await ended(running)


async def test_a_row_without_a_receipt_is_sent_again(spool, broker, tmp_path):
    spool.append([group(1)])
    county = County(broker)
    async with county.client as client:
        await client.subscribe("county/v1/+/readings", qos=1)
        sender = uplink(spool, broker, tmp_path, receipt_timeout_s=0.5)
        running = asyncio.create_task(sender.run())
        assert (await county.reading()).seq == 1
        assert (await county.reading()).seq == 1
        assert sender.stats.resent >= 1
        await ended(running)


async def test_a_gateway_says_who_it_is_and_goodbye(spool, broker, tmp_path):
    county = County(broker)
    async with county.client as client:
        await client.subscribe("county/v1/+/birth", qos=1)
        await client.subscribe("county/v1/+/state", qos=1)
        running = asyncio.create_task(uplink(spool, broker, tmp_path).run())
        assert decode_birth((await county.hear("birth")).payload).software == "test"
        assert decode_state((await county.hear("state")).payload).state == "online"
        await ended(running)
        goodbye = decode_state((await county.hear("state")).payload)
        assert (goodbye.state, goodbye.reason) == ("offline", "stopped")


async def test_an_uplink_whose_broker_was_killed_comes_back_and_sends_what_was_not_receipted(spool, broker, tmp_path):
    spool.append([group(1)])
    running = asyncio.create_task(uplink(spool, broker, tmp_path, reconnect_high_s=1).run())
    first = County(broker)
    async with first.client as client:
        await client.subscribe("county/v1/+/readings", qos=1)
        assert (await first.reading()).seq == 1
    for _ in range(2):
        broker.kill()
        broker.start()
        county = County(broker)
        async with county.client as client:
            await client.subscribe("county/v1/+/readings", qos=1)
            spool.append([group(2)])
            assert (await county.reading()).boot == "aaaa"
            assert not running.done()
    await ended(running)
