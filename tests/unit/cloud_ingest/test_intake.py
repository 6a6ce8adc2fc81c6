"""From a delivery to a batch: what becomes a point, what is refused and why, and who gets a receipt."""

from __future__ import annotations

import logging
import zlib
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_ingest.inbox import Delivery
from cloud_ingest.intake import Batch, Intake
from cloud_ingest.presence import Presence
from cloud_ingest.registry import Device, Registry, Site, register
from cloud_ingest.rules.book import county_rules
from devices.contract.message import JSON, JSON_ZLIB, Birth, ReadingsMessage, State, encode
from devices.contract.readings import Alert, BloodPressure, CameraHealth, DeviceStatus, GatewayHealth, TruckPosition

NOW = datetime(2026, 3, 1, 8, tzinfo=UTC)
REGISTRY = register(
    "1",
    {
        "truck-1": Device(id="truck-1", kind="truck", site="pit"),
        "cam-1": Device(id="cam-1", kind="camera"),
        "gw-1": Device(id="gw-1", kind="gateway"),
    },
    {"pit": Site("pit", "excavation", "wukang", "", "", 30.5, 120)},
    {},
)
TOPIC = "county/v1/gw-1/readings"


def fix(second: int = 0, device: str = "truck-1", **fields: object) -> TruckPosition:
    return TruckPosition(device=device, at=NOW + timedelta(seconds=second), latitude=30.5, longitude=120, **fields)


def payload(*readings, gateway: str = "gw-1", boot: str = "boot1", seq: int = 7) -> bytes:
    return encode(ReadingsMessage(gateway=gateway, boot=boot, seq=seq, sent_at=NOW, readings=list(readings)))


def taken(*deliveries: Delivery, registry: Registry = REGISTRY, presence: Presence | None = None) -> Batch:
    intake = Intake(registry, county_rules(), presence or Presence(registry, NOW))
    batch = Batch()
    for delivery in deliveries:
        intake.take(delivery, batch, NOW)
    return batch


def arrivals(batch: Batch) -> list[tuple[str, str, int]]:
    return [(arrival.gateway, arrival.boot, arrival.seq) for arrival in batch.arrivals]


def test_every_reading_becomes_a_point_at_its_place() -> None:
    batch = taken(Delivery(TOPIC, payload(fix(0), fix(1)), JSON))
    assert [point[1:] for point in batch.points] == [("gw-1", "pit", "wukang")] * 2
    assert [point.fact for point in batch.points] == [fix(0), fix(1)]
    assert arrivals(batch) == [("gw-1", "boot1", 7)]
    assert (batch.refusals, batch.kinds, batch.unregistered) == ([], {TruckPosition: 2}, 0)


def test_a_compressed_message_is_unpacked() -> None:
    assert len(taken(Delivery(TOPIC, zlib.compress(payload(fix())), JSON_ZLIB)).points) == 1


def test_an_unregistered_device_is_stored_without_a_place_counted_and_named_once(caplog) -> None:
    with caplog.at_level(logging.WARNING):
        batch = taken(Delivery(TOPIC, payload(fix(0, "truck-9"), fix(1, "truck-9"), fix(2), fix(3, "truck-9")), JSON))
    assert [point.site for point in batch.points] == ["", "", "pit", ""]
    assert batch.unregistered == 3
    assert caplog.text.count("truck-9") == 1


def test_a_message_without_readings_gets_its_receipt() -> None:
    batch = taken(Delivery(TOPIC, payload(), JSON))
    assert (batch.points, arrivals(batch)) == ([], [("gw-1", "boot1", 7)])


def test_the_good_readings_of_a_bad_message_are_stored_and_the_bad_ones_refused_one_by_one() -> None:
    wrong = payload(fix(0), fix(1, speed_kmh=99.25), fix(2)).replace(b"99.25", b"-5")
    batch = taken(Delivery(TOPIC, wrong, JSON))
    assert [point.fact.at.second for point in batch.points] == [0, 2]
    (refusal,) = batch.refusals
    assert (refusal.cause, refusal.whole, refusal.gateway, refusal.boot, refusal.seq) == (
        "reading",
        False,
        "gw-1",
        "boot1",
        "7",
    )
    assert b"-5" in refusal.payload
    assert "speed_kmh" in refusal.reason
    assert "speed_kmh" in batch.arrivals[0].refused


