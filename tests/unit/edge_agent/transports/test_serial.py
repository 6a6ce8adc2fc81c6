from __future__ import annotations

import asyncio
import os
import tty
from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

import pytest

from edge_agent.transports.serial import MAX_WAITING_BYTES, open_serial
from edge_agent.transports.wire import TransportLost
from tests.unit.edge_agent.hand_spool import NOON

LINE = {"baud": 9600, "bytesize": 8, "parity": "N", "stopbits": 1, "now": lambda: NOON}


class Pty(NamedTuple):
    """The device's end of a serial line, and the path of ours."""

    device: int
    path: str


@pytest.fixture
def pty() -> Iterator[Pty]:
    device, port = os.openpty()
    tty.setraw(device)
    path = os.ttyname(port)
    os.close(port)
    yield Pty(device, path)
    with suppress(OSError):
        os.close(device)


async def test_bytes_come_as_they_were_sent_with_the_time_they_came(pty: Pty) -> None:
    async with open_serial(pty.path, **LINE) as wire, asyncio.timeout(5):
        os.write(pty.device, b"$GPRMC,\x00\xff\r\n")

        chunk = await wire.read()

    assert chunk == (b"$GPRMC,\x00\xff\r\n", NOON)


async def test_an_answer_reaches_the_device(pty: Pty) -> None:
    async with open_serial(pty.path, **LINE) as wire:
        wire.send(b"\x06")

        assert os.read(pty.device, 10) == b"\x06"


async def test_an_unplugged_device_is_noticed_after_what_it_had_sent(pty: Pty) -> None:
    async with open_serial(pty.path, **LINE) as wire, asyncio.timeout(5):
        os.write(pty.device, b"last words")
        first = await wire.read()
        os.close(pty.device)

        with pytest.raises(TransportLost):
            await wire.read()

    assert first.data == b"last words"


async def test_a_port_that_is_not_there_is_lost_with_a_reason() -> None:
    with pytest.raises(TransportLost, match="No such file"):
        async with open_serial("/dev/no-such-port", **LINE):
            pytest.fail("opened")


async def test_a_port_that_is_taken_is_not_shared(pty: Pty) -> None:
    async with open_serial(pty.path, **LINE):
        with pytest.raises(TransportLost):
            async with open_serial(pty.path, **LINE):
                pytest.fail("opened")


async def test_a_port_can_be_opened_again_after_it_was_closed(pty: Pty) -> None:
    for word in (b"one", b"two"):
        async with open_serial(pty.path, **LINE) as wire, asyncio.timeout(5):
            os.write(pty.device, word)
            assert (await wire.read()).data == word


async def test_hanging_up_ends_the_reading(pty: Pty) -> None:
    async with open_serial(pty.path, **LINE) as wire, asyncio.timeout(5):
        wire.hang_up("16384 damaged bytes")

        with pytest.raises(TransportLost, match="16384 damaged bytes"):
            await wire.read()


async def test_a_terminal_server_is_read_like_a_cable_and_its_end_is_noticed() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello")
        await reader.readexactly(2)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, asyncio.timeout(5), open_serial(f"socket://127.0.0.1:{port}", **LINE) as wire:
        assert (await wire.read()).data == b"hello"
        wire.send(b"ok")

        with pytest.raises(TransportLost):
            await wire.read()


async def test_a_terminal_server_that_refuses_is_lost_with_a_reason() -> None:
    with pytest.raises(TransportLost, match="refused"):
        async with open_serial("socket://127.0.0.1:1", **LINE):
            pytest.fail("opened")


async def test_nothing_is_lost_and_memory_is_bounded_while_nobody_reads() -> None:
    sent = 0

    async def flood(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        while sent < 8 * MAX_WAITING_BYTES:
            writer.write(b"x" * 4096)
            sent += 4096
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(flood, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    taken = most_waiting = 0
    async with server, asyncio.timeout(20), open_serial(f"socket://127.0.0.1:{port}", **LINE) as wire:
        with suppress(TransportLost):
            while True:
                for _ in range(200):  # the far end gets ahead, as it does while the spool commits
                    await asyncio.sleep(0)
                most_waiting = max(most_waiting, wire._waiting_bytes)
                taken += len((await wire.read()).data)

    assert taken == sent == 8 * MAX_WAITING_BYTES
    assert MAX_WAITING_BYTES // 2 < most_waiting <= MAX_WAITING_BYTES + 4096
