"""The ingest when something is gone for a while: the store, the broker, the reader of the socket."""

from __future__ import annotations

import asyncio
import contextlib
import json
import urllib.parse
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from cloud_ingest.config import BrokerSettings
from cloud_ingest.inbox import Delivery, Inbox
from cloud_ingest.stores.influx import InfluxStore
from cloud_ingest.subscriber import Subscriber
from simulators.servers import Influx, Mosquitto, ServerMissing
from tests.conftest import missing
from tests.integration.ingest_process import Gateway, IngestProcess, positions, until

Start = Callable[..., Mosquitto]


@pytest.fixture
def broker(start_mosquitto: Start) -> Mosquitto:
    return start_mosquitto(cloud_ingest="county", gw_01="one")


@pytest.fixture
def gateway(broker: Mosquitto) -> Iterator[Gateway]:
    with Gateway("gw-01", "one", broker) as gateway:
        yield gateway


@pytest.fixture
def influx(tmp_path: Path) -> Iterator[Influx]:
    """A database of its own, because it is stopped and started."""
    try:
        server = Influx(tmp_path / "influx")
    except ServerMissing as absent:
        missing(str(absent))
        raise
    yield server.start()
    server.stop()


class Connection:
    """A subscriber on its own, with its inbox."""

    def __init__(
        self,
        broker: Mosquitto,
        folder: Path,
        most_messages: int = 1000,
        patience_s: float = 60,
        client_id: str = "cloud-ingest",
        share: str = "",
    ) -> None:
        (folder / "password").write_text("county")
        settings = BrokerSettings(
            host=broker.host,
            port=broker.port,
            username="cloud-ingest",
            password_file=str(folder / "password"),
            share=share,
        )
        self.inbox = Inbox(most_messages, 10_000_000)
        self.subscriber = Subscriber(settings, client_id, self.inbox, patience_s)

    async def take(self, count: int) -> list[Delivery]:
        """Wait for so many messages."""
        taken: list[Delivery] = []
        async with asyncio.timeout(15):
            while len(taken) < count:
                if (delivery := self.inbox.next()) is not None:
                    taken.append(delivery)
                else:
                    await self.inbox.arrival()
        return taken

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(15):
            while not condition():
                await asyncio.sleep(0.01)

    async def cut(self) -> None:
        """Cut the wire, and wait for the next connection."""
        before = self.subscriber.connections
        self.subscriber._attached.shutdown(2)
        await self.until(lambda: self.subscriber.connections > before and self.subscriber.connected)


@contextlib.asynccontextmanager
async def connected(connection: Connection) -> AsyncIterator[Connection]:
    running = asyncio.create_task(connection.subscriber.run())
    try:
        await connection.until(lambda: connection.subscriber.connected)
        yield connection
    finally:
        await connection.subscriber.close()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def numbers(deliveries: list[Delivery]) -> list[str]:
    return [delivery.seq for delivery in deliveries]


async def test_a_late_acknowledgement_does_not_acknowledge_another_message(
    broker: Mosquitto, gateway: Gateway, tmp_path: Path
) -> None:
    async with connected(Connection(broker, tmp_path)) as connection:
        for number in range(3):
            gateway.send(positions("truck-001", number, 1))
        old = await connection.take(3)
        await connection.cut()
        again = await connection.take(3)
        connection.subscriber.acknowledge(old)
        await connection.cut()
        once_more = await connection.take(3)
        assert numbers(old) == numbers(again) == numbers(once_more) == ["1", "2", "3"]
        connection.subscriber.acknowledge(once_more)
        gateway.send(positions("truck-001", 9, 1))
        assert numbers(await connection.take(1)) == ["4"]
        await connection.cut()
        assert numbers(await connection.take(1)) == ["4"], "only the last one was not acknowledged"


async def test_a_full_inbox_stops_the_reading_and_room_starts_it_again(
    broker: Mosquitto, gateway: Gateway, tmp_path: Path
) -> None:
    async with connected(Connection(broker, tmp_path, most_messages=20)) as connection:
        for number in range(200):
            gateway.send(positions("truck-001", number, 1))
        await connection.until(lambda: connection.subscriber.paused)
        await asyncio.sleep(0.2)
        assert connection.inbox.in_flight == 20
        seen: list[str] = []
        while len(seen) < 200:
            deliveries = await connection.take(min(5, 200 - len(seen)))
            connection.subscriber.acknowledge(deliveries)
            connection.inbox.done(deliveries)
            seen += numbers(deliveries)
            assert connection.inbox.in_flight <= 20
        assert seen == [str(number) for number in range(1, 201)]


