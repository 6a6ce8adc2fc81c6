import asyncio
from datetime import UTC, datetime

import pytest

from devices.contract.readings import DeviceLink
from edge_agent.clock import Moment
from edge_agent.group_commit import GroupCommit, SpoolClosed
from edge_agent.held import Anchor
from edge_agent.spool import Spool

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
KNOWN = Anchor("kernel-1", NOON, 100.0, synchronised=True)
UNKNOWN = KNOWN._replace(synchronised=False)


def link(number: int, clock: str = "gateway") -> DeviceLink:
    return DeviceLink(device=f"d-{number}", at=NOON, clock=clock, connected=True)


@pytest.fixture
def spool(tmp_path):
    spool = Spool(tmp_path / "spool.db", boot="aaaa", now=lambda: Moment(NOON, "gateway"))
    yield spool
    spool.close()


def rows(spool: Spool) -> list[tuple[int, bool]]:
    return [(row.readings, row.urgent) for row in spool.rows(0, 1 << 62, 1000)]


async def ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_readings_of_many_devices_share_one_commit(spool):
    commit = GroupCommit(spool, anchor=lambda: KNOWN, after_s=0.05)
    running = asyncio.create_task(commit.run())
    await asyncio.gather(*(commit.put([link(n)], False) for n in range(10)))
    assert rows(spool) == [(10, False)]
    await ended(running)


async def test_put_returns_only_when_the_readings_are_on_disk(spool):
    commit = GroupCommit(spool, anchor=lambda: KNOWN, after_s=0.05)
    waiting = asyncio.create_task(commit.put([link(1)], False))
    await asyncio.sleep(0)
    assert not waiting.done()
    assert rows(spool) == []
    running = asyncio.create_task(commit.run())
    await waiting
    assert rows(spool) == [(1, False)]
    await ended(running)


async def test_an_alarm_does_not_wait_and_shares_its_row_with_no_routine(spool):
    commit = GroupCommit(spool, anchor=lambda: KNOWN, after_s=30)
    running = asyncio.create_task(commit.run())
    routine = asyncio.create_task(commit.put([link(1)], False))
    await asyncio.sleep(0)
    async with asyncio.timeout(5):
        await commit.put([link(2)], True)
        await routine
    assert sorted(rows(spool)) == [(1, False), (1, True)]
    await ended(running)


async def test_a_hundred_readings_do_not_wait_for_the_second(spool):
    commit = GroupCommit(spool, anchor=lambda: KNOWN, after_s=30, readings=100)
    running = asyncio.create_task(commit.run())
    async with asyncio.timeout(5):
        await commit.put([link(n) for n in range(250)], False)
    assert [count for count, _ in rows(spool)] == [100, 100, 50]
    await ended(running)


async def test_what_was_put_before_the_end_is_committed_and_what_comes_after_is_refused(spool):
    commit = GroupCommit(spool, anchor=lambda: KNOWN, after_s=30)
    running = asyncio.create_task(commit.run())
    last = asyncio.create_task(commit.put([link(1)], False))
    await asyncio.sleep(0.01)
    await ended(running)
    await last
    assert rows(spool) == [(1, False)]
    with pytest.raises(SpoolClosed):
        await commit.put([link(2)], False)


async def test_a_reading_without_a_known_time_is_held_until_the_clock_is_set(spool):
    anchor = UNKNOWN
    commit = GroupCommit(spool, anchor=lambda: anchor, after_s=0.01)
    running = asyncio.create_task(commit.run())
    await commit.put([link(1, "unsynchronised")], False)
    assert rows(spool) == []
    anchor = KNOWN
    async with asyncio.timeout(10):
        while not rows(spool):
            await asyncio.sleep(0.05)
    await ended(running)


async def test_a_devices_own_wrong_clock_is_not_mended_by_the_gateways_good_one(spool):
    commit = GroupCommit(spool, anchor=lambda: KNOWN, after_s=0.01)
    running = asyncio.create_task(commit.run())
    await commit.put([link(1, "unsynchronised")], False)
    (row,) = spool.rows(0, 1 << 62, 10)
    assert b'"clock":"unsynchronised"' in row.payload
    await ended(running)
