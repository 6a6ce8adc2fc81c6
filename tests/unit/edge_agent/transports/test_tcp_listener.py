from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from typing import NamedTuple

import pytest

from devices.contract.readings import TruckPosition
from devices.events import Answer, Damaged, Event, Hangup
from edge_agent.collect import Conversation
from edge_agent.damage import Damage
from edge_agent.transports import tcp_listener
from edge_agent.transports.tcp_listener import Bounds, TcpListener
from edge_agent.transports.wire import TransportLost
from tests.unit.edge_agent.hand_spool import NOON, HandSpool


class LineSession:
    """A session of lines: `i am X`, `fix`, `ask N` (an answer of N bytes), `bye`; anything else is damage."""

    def __init__(self) -> None:
        self.device: str | None = None
        self._rest = b""

    def feed(self, data: bytes, received_at: datetime) -> list[Event]:
        *lines, self._rest = (self._rest + data).split(b"\n")
        return [event for line in lines for event in self._line(line, received_at)]

    def finish(self, received_at: datetime) -> list[Event]:  # noqa: ARG002 - the protocol's form
        return [Damaged("cut", self._rest)] if self._rest else []

    def _line(self, line: bytes, received_at: datetime) -> list[Event]:
        match line.split():
            case [b"i", b"am", name]:
                self.device = name.decode()
                return [Answer(b"welcome\n")]
            case [b"fix"]:
                fix = TruckPosition(device=self.device or "", at=received_at, latitude=30.0, longitude=120.0)
                return [fix, Answer(b"ok\n")]
            case [b"ask", count]:
                return [Answer(b"x" * int(count))]
            case [b"bye"]:
                return [Answer(b"bye\n"), Hangup("said bye")]
        return [Damaged("no word of ours", line)]


class Site(NamedTuple):
    """A listener under test, and what came of it."""

    listener: TcpListener
    port: int
    spool: HandSpool
    damage: Damage
    links: list[tuple[str, bool, str]]
    callers: list[asyncio.StreamWriter]

    async def call(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.callers.append(writer)
        return reader, writer

    async def all_gone(self) -> None:
        for writer in self.callers:
            writer.transport.abort()
            with suppress(ConnectionError):
                await writer.wait_closed()


Open = Callable[..., "asyncio.Future[Site]"]


@asynccontextmanager
async def site(bounds: Bounds | None = None, spool: HandSpool | None = None) -> AsyncIterator[Site]:
    held = spool or HandSpool()
    damage = Damage()
    links: list[tuple[str, bool, str]] = []
    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:

        def converse(device: Callable[[], str], session: LineSession, **wire: Callable[..., None]) -> Conversation:
            return Conversation(device, session, put=held.put, start=tasks.create_task, damage=damage, **wire)

        listener = TcpListener(
            "lines",
            LineSession,
            bounds=bounds or Bounds(),
            now=lambda: NOON,
            converse=converse,
            link=lambda *link: links.append(link),
        )
        async with listener.listening("127.0.0.1", 0) as port:
            sweep = tasks.create_task(listener.sweep())
            here = Site(listener, port, held, damage, links, [])
            try:
                yield here
            finally:
                sweep.cancel()
        held.land()
        await here.all_gone()


async def until(condition: Callable[[], object]) -> None:
    # The condition is another party's doing and has no event of its own.
    while not condition():
        await asyncio.sleep(0.005)


async def test_a_device_is_welcomed_and_its_reading_is_answered() -> None:
    async with site() as here:
        reader, writer = await here.call()
        writer.write(b"i am truck-1\nfix\n")

        assert await reader.readexactly(11) == b"welcome\nok\n"
        writer.close()
        await until(lambda: len(here.links) == 2)

    assert [reading.device for reading in here.spool.readings] == ["truck-1"]
    assert here.links == [("truck-1", True, ""), ("truck-1", False, "the device hung up")]


async def test_a_reading_is_not_answered_before_it_is_on_disk() -> None:
    async with site(spool=HandSpool(open_=False)) as here:
        reader, writer = await here.call()
        writer.write(b"i am truck-1\nfix\n")
        await until(lambda: here.spool.put_groups)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await reader.readexactly(11)
        here.spool.land()

        # `welcome` came in the same chunk as the reading, and so waits with its answer.
        assert await reader.readexactly(11) == b"welcome\nok\n"
        writer.close()


async def test_a_device_that_says_goodbye_is_answered_and_hung_up_on() -> None:
    async with site() as here:
        reader, writer = await here.call()
        writer.write(b"i am truck-1\nbye\n")

        assert await reader.read() == b"welcome\nbye\n"
        writer.close()
        await until(lambda: len(here.links) == 2)

    assert here.links[-1] == ("truck-1", False, "said bye")


async def test_beyond_the_bound_callers_are_refused_and_counted_and_the_others_are_still_served() -> None:
    async with site(Bounds(connections=3)) as here:
        inside = [await here.call() for _ in range(3)]
        await until(lambda: here.listener.counts.connected == 3)
        for _ in range(5):
            reader, writer = await here.call()
            with pytest.raises(ConnectionResetError):
                await reader.readexactly(1)
            writer.close()
        reader, writer = inside[0]
        writer.write(b"i am truck-1\n")

        assert await reader.readexactly(8) == b"welcome\n"
        assert here.listener.counts == (3, 1, 3, 5, 0)
        for _, writer in inside:
            writer.close()


async def test_one_address_may_hold_only_so_many_connections() -> None:
    async with site(Bounds(per_address=2)) as here:
        inside = [await here.call() for _ in range(2)]
        await until(lambda: here.listener.counts.connected == 2)
        reader, writer = await here.call()

        with pytest.raises(ConnectionResetError):
            await reader.readexactly(1)

        for _, inner in (*inside, (reader, writer)):
            inner.close()


async def test_a_place_that_was_left_is_free_again() -> None:
    async with site(Bounds(connections=1, per_address=1)) as here:
        for _ in range(3):
            reader, writer = await here.call()
            writer.write(b"i am truck-1\n")
            assert await reader.readexactly(8) == b"welcome\n"
            writer.close()
            await until(lambda: here.listener.counts.connected == 0)


async def test_a_device_that_calls_again_replaces_its_dead_connection_without_a_word() -> None:
    async with site() as here:
        first, first_writer = await here.call()
        first_writer.write(b"i am truck-1\n")
        await first.readexactly(8)
        second, second_writer = await here.call()
        second_writer.write(b"i am truck-1\n")
        await second.readexactly(8)

        assert await first.read() == b""
        await until(lambda: here.listener.counts.connected == 1)
        assert here.links == [("truck-1", True, "")]
        first_writer.close()
        second_writer.close()
        await second_writer.wait_closed()
        await until(lambda: len(here.links) == 2)


async def test_a_caller_that_never_says_who_it_is_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tcp_listener, "SWEEP_EVERY_S", 0.02)
    async with site(Bounds(introduce_within_s=0.1)) as here:
        reader, writer = await here.call()
        writer.write(b"hello?")

        assert await reader.read() == b""
        writer.close()
        assert here.listener.counts.dropped == 1