def test_an_unknown_kind_is_refused_and_not_dropped() -> None:
    batch = taken(Delivery(TOPIC, payload(fix()).replace(b"truck_position", b"tide_gauge"), JSON))
    assert "tide_gauge" in batch.refusals[0].reason
    assert b"tide_gauge" in batch.refusals[0].payload


def test_an_unknown_version_is_refused_whole() -> None:
    batch = taken(Delivery(TOPIC, payload(fix()).replace(b'"v":1', b'"v":2'), JSON, "boot1", "7"))
    assert (batch.refusals[0].cause, batch.refusals[0].whole, batch.points) == ("unreadable", True, [])


def test_a_payload_that_nobody_can_read_gets_its_receipt_by_its_properties() -> None:
    batch = taken(Delivery(TOPIC, b"\xff\x00", JSON, "boot1", "41"))
    assert arrivals(batch) == [("gw-1", "boot1", 41)]
    assert batch.arrivals[0].refused
    assert batch.refusals[0].payload == b"\xff\x00"


@pytest.mark.parametrize(
    ("boot", "seq"),
    [
        ("", ""),
        ("boot1", ""),
        ("", "1"),
        ("BOOT", "1"),
        ("boot1", "0"),
        ("boot1", "-1"),
        ("boot1", "9" * 5000),
        ("b" * 40, "1"),
        ("boot1", "١"),
    ],
)
def test_properties_that_cannot_be_believed_give_no_receipt(boot: str, seq: str) -> None:
    batch = taken(Delivery(TOPIC, b"noise", JSON, boot, seq))
    assert arrivals(batch) == []
    assert len(batch.refusals) == 1


def test_a_gateway_that_speaks_as_another_is_refused_whole() -> None:
    batch = taken(Delivery(TOPIC, payload(fix(), gateway="gw-2"), JSON, "boot1", "7"))
    assert (batch.points, batch.refusals[0].cause) == ([], "foreign")
    assert "gw-2" in batch.refusals[0].reason
    assert arrivals(batch) == [("gw-1", "boot1", 7)]


@pytest.mark.parametrize(
    ("content_type", "body", "word"),
    [
        ("application/cbor", payload(fix()), "content type"),
        (JSON_ZLIB, b"not zlib", "zlib"),
        (JSON_ZLIB, zlib.compress(b" " * 3_000_000), "unpacks to more"),
        (JSON, b" " * 300_000, "larger"),
        (JSON, b"[" * 200_000, "object"),
        (JSON, b'{"v":1,"x":' + b"[" * 200_000, "recursion"),
        (JSON, b"", "truncated"),
    ],
)
def test_hostile_payloads_are_refused_with_a_reason(content_type: str, body: bytes, word: str) -> None:
    batch = taken(Delivery(TOPIC, body, content_type, "boot1", "7"))
    assert batch.points == []
    assert word in batch.refusals[0].reason
    assert len(batch.refusals[0].reason) <= 500
    assert arrivals(batch) == [("gw-1", "boot1", 7)]


@given(st.binary(max_size=200), st.sampled_from(["", JSON, JSON_ZLIB, "x"]), st.text(max_size=40))
def test_no_payload_and_no_topic_makes_it_raise(body: bytes, content_type: str, topic: str) -> None:
    for name in (TOPIC, "county/v1/gw-1/state", "county/v1/gw-1/birth", topic):
        batch = taken(Delivery(name, body, content_type, topic, topic))
        assert len(batch.deliveries) == 1
        assert len(batch.points) + len(batch.refusals) >= 1


def test_a_time_in_the_future_is_refused_and_the_rest_of_the_message_stored() -> None:
    batch = taken(Delivery(TOPIC, payload(fix(300), fix(301), fix(302)), JSON))
    assert [point.fact.at for point in batch.points] == [NOW + timedelta(seconds=300)]
    assert [(refusal.cause, refusal.whole) for refusal in batch.refusals] == [("future", False)] * 2
    assert "time in the future" in batch.arrivals[0].refused


