"""Who is there: what a device's latest word makes of it, and when that is written."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from cloud_ingest.presence import Presence
from cloud_ingest.registry import Device, Site, register
from devices.contract.message import Birth, State
from devices.contract.readings import Alert, CameraHealth, DeviceLink, DeviceStatus, Reading, TruckPosition

BEGIN = datetime(2026, 3, 1, 8, tzinfo=UTC)
REGISTRY = register(
    "1",
    {
        "truck-1": Device(id="truck-1", kind="truck", name_en="One", name_zh="一号", silent_after_s=300),
        "cam-1": Device(id="cam-1", kind="camera", site="gate", silent_after_s=300),
        "gw-1": Device(id="gw-1", kind="gateway", silent_after_s=300),
    },
    {"gate": Site("gate", "transfer-station", "wukang", "", "", 30.5, 120.25)},
    {},
)


def after(seconds: float) -> datetime:
    return BEGIN + timedelta(seconds=seconds)


def fix(second: float, latitude: float = 30.0) -> TruckPosition:
    return TruckPosition(device="truck-1", at=after(second), latitude=latitude, longitude=120)


def camera(second: float, state: str, reason: str | None = None) -> CameraHealth:
    return CameraHealth(device="cam-1", at=after(second), state=state, reason=reason)


def link(second: float, connected: bool) -> DeviceLink:
    return DeviceLink(
        device="truck-1", at=after(second), connected=connected, reason=None if connected else "unplugged"
    )


@pytest.fixture
def presence() -> Presence:
    return Presence(REGISTRY, BEGIN)


def statuses(presence: Presence, second: float) -> dict[str, DeviceStatus]:
    points = presence.tick(after(second))
    return {point.fact.device: point.fact for point in points if isinstance(point.fact, DeviceStatus)}


def test_before_anything_is_heard_every_device_is_never(presence: Presence) -> None:
    told = statuses(presence, 1)
    assert {device: status.state for device, status in told.items()} == dict.fromkeys(REGISTRY.devices, "never")
    assert told["truck-1"].last_seen_ms is None


def test_a_status_is_written_at_every_change_and_once_a_minute(presence: Presence) -> None:
    statuses(presence, 1)
    assert statuses(presence, 2) == {}
    presence.hear([fix(3)], "gw-1", after(3))
    assert set(statuses(presence, 3)) == {"truck-1", "gw-1"}
    assert set(statuses(presence, 61)) == {"cam-1"}
    assert set(statuses(presence, 63)) == {"truck-1", "gw-1"}


def test_a_status_has_name_place_and_when_it_was_seen(presence: Presence) -> None:
    presence.hear([fix(1, latitude=31.5), camera(1, "online")], "gw-1", after(2))
    points = {point.fact.device: point for point in presence.tick(after(2))}
    truck, cam = points["truck-1"].fact, points["cam-1"].fact
    assert (truck.name_en, truck.name_zh, truck.latitude, truck.device_kind) == ("One", "一号", 31.5, "truck")
    assert truck.last_seen_ms == int(after(2).timestamp() * 1000)
    assert (cam.latitude, cam.longitude) == (30.5, 120.25)
    assert points["cam-1"][1:] == ("gw-1", "gate", "wukang")


def test_late_fixes_do_not_move_a_truck_back(presence: Presence) -> None:
    presence.hear([fix(100, latitude=31.0)], "gw-1", after(100))
    presence.hear([fix(50, latitude=32.0)], "gw-1", after(101))
    assert statuses(presence, 101)["truck-1"].latitude == 31.0


@pytest.mark.parametrize(
    ("heard", "device", "state", "reason"),
    [
        ([fix(1)], "truck-1", "online", None),
        ([link(1, False)], "truck-1", "offline", "unplugged"),
        ([link(1, False), fix(2)], "truck-1", "online", None),
        ([fix(2), link(1, False)], "truck-1", "online", None),
        ([link(2, False), fix(1)], "truck-1", "offline", "unplugged"),
        ([link(1, False), link(2, True)], "truck-1", "online", None),
        ([camera(1, "online")], "cam-1", "online", None),
        ([camera(1, "dark")], "cam-1", "trouble", "dark"),
        ([camera(1, "stalled", "no frame for 10 s")], "cam-1", "offline", "no frame for 10 s"),
        ([camera(2, "online"), camera(1, "offline")], "cam-1", "online", None),
    ],
)
def test_the_latest_word_in_the_devices_own_time_counts(
    presence: Presence, heard: list[Reading], device: str, state: str, reason: str | None
) -> None:
    presence.hear(heard, "gw-1", after(5))
    status = statuses(presence, 5)[device]
    assert (status.state, status.reason) == (state, reason)


def test_a_silent_device_is_said_silent_and_alerted_and_is_back_when_it_is_heard(presence: Presence) -> None:
    presence.hear([fix(1)], "gw-1", after(1))
    presence.tick(after(2))
    points = presence.tick(after(302))
    assert {point.fact.device for point in points if isinstance(point.fact, Alert)} == {"truck-1", "gw-1", "cam-1"}
    assert {point.fact.state for point in points if isinstance(point.fact, DeviceStatus)} == {"silent"}
    presence.hear([fix(400)], "gw-1", after(400))
    points = presence.tick(after(401))
    assert {point.fact.state for point in points if isinstance(point.fact, Alert)} == {"cleared"}
    states = {point.fact.device: point.fact.state for point in points if isinstance(point.fact, DeviceStatus)}
    assert states == {"truck-1": "online", "gw-1": "online", "cam-1": "silent"}


def test_an_ingest_that_was_deaf_blames_nobody(presence: Presence) -> None:
    presence.hear([fix(1)], "gw-1", after(1))
    presence.listening(after(5000))
    assert not any(isinstance(point.fact, Alert) for point in presence.tick(after(5001)))


def test_the_last_will_says_that_a_gateway_is_lost_and_its_birth_that_it_is_back(presence: Presence) -> None:
    presence.hear([], "gw-1", after(1))
    presence.state(State(gateway="gw-1", boot="boot1", state="offline", at=after(2), reason="lost"))
    lost = statuses(presence, 3)["gw-1"]
    assert (lost.state, lost.reason) == ("offline", "lost")
    presence.state(State(gateway="gw-1", boot="boot2", state="online", at=after(4)))
    assert statuses(presence, 5)["gw-1"].state == "online"


def test_a_retained_word_is_no_sign_of_life(presence: Presence) -> None:
    presence.state(State(gateway="gw-1", boot="boot1", state="online", at=after(-9999)))
    assert statuses(presence, 1)["gw-1"].state == "never"


def test_a_birth_is_a_sign_of_life(presence: Presence) -> None:
    presence.birth(Birth(gateway="gw-1", boot="boot1", at=after(1), software="1", devices=[]), after(1))
    assert statuses(presence, 1)["gw-1"].state == "online"


def test_nothing_is_kept_of_devices_that_nobody_registered(presence: Presence) -> None:
    for number in range(100):
        stranger = TruckPosition(device=f"invented-{number}", at=BEGIN, latitude=1, longitude=1)
        presence.hear([stranger], f"gw-{number + 10}", after(1))
        presence.state(State(gateway=f"gw-{number + 10}", boot="boot1", state="online", at=BEGIN))
    assert presence.hearings() == {}


def test_after_a_restart_a_silence_goes_on_and_is_told_again(presence: Presence) -> None:
    presence.hear([fix(1)], "gw-1", after(1))
    (raised, *_) = [
        p.fact for p in presence.tick(after(400)) if isinstance(p.fact, Alert) and p.fact.device == "truck-1"
    ]
    again = Presence(REGISTRY, after(500))
    again.restore(presence.hearings())
    (told,) = [p.fact for p in again.tick(after(501)) if isinstance(p.fact, Alert) and p.fact.device == "truck-1"]
    assert told == raised
    assert not [p for p in again.tick(after(502)) if isinstance(p.fact, Alert)]
    again.hear([fix(600)], "gw-1", after(600))
    alerts = [p.fact for p in again.tick(after(601)) if isinstance(p.fact, Alert) and p.fact.device == "truck-1"]
    assert [(alert.alert, alert.state) for alert in alerts] == [(raised.alert, "cleared")]
