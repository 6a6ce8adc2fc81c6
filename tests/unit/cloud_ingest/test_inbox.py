"""The inbox: order, the bound, and what a lost connection leaves."""

from __future__ import annotations

import asyncio

import pytest

from cloud_ingest.inbox import Delivery, Inbox


def delivery(number: int, size: int = 10, quarantined: int | None = None) -> Delivery:
    return Delivery("topic", b"x" * size, mid=number, quarantined=quarantined)


def taken(inbox: Inbox) -> list[int]:
    numbers = []
    while (message := inbox.next()) is not None:
        numbers.append(message.mid)
    return numbers


async def test_messages_come_out_in_the_order_in_which_they_came() -> None:
    inbox = Inbox(10, 1000)
    for number in range(5):
        inbox.put(delivery(number))
    assert taken(inbox) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(("count", "size"), [(10, 1), (2, 500)])
async def test_it_is_full_by_messages_or_by_bytes_until_they_are_done(count: int, size: int) -> None:
    inbox = Inbox(10, 1000)
    for number in range(count):
        assert not inbox.full
        inbox.put(delivery(number, size))
    assert inbox.full
    messages = [inbox.next() for _ in range(count)]
    assert inbox.full, "taken is not yet done"
    inbox.done(messages)
    assert (inbox.full, inbox.in_flight, inbox.in_flight_bytes) == (False, 0, 0)


async def test_room_is_said_once_when_a_quarter_is_free() -> None:
    said: list[str] = []
    inbox = Inbox(8, 1000)
    inbox.on_room = lambda: said.append("room")
    messages = [delivery(number) for number in range(8)]
    for message in messages:
        inbox.put(message)
    waiting = asyncio.ensure_future(inbox.room())
    inbox.done(messages[:1])
    await asyncio.sleep(0)
    assert (said, waiting.done()) == ([], False)
    inbox.done(messages[1:2])
    inbox.done(messages[2:3])
    await waiting
    assert said == ["room"]


async def test_a_lost_connection_leaves_what_is_in_hand_and_what_came_from_quarantine() -> None:
    inbox = Inbox(10, 1000)
    for message in (delivery(1), delivery(2), delivery(3, quarantined=7)):
        inbox.put(message)
    in_hand = inbox.next()
    inbox.forget()
    assert inbox.in_flight == 2
    assert taken(inbox) == [3]
    inbox.done([in_hand])
    assert inbox.in_flight == 1


async def test_arrival_waits_for_a_message() -> None:
    inbox = Inbox(10, 1000)
    assert inbox.next() is None
    waiting = asyncio.ensure_future(inbox.arrival())
    await asyncio.sleep(0)
    assert not waiting.done()
    inbox.put(delivery(1))
    assert await waiting is True


async def test_a_closed_inbox_gives_what_is_left_and_then_says_so() -> None:
    inbox = Inbox(10, 1000)
    inbox.put(delivery(1))
    inbox.close()
    assert await inbox.arrival() is True
    assert taken(inbox) == [1]
    assert await inbox.arrival() is False
