from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from edge_agent.tools.recording import write_header
from edge_agent.transports.recording import play
from edge_agent.transports.wire import Chunk, TransportLost
from tests.unit.edge_agent.hand_spool import NOON

BODY = bytes(range(256)) * 8
BEGAN = datetime(2026, 3, 1, 2, 3, 4, tzinfo=UTC)


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    file = tmp_path / "session.rec"
    file.write_bytes(write_header({"Name": "truck 12", "Date": "2026-03-01T02:03:04Z"}) + BODY)
    return file


async def played(file: Path, *, baud: int = 9600, speed: float = 0) -> list[Chunk]:
    return [chunk async for chunk in play(file, baud=baud, speed=speed, now=lambda: NOON)]


async def test_the_body_comes_whole_and_without_its_header(recording: Path) -> None:
    chunks = await played(recording)

    assert b"".join(chunk.data for chunk in chunks) == BODY


async def test_a_dated_recording_is_played_in_its_own_time(recording: Path) -> None:
    chunks = await played(recording, baud=9600, speed=10_000)

    assert chunks[0].at == (BEGAN, "gateway")
    before = sum(len(chunk.data) for chunk in chunks[:-1])
    assert chunks[-1].at.at - BEGAN == pytest.approx(timedelta(seconds=before / 960), abs=timedelta(milliseconds=1))


async def test_an_undated_recording_is_played_in_ours(tmp_path: Path) -> None:
    file = tmp_path / "session.rec"
    file.write_bytes(BODY)

    assert {chunk.at for chunk in await played(file)} == {NOON}


async def test_a_recording_keeps_the_pace_of_its_wire(recording: Path) -> None:
    loop = asyncio.get_running_loop()
    began_s = loop.time()

    await played(recording, baud=9600, speed=10)

    # 2,048 bytes take 2.13 s at 9600 baud: a tenth of that at ten times the speed.
    assert 0.19 < loop.time() - began_s < 2.0


async def test_a_recording_that_is_not_there_is_lost_by_name(tmp_path: Path) -> None:
    with pytest.raises(TransportLost, match=r"absent\.rec: No such file"):
        await played(tmp_path / "absent.rec")
