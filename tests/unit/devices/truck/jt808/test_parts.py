"""Parts: put together in any order, within bounds of time and memory."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.events import Damaged
from devices.truck.jt808.frames import Frame, make_frame
from devices.truck.jt808.parts import MAX_BYTES, MAX_MESSAGES, PATIENCE, Assembled, Parts
from tests.unit.devices.truck.jt808.streams import NOW, PHONE


def part(number: int, total: int, body: bytes, *, first: int = 100, message: int = 0x0801) -> Frame:
    serial = (first + number - 1) & 0xFFFF
    return make_frame(message, body, PHONE, serial, is_2019=False, total=total, part=number)


@given(st.lists(st.binary(max_size=30), min_size=1, max_size=12), st.randoms(), st.integers(0, 0xFFFF))
def test_parts_in_any_order_make_the_message(bodies: list[bytes], order: object, first: int) -> None:
    sent = [part(number, len(bodies), body, first=first) for number, body in enumerate(bodies, 1)]
    order.shuffle(sent)  # type: ignore[attr-defined]
    parts = Parts()
    events = [event for frame in sent for event in parts.add(frame, NOW)]
    (whole,) = events
    assert isinstance(whole, Assembled)
    assert whole.frame.body == b"".join(bodies)
    assert (whole.parts, whole.frame.total, whole.frame.part) == (len(bodies), 0, 0)
    assert parts.held_bytes == 0


def test_a_part_sent_twice_is_one_part() -> None:
    parts = Parts()
    assert parts.add(part(1, 2, b"ab"), NOW) == []
    assert parts.add(part(1, 2, b"abc"), NOW) == []
    (whole,) = parts.add(part(2, 2, b"d"), NOW)
    assert isinstance(whole, Assembled)
    assert whole.frame.body == b"abcd"


def test_two_messages_at_once_do_not_mix() -> None:
    parts = Parts()
    parts.add(part(1, 2, b"a1", first=1), NOW)
    parts.add(part(1, 2, b"b1", first=50), NOW)
    (second,) = parts.add(part(2, 2, b"b2", first=50), NOW)
    (first,) = parts.add(part(2, 2, b"a2", first=1), NOW)
    assert isinstance(first, Assembled)
    assert isinstance(second, Assembled)
    assert (first.frame.body, second.frame.body) == (b"a1a2", b"b1b2")


@pytest.mark.parametrize(("number", "total"), [(0, 3), (4, 3), (0, 0)])
def test_a_part_that_cannot_be_is_damage(number: int, total: int) -> None:
    frame = part(1, 3, b"x")._replace(part=number, total=total)
    assert Parts().add(frame, NOW) == [Damaged(f"part {number} of {total}", b"x")]


def test_a_message_whose_parts_stay_away_is_given_up() -> None:
    parts = Parts()
    parts.add(part(1, 3, b"a"), NOW)
    parts.add(part(3, 3, b"c"), NOW + PATIENCE)
    assert parts.expire(NOW + 2 * PATIENCE) == []
    (damage,) = parts.expire(NOW + 2 * PATIENCE + timedelta(seconds=1))
    assert damage == Damaged("message 0x0801: 2 of 3 parts, nothing for 30 s", b"ac")
    assert parts.held_bytes == 0


def test_the_oldest_message_gives_way_when_too_many_are_under_way() -> None:
    parts = Parts()
    for number in range(MAX_MESSAGES):
        assert parts.add(part(1, 2, b"x", first=number * 10), NOW) == []
    (damage,) = parts.add(part(1, 2, b"y", first=5000), NOW)
    assert isinstance(damage, Damaged)
    assert "too much is under way" in damage.reason


@pytest.mark.parametrize("body", [b"", bytes(1000)])
def test_memory_is_bounded_however_many_parts_are_announced(body: bytes) -> None:
    parts = Parts()
    most = 0
    for number in range(1, 40_000):
        parts.add(part(number, 0xFFFF, body), NOW)
        most = max(most, parts.held_bytes)
    assert MAX_BYTES / 2 < most <= MAX_BYTES


def test_the_end_of_the_stream_gives_up_what_is_under_way() -> None:
    parts = Parts()
    parts.add(part(2, 3, b"b"), NOW)
    assert parts.finish() == [Damaged("message 0x0801: 1 of 3 parts, the stream ended", b"b")]
    assert parts.finish() == []