async def test_an_inbox_that_stays_full_lets_the_connection_go_until_there_is_room(
    broker: Mosquitto, gateway: Gateway, tmp_path: Path
) -> None:
    async with connected(Connection(broker, tmp_path, most_messages=10, patience_s=0.2)) as connection:
        for number in range(50):
            gateway.send(positions("truck-001", number, 1))
        in_hand = await connection.take(10)
        await connection.until(lambda: not connection.subscriber.connected)
        assert connection.inbox.in_flight == 10, "what is in hand still counts"
        connection.inbox.done(in_hand)
        seen: set[str] = set()
        while len(seen) < 50:
            deliveries = await connection.take(1)
            connection.subscriber.acknowledge(deliveries)
            connection.inbox.done(deliveries)
            seen |= set(numbers(deliveries))
        assert connection.subscriber.connections >= 2


async def test_two_ingests_with_a_shared_subscription_divide_the_messages(
    broker: Mosquitto, gateway: Gateway, tmp_path: Path
) -> None:
    first = Connection(broker, tmp_path, client_id="cloud-ingest-0", share="county")
    second = Connection(broker, tmp_path, client_id="cloud-ingest-1", share="county")
    async with connected(first), connected(second):
        for number in range(100):
            gateway.send(positions("truck-001", number, 1))
        await first.until(lambda: first.inbox.in_flight + second.inbox.in_flight == 100)
        shares = [numbers(await one.take(one.inbox.in_flight)) for one in (first, second)]
        assert sorted(map(int, shares[0] + shares[1])) == list(range(1, 101))
        assert all(shares)


async def test_a_broker_that_comes_late_is_waited_for(tmp_path: Path, broker: Mosquitto) -> None:
    broker.stop()
    connection = Connection(broker, tmp_path)
    running = asyncio.create_task(connection.subscriber.run())
    await connection.until(lambda: connection.subscriber.connections > 3)
    assert not connection.subscriber.connected
    broker.start()
    await connection.until(lambda: connection.subscriber.connected)
    connection.subscriber.stop()
    await connection.subscriber.close()
    await asyncio.wait_for(running, 10)


def count(influx: Influx, database: str) -> int:
    query = urllib.parse.urlencode({"db": database, "q": "select count(latitude) from truck_position"})
    with urllib.request.urlopen(f"{influx.url}/query?{query}") as answer:  # noqa: S310 - our own loopback address
        series = json.load(answer)["results"][0].get("series")
    return series[0]["values"][0][1] if series else 0


def resident_mb(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * 4096 / 1024 / 1024


async def test_a_store_that_is_down_for_a_while_costs_nothing(
    tmp_path: Path, broker: Mosquitto, gateway: Gateway, influx: Influx, database: str
) -> None:
    await ensure(influx, database)
    store = f'type = "influx"\nurl = "{influx.url}"\ndatabase = "{database}"'
    ingest = IngestProcess(tmp_path / "ingest", broker, "county", store).start()
    try:
        gateway.receipted(gateway.send(positions("truck-001", 0, 10)))
        influx.stop()
        sent = [gateway.send(positions("truck-001", 10 * number, 10)) for number in range(1, 300)]
        until(lambda: ingest.get("/readyz")[0] == 503, "the store is seen to be down")
        before = processor_s(ingest.pid)
        await asyncio.sleep(2)
        assert processor_s(ingest.pid) - before < 1.0, "nothing spins"
        assert not any(gateway.has_receipt(number) for number in sent)
        assert resident_mb(ingest.pid) < 120
        influx.start()
        gateway.receipted(*sent)
        assert count(influx, database) == 3000
        assert ingest.stop() == 0
    finally:
        ingest.kill()


async def test_stopped_while_the_store_is_down_it_leaves_everything_with_the_broker(
    tmp_path: Path, broker: Mosquitto, gateway: Gateway, influx: Influx, database: str
) -> None:
    await ensure(influx, database)
    store = f'type = "influx"\nurl = "{influx.url}"\ndatabase = "{database}"'
    ingest = IngestProcess(tmp_path / "ingest", broker, "county", store).start()
    try:
        influx.stop()
        sent = [gateway.send(positions("truck-001", 10 * number, 10)) for number in range(50)]
        until(lambda: ingest.get("/readyz")[0] == 503, "the store is seen to be down")
        assert ingest.stop() == 0
        influx.start()
        ingest.start()
        gateway.receipted(*sent)
        assert count(influx, database) == 500
    finally:
        ingest.kill()


def processor_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


async def ensure(influx: Influx, database: str) -> None:
    opened = InfluxStore(influx.url, database)
    await opened.ensure_database()
    await opened.close()
