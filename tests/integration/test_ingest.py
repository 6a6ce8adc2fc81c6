"""The ingest as a process, between a real broker and a store: what goes in is stored, receipted and judged."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from devices.contract.message import JSON_ZLIB, Birth, State, encode
from devices.contract.readings import Alert, DeviceStatus, PipelineHealth, TruckPosition
from simulators.servers import Mosquitto
from tests.integration.ingest_process import Gateway, IngestProcess, positions, until

Start = Callable[..., Mosquitto]


@pytest.fixture
def broker(start_mosquitto: Start) -> Mosquitto:
    return start_mosquitto(cloud_ingest="county", gw_01="one", gw_02="two")


@pytest.fixture
def ingest(tmp_path: Path, broker: Mosquitto) -> Iterator[IngestProcess]:
    process = IngestProcess(tmp_path / "ingest", broker, "county")
    yield process
    process.kill()


@pytest.fixture
def gateway(broker: Mosquitto) -> Iterator[Gateway]:
    with Gateway("gw-01", "one", broker) as gateway:
        yield gateway


async def test_a_message_becomes_rows_and_a_receipt(ingest: IngestProcess, gateway: Gateway) -> None:
    ingest.start()
    numbers = [gateway.send(positions("truck-001", 10 * number, 10)) for number in range(20)]
    gateway.receipted(*numbers)
    assert await ingest.count(TruckPosition, "latitude") == 200
    assert gateway.refused == {}
    places = set(await ingest.rows(TruckPosition, "gateway", "site", "village"))
    assert places == {("gw-01", "pit", "wukang")}
    assert ingest.metric('ingest_readings_total{kind="truck_position"}') == 200
    assert ingest.stop() == 0


async def test_a_compressed_message_is_read_too(ingest: IngestProcess, gateway: Gateway) -> None:
    ingest.start()
    payload = message(gateway, 1, positions("truck-001", 0, 50))
    gateway.publish(zlib.compress(payload), 1, JSON_ZLIB)
    gateway.receipted(1)
    assert await ingest.count(TruckPosition, "latitude") == 50


async def test_what_was_sent_while_nobody_listened_is_stored_later(ingest: IngestProcess, gateway: Gateway) -> None:
    ingest.start()
    assert ingest.stop() == 0
    numbers = [gateway.send(positions("truck-001", number, 1)) for number in range(300)]
    ingest.start()
    gateway.receipted(*numbers)
    assert await ingest.count(TruckPosition, "latitude") == 300


async def test_killed_again_and_again_it_stores_everything_once(ingest: IngestProcess, gateway: Gateway) -> None:
    ingest.start()
    work: dict[int, list[TruckPosition]] = {}
    for life in range(4):
        for number in range(300):
            batch = positions("truck-001", 5 * (life * 300 + number), 5)
            work[gateway.send(batch)] = batch
        until(lambda so_far=list(work): gateway.has_receipt(so_far[-250]), "the work is under way")
        ingest.kill()
        ingest.start()
    # A kill between the acknowledgement and the receipt loses the receipt alone: a spool sends such a row again.
    for number, batch in work.items():
        if not gateway.has_receipt(number):
            gateway.send_again(number, batch)
    gateway.receipted(*work)
    assert await ingest.count(TruckPosition, "latitude") == len(work) * 5


async def test_a_broker_that_forgets_everything_costs_only_a_message_sent_again(
    ingest: IngestProcess, broker: Mosquitto, gateway: Gateway
) -> None:
    ingest.start()
    gateway.receipted(gateway.send(positions("truck-001", 0, 10)))
    broker.kill()
    broker.start()
    until(ingest.is_ready, "the ingest is back")
    number = gateway.send(positions("truck-001", 10, 10))
    gateway.receipted(number)
    assert await ingest.count(TruckPosition, "latitude") == 20


def test_bad_messages_are_refused_with_their_reason_and_receipted(ingest: IngestProcess, gateway: Gateway) -> None:
    ingest.start()
    good = positions("truck-001", 0, 1)
    future = [TruckPosition(device="truck-001", at=datetime.now(UTC) + timedelta(hours=1), latitude=1, longitude=1)]
    gateway.publish(b"\x00\xffnoise", 1)
    gateway.publish(message(gateway, 2, good).replace(b'"gw-01"', b'"gw-02"'), 2)
    gateway.publish(message(gateway, 3, good).replace(b"30.55", b"99.55"), 3)
    gateway.publish(message(gateway, 4, future), 4)
    gateway.publish(message(gateway, 5, good), 5, "application/x-unknown")
    gateway.publish(zlib.compress(b" " * 40_000_000), 6, JSON_ZLIB)
    gateway.publish(b"[" * 200_000, 7)
    gateway.publish(b'{"v":1,"x":' + b"[" * 100_000, 8)
    gateway.publish(message(gateway, 9, good).replace(b"truck_position", b"tide_gauge"), 9)
    gateway.publish(message(gateway, 10, good).replace(b'"v":1', b'"v":2'), 10)
    gateway.publish(message(gateway, 11, good), 11)
    gateway.receipted(*range(1, 12))
    assert sorted(gateway.refused) == list(range(1, 11))
    assert "gw-02" in gateway.refused[2]
    assert "latitude" in gateway.refused[3]
    assert "future" in gateway.refused[4]
    assert "content type" in gateway.refused[5]
    assert "unpacks to more" in gateway.refused[6]
    assert "tide_gauge" in gateway.refused[9]
    assert ingest.metric('ingest_quarantined_total{cause="foreign"}') == 1
    assert ingest.stop() == 0
    listed = ingest.command("quarantine", "--config", str(ingest.config), "list").stdout
    assert len(listed.splitlines()) == 10


async def test_a_replay_stores_what_has_become_right(ingest: IngestProcess, gateway: Gateway) -> None:
    ingest.start()
    ahead = datetime.now(UTC) + timedelta(minutes=5, seconds=3)
    gateway.send([TruckPosition(device="truck-001", at=ahead, latitude=30, longitude=120)])
    gateway.publish(b"never", 2)
    gateway.receipted(1, 2)
    assert await ingest.count(TruckPosition, "latitude") == 0
    config = str(ingest.config)

    def replayed() -> bool:
        return "2 of 2" not in ingest.command("quarantine", "--config", config, "list").stdout and (
            "1 of 1 stored" in ingest.command("quarantine", "--config", config, "replay", "1").stdout
        )

    until(replayed, "the time has come and the item is stored")
    assert await ingest.rows(TruckPosition, "gateway") == [("gw-01",)]
    refused = ingest.command("quarantine", "--config", config, "replay", "--all")
    assert refused.returncode == 1
    assert "refused again" in refused.stdout
    assert "never" in ingest.command("quarantine", "--config", config, "show", "2").stdout


async def test_an_overspeed_is_raised_once_whatever_is_sent_again(ingest: IngestProcess, gateway: Gateway) -> None:
    ingest.start()
    fast = positions("truck-001", 0, 40, speed_kmh=80.0)
    gateway.receipted(gateway.send(fast), gateway.send(positions("truck-001", 40, 5)))
    gateway.send_again(1, fast)
    gateway.receipted(gateway.send(positions("truck-001", 45, 5)))
    assert await ingest.rows(Alert, "state", "value") == [("cleared", 80.0)]
    assert ingest.metric("ingest_duplicate_messages_total") == 1


async def test_an_alert_survives_a_kill_in_the_middle_of_its_evidence(ingest: IngestProcess, gateway: Gateway) -> None:
    ingest.start()
    gateway.receipted(gateway.send(positions("truck-001", 0, 30, speed_kmh=80.0)))
    ingest.kill()
    ingest.start()
    gateway.receipted(gateway.send(positions("truck-001", 30, 30, speed_kmh=90.0)))
    gateway.receipted(gateway.send(positions("truck-001", 60, 2)))
    assert await ingest.rows(Alert, "state", "value") == [("cleared", 90.0)]


async def test_gateways_come_and_go_on_the_dashboard(ingest: IngestProcess, gateway: Gateway) -> None:
    ingest.start()
    birth = Birth(gateway="gw-01", boot="boot1", at=datetime.now(UTC), software="0.1.0", devices=[])
    gateway.publish(encode(birth), None, stream="birth")
    await eventually(ingest, ("gw-01", "online"))
    lost = State(gateway="gw-01", boot="boot1", state="offline", at=datetime.now(UTC), reason="lost")
    gateway.publish(encode(lost), None, stream="state")
    await eventually(ingest, ("gw-01", "offline"))
    await eventually(ingest, ("truck-001", "never"))


async def test_a_registry_edit_is_taken_while_running_and_a_wrong_one_is_refused(
    ingest: IngestProcess, gateway: Gateway
) -> None:
    ingest.start()
    devices = ingest.folder / "registry" / "devices.toml"
    right = devices.read_text()
    devices.write_text(right + '[[device]]\nid = "truck-002"\nkind = "boat"\n')
    until(lambda: ingest.metric("ingest_registry_refused_total") == 1, "the wrong edit is refused")
    assert "truck-002" in ingest.log.read_text()
    gateway.receipted(gateway.send(positions("truck-001", 0, 1)))
    devices.write_text(right + '[[device]]\nid = "truck-002"\nkind = "truck"\nsite = "pit"\n')
    until(lambda: ingest.metric("ingest_registered_devices") == 3, "the right edit is taken")
    gateway.receipted(gateway.send(positions("truck-002", 0, 1)))
    assert set(await ingest.rows(TruckPosition, "site")) == {("pit",)}


def test_it_says_when_it_is_not_ready(ingest: IngestProcess, broker: Mosquitto) -> None:
    ingest.start()
    broker.stop()
    until(lambda: ingest.get("/readyz")[0] == 503, "not ready without a broker")
    assert json.loads(ingest.get("/readyz")[1]) == {"broker": False, "store": True}
    assert ingest.get("/healthz") == (200, "ok\n")


def test_a_wrong_password_is_a_bad_network_and_not_the_end(tmp_path: Path, broker: Mosquitto) -> None:
    ingest = IngestProcess(tmp_path / "stranger", broker, "wrong").start(ready=False)
    try:
        until(lambda: "refused" in ingest.log.read_text(), "the refusal is logged")
        until(lambda: ingest.metric("ingest_connections_total") >= 2, "it tries again")
        assert ingest.stop() == 0
    finally:
        ingest.kill()


@pytest.mark.slow
async def test_every_ten_seconds_it_reports_on_itself(ingest: IngestProcess, gateway: Gateway) -> None:
    ingest.start()
    gateway.receipted(gateway.send(positions("truck-001", 0, 7)))

    async def reported() -> bool:
        return await ingest.rows(PipelineHealth, "received_readings", "store_up") == [(7, True)]

    await eventually_true(reported)


def message(gateway: Gateway, seq: int, readings: list) -> bytes:
    from devices.contract.message import ReadingsMessage

    return encode(
        ReadingsMessage(gateway=gateway.name, boot=gateway.boot, seq=seq, sent_at=datetime.now(UTC), readings=readings)
    )


async def eventually(ingest: IngestProcess, status: tuple[str, str]) -> None:
    """The device's newest status in the store becomes this."""

    async def there() -> bool:
        rows = await ingest.rows(DeviceStatus, "device", "state")
        return next((row for row in rows if row[0] == status[0]), None) == status

    await eventually_true(there)


async def eventually_true(condition: Callable) -> None:
    import asyncio

    async with asyncio.timeout(25):
        while not await condition():
            await asyncio.sleep(0.1)
