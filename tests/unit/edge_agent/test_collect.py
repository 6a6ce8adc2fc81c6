from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from devices.contract.readings import BloodPressure, DeviceLink, Reading, TruckPosition
from devices.events import Answer, Damaged, Event, Hangup, Message
from edge_agent.clock import Moment
from edge_agent.collect import MAX_UNSETTLED, Conversation, device_link, stamped, urgent
from edge_agent.damage import Damage
from edge_agent.spool import SpoolFull
from tests.unit.edge_agent.hand_spool import NOON, HandSpool

LATER = Moment(NOON.at + timedelta(seconds=1), "gateway")


def position(second: int = 0, **fields: object) -> TruckPosition:
    whole = {"device": "truck-1", "at": NOON.at + timedelta(seconds=second), "latitude": 30.0, "longitude": 120.0}
    return TruckPosition(**{**whole, "clock": "gnss", **fields})


class Script:
    """A decoder that answers each chunk with what stands in its table, and `finish` with what stands under b""."""

    def __init__(self, table: dict[bytes, list[Event]]) -> None:
        self._table = table

    def feed(self, data: bytes, received_at: datetime) -> list[Event]:  # noqa: ARG002 - the protocol's form
        return self._table.get(data, [])

    def finish(self, received_at: datetime) -> list[Event]:  # noqa: ARG002 - the protocol's form
        return self._table.get(b"", [])


class Device:
    """The far end: what it was told, and whether it was hung up on."""

    def __init__(self) -> None:
        self.told: list[bytes] = []
        self.hung_up: list[str] = []
        self.room_again = 0

    def has_room(self) -> None:
        self.room_again += 1


Converse = Callable[..., Conversation]


@pytest.fixture
async def tasks() -> AsyncIterator[asyncio.TaskGroup]:
    async with asyncio.TaskGroup() as group:
        yield group


@pytest.fixture
def device() -> Device:
    return Device()


@pytest.fixture
def damage() -> Damage:
    return Damage()


@pytest.fixture
def converse(tasks: asyncio.TaskGroup, device: Device, damage: Damage) -> Converse:
    def made(spool: HandSpool, table: dict[bytes, list[Event]], **more: bool) -> Conversation:
        return Conversation(
            lambda: "truck-1",
            Script(table),
            put=spool.put,
            start=tasks.create_task,
            damage=damage,
            send=device.told.append,
            hang_up=device.hung_up.append,
            on_room=device.has_room,
            **more,
        )

    return made


async def until(condition: Callable[[], object]) -> None:
    # The condition is another party's doing and has no event of its own.
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0)


async def test_an_answer_waits_until_every_reading_before_it_is_on_disk(converse: Converse, device: Device) -> None:
    spool = HandSpool(open_=False)
    conversation = converse(spool, {b"0200": [position(), Answer(b"ok")]})

    conversation.receive(b"0200", NOON)
    await until(lambda: spool.put_groups)
    before = list(device.told)
    spool.land()
    await until(lambda: device.told)

    assert (before, device.told) == ([], [b"ok"])


async def test_an_answer_with_nothing_before_it_leaves_at_once(converse: Converse, device: Device) -> None:
    converse(HandSpool(open_=False), {b"hello": [Answer(b"ok")]}).receive(b"hello", NOON)

    assert device.told == [b"ok"]


async def test_an_answer_behind_an_unfinished_one_waits_for_its_turn(converse: Converse, device: Device) -> None:
    spool = HandSpool(open_=False)
    conversation = converse(spool, {b"0200": [position(), Answer(b"1")], b"0002": [Answer(b"2")]})

    conversation.receive(b"0200", NOON)
    conversation.receive(b"0002", NOON)
    before = list(device.told)
    spool.land()
    await until(lambda: len(device.told) == 2)

    assert (before, device.told) == ([], [b"1", b"2"])


async def test_a_hangup_comes_after_the_answers_before_it(converse: Converse, device: Device) -> None:
    conversation = converse(HandSpool(), {b"0003": [position(), Answer(b"bye"), Hangup("logged out")]})

    conversation.receive(b"0003", NOON)
    await until(lambda: device.hung_up)

    assert (device.told, device.hung_up) == ([b"bye"], ["logged out"])