@pytest.mark.parametrize(
    "at",
    [
        "0001-01-01T00:00:00Z",
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59.999999Z",
        "9999-12-31T23:59:59-23:59",
        "1970-01-01T00:00:00+14:00",
        "2026-03-01T07:00:00",
        "2026-02-30T07:00:00Z",
    ],
)
def test_any_time_a_clock_can_say_is_stored_or_refused(at: str) -> None:
    fast = payload(*[fix(second - 100, speed_kmh=90.0) for second in range(30)])
    odd = (
        payload(fix(0, speed_kmh=90.0))
        .replace(b"2026-03-01T08:00:00Z", at.encode())
        .replace(b'"sent_at":"' + at.encode(), b'"sent_at":"2026-03-01T08:00:00Z')
    )
    batch = taken(Delivery(TOPIC, odd, JSON), Delivery(TOPIC, fast, JSON))
    assert len(batch.points) + len(batch.refusals) == 31
    assert len(batch.alerts) == 1


def test_an_unsynchronised_clock_is_stored_but_never_judged() -> None:
    urgent = {"systolic_mmhg": 200, "diastolic_mmhg": 100}
    believed = BloodPressure(device="kiosk-1", at=NOW, **urgent)
    doubtful = BloodPressure(device="kiosk-1", at=NOW, clock="unsynchronised", **urgent)
    assert [point.fact.rule for point in taken(Delivery(TOPIC, payload(believed), JSON)).alerts] == [
        "blood-pressure-urgent"
    ]
    batch = taken(Delivery(TOPIC, payload(doubtful), JSON))
    assert (len(batch.points), batch.alerts, batch.unsynchronised) == (1, [], 1)


def test_an_alert_stands_where_its_device_stands() -> None:
    fast = [fix(second - 100, speed_kmh=90.0) for second in range(30)]
    (point,) = taken(Delivery(TOPIC, payload(*fast), JSON)).alerts
    assert isinstance(point.fact, Alert)
    assert point[1:] == ("gw-1", "pit", "wukang")


def test_a_point_knows_the_message_that_it_came_in() -> None:
    batch = taken(
        Delivery(TOPIC, payload(fix(0), fix(1), seq=1), JSON),
        Delivery(TOPIC, payload(seq=2), JSON),
        Delivery(TOPIC, payload(fix(2), seq=3), JSON),
    )
    assert [batch.origin(position).seq for position in range(3)] == ["1", "1", "3"]


def test_presence_hears_gateway_and_devices() -> None:
    presence = Presence(REGISTRY, NOW)
    health = CameraHealth(device="cam-1", at=NOW, state="dark")
    own = GatewayHealth(
        device="gw-1",
        at=NOW,
        spool_readings=0,
        spool_bytes=0,
        spool_oldest_s=0,
        spool_dropped=0,
        appended=0,
        receipted=0,
        resent=0,
    )
    taken(Delivery(TOPIC, payload(fix(), health, own), JSON), presence=presence)
    states = {point.fact.device: point.fact.state for point in presence.tick(NOW)}
    assert states == {"truck-1": "online", "cam-1": "trouble", "gw-1": "online"}


def test_birth_and_state_are_heard_and_acknowledged_without_a_receipt() -> None:
    presence = Presence(REGISTRY, NOW)
    birth = Birth(gateway="gw-1", boot="boot1", at=NOW, software="1", devices=[])
    lost = State(gateway="gw-1", boot="boot1", state="offline", at=NOW, reason="lost")
    batch = taken(
        Delivery("county/v1/gw-1/birth", encode(birth), JSON),
        Delivery("county/v1/gw-1/state", encode(lost), JSON),
        presence=presence,
    )
    assert (len(batch.deliveries), batch.arrivals, batch.refusals) == (2, [], [])
    statuses = [point.fact for point in presence.tick(NOW)]
    assert next(fact for fact in statuses if isinstance(fact, DeviceStatus) and fact.device == "gw-1").reason == "lost"


@pytest.mark.parametrize(
    "topic", ["", "county/v1/gw-1/media", "county/v2/gw-1/readings", "x/y", "county/v1/g w/readings"]
)
def test_what_stands_on_no_stream_of_ours_is_refused(topic: str) -> None:
    batch = taken(Delivery(topic, payload(fix()), JSON, "boot1", "7"))
    assert batch.points == []
    assert batch.refusals[0].cause == "unreadable"
    assert batch.arrivals == []


def test_what_comes_out_of_quarantine_owes_no_receipt_and_is_refused_under_its_number() -> None:
    batch = taken(
        Delivery(TOPIC, payload(fix()), JSON, quarantined=3),
        Delivery(TOPIC, b"noise", JSON, "boot1", "7", quarantined=4),
    )
    assert batch.arrivals == []
    assert [refusal.again for refusal in batch.refusals] == [4]