async def test_a_silent_device_is_dropped_and_said_to_be_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tcp_listener, "SWEEP_EVERY_S", 0.02)
    async with site(Bounds(idle_s=0.2)) as here:
        reader, writer = await here.call()
        writer.write(b"i am truck-1\n")
        await reader.readexactly(8)

        assert await reader.read() == b""
        writer.close()
        await until(lambda: len(here.links) == 2)

    assert here.links[-1] == ("truck-1", False, "silent for 0.2 s")


async def test_a_device_that_does_not_read_its_answers_is_not_heard_and_then_dropped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tcp_listener, "SWEEP_EVERY_S", 0.02)
    monkeypatch.setattr(tcp_listener, "STOPS_READING_FOR_S", 0.1)
    async with site() as here:
        reader, writer = await here.call()
        writer.transport.pause_reading()
        writer.write(b"i am truck-1\n" + b"ask 1000000\n" * 20)
        await until(lambda: here.listener.counts.dropped)
        await until(lambda: here.listener.counts.connected == 0)
        writer.close()
        del reader

    assert here.links == [("truck-1", True, ""), ("truck-1", False, "the device hung up")]


async def test_more_bytes_wait_in_the_network_while_the_disk_is_busy() -> None:
    async with site(spool=HandSpool(open_=False)) as here:
        _, writer = await here.call()
        writer.write(b"i am truck-1\n")
        for n in range(40):
            writer.write(b"fix\n")
            await writer.drain()
            await until(lambda n=n: len(here.spool.put_groups) > n or n >= 16)
            await asyncio.sleep(0.005)

        assert len(here.spool.put_groups) <= 17
        here.spool.land()
        await until(lambda: len(here.spool.readings) == 40)
        writer.close()


async def test_a_cut_frame_is_damage_of_its_device() -> None:
    async with site() as here:
        reader, writer = await here.call()
        writer.write(b"i am truck-1\nhalf a fr")
        await reader.readexactly(8)
        writer.close()
        await until(lambda: here.damage.total)

    assert here.damage.count("truck-1") == 1


async def test_a_port_that_is_taken_is_lost_with_a_reason() -> None:
    async with site() as here:
        with pytest.raises(TransportLost, match=f"cannot listen on 127.0.0.1:{here.port}"):
            async with here.listener.listening("127.0.0.1", here.port):
                pytest.fail("listened")


async def test_when_the_gateway_stops_nobody_stays_connected() -> None:
    async with site() as here:
        reader, writer = await here.call()
        writer.write(b"i am truck-1\n")
        await reader.readexactly(8)
        ended = asyncio.ensure_future(reader.read())
        await asyncio.sleep(0)

    assert await ended == b""
    assert here.listener.counts.connected == 0