async def test_an_alarm_is_put_at_once_and_apart_while_routine_is_still_being_committed(converse: Converse) -> None:
    spool = HandSpool(open_=False)
    sos = position(2, jt808_alarm=1)
    conversation = converse(spool, {b"a": [position(0)], b"b": [position(1), sos]})

    conversation.receive(b"a", NOON)
    conversation.receive(b"b", NOON)
    await until(lambda: len(spool.put_groups) == 3)

    assert spool.put_groups == [([position(0)], False), ([sos], True), ([position(1)], False)]
    spool.land()


async def test_damaged_bytes_are_counted_and_the_readings_around_them_survive(
    converse: Converse, damage: Damage
) -> None:
    spool = HandSpool()
    conversation = converse(spool, {b"noise": [position(0), Damaged("checksum", b"$GP"), position(1)]})

    conversation.receive(b"noise", NOON)
    await until(lambda: spool.put_groups)

    assert spool.readings == [position(0), position(1)]
    assert (damage.count("truck-1"), damage.last("truck-1")[0].reason) == (1, "checksum")


async def test_messages_beyond_readings_are_not_spooled(converse: Converse) -> None:
    spool = HandSpool()
    converse(spool, {b"m": [Message("jt808", "0x0002", {}, {})]}).receive(b"m", NOON)
    await asyncio.sleep(0)

    assert spool.put_groups == []


async def test_what_the_decoder_held_back_is_put_when_the_wire_ends(converse: Converse) -> None:
    spool = HandSpool()
    converse(spool, {b"": [position()]}).finish(NOON)
    await until(lambda: spool.put_groups)

    assert spool.readings == [position()]


async def test_a_device_that_talks_faster_than_the_disk_is_left_unread_until_there_is_room(
    converse: Converse, device: Device
) -> None:
    spool = HandSpool(open_=False)
    conversation = converse(spool, {b"x": [position()]})

    for _ in range(MAX_UNSETTLED):
        assert conversation.room
        conversation.receive(b"x", NOON)
    full = not conversation.room
    spool.land()
    await until(lambda: device.room_again)

    assert full
    assert conversation.room


async def test_a_full_spool_hangs_up_and_answers_nothing(converse: Converse, device: Device) -> None:
    spool = HandSpool()
    spool.failure = SpoolFull("no room")
    conversation = converse(spool, {b"0200": [position(), Answer(b"ok")], b"0002": [Answer(b"2")]})

    conversation.receive(b"0200", NOON)
    await until(lambda: device.hung_up)
    conversation.receive(b"0002", NOON)

    assert device.told == []


def test_a_reading_stamped_by_a_gateway_that_does_not_know_the_time_says_so() -> None:
    own = position(clock="gateway")
    unsure = Moment(NOON.at, "unsynchronised")

    assert stamped(own, unsure).clock == "unsynchronised"
    assert stamped(own, NOON) is own


@pytest.mark.parametrize("clock", ["gnss", "device"])
def test_a_reading_with_a_time_of_its_own_keeps_it_whatever_the_gateways_clock(clock: str) -> None:
    reading = position(clock=clock)

    assert stamped(reading, Moment(NOON.at, "unsynchronised")) is reading


def pressure(systolic: int, diastolic: int) -> BloodPressure:
    return BloodPressure(device="kiosk-1", at=NOON.at, systolic_mmhg=systolic, diastolic_mmhg=diastolic)


@pytest.mark.parametrize(
    ("reading", "expected"),
    [
        (position(jt808_alarm=1 << 0), True),
        (position(jt808_alarm=1 << 29), True),
        (position(jt808_alarm=1 << 30), True),
        (position(jt808_alarm=1 << 1), False),
        (position(jt808_alarm=0), False),
        (position(), False),
        (pressure(180, 80), True),
        (pressure(120, 110), True),
        (pressure(179, 109), False),
        (DeviceLink(device="truck-1", at=NOON.at, connected=False), False),
    ],
)
def test_only_what_the_county_must_hear_at_once_is_urgent(reading: Reading, expected: bool) -> None:
    assert urgent(reading) is expected


def test_a_link_reading_says_what_was_damaged_so_far(damage: Damage) -> None:
    damage.add("truck-1", Damaged("checksum", b"x"), NOON.at)

    link = device_link("truck-1", LATER, damage, connected=False, reason="r" * 300)

    assert (link.connected, link.damaged, link.reason) == (False, 1, "r" * 200)
    assert msgspec.json.decode(msgspec.json.encode(link), type=DeviceLink) == link
    assert link.at == datetime(2026, 6, 1, 12, 0, 1, tzinfo=UTC)
