"""Kill, freeze and cut everything at random moments: what a device reported is stored, once."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from tests.e2e.rig import Rig


async def survive(rig: Rig, times: int) -> Counter[str]:
    """Drive while hurting the pipeline so many times; then let it come to rest."""
    suffered: Counter[str] = Counter()
    enough = asyncio.Event()
    await rig.start()
    driving = asyncio.create_task(rig.drive(enough))
    for _ in range(times):
        await asyncio.sleep(rig.rng.uniform(0.2, 1.2))
        suffered[await rig.hurt()] += 1
    enough.set()
    await driving
    async with asyncio.timeout(60):
        await asyncio.gather(*(terminal.settle() for terminal in rig.terminals.values()))
    return suffered


async def account(rig: Rig, times: int) -> None:
    try:
        suffered = await survive(rig, times)
        stored = await rig.all_stored(patience_s=60)
        assert sum(suffered.values()) == times
        assert len(stored) == len(set(stored)), "doubled"
        assert rig.said - set(stored) == set(), f"lost after {dict(suffered)}"
        assert set(stored) - rig.said == set(), "stored, but nobody said it"
        assert len(rig.said) > 10 * times
    finally:
        await rig.stop()


@pytest.mark.timeout(300)
async def test_nothing_is_lost_or_doubled_through_twenty_kills(tmp_path, influx_server, database):
    await account(Rig(tmp_path, influx_server, database, trucks=4, seed=20), times=20)


@pytest.mark.slow
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("seed", range(4))
async def test_nothing_is_lost_or_doubled_through_two_hundred_kills(tmp_path, influx_server, database, seed):
    await account(Rig(tmp_path, influx_server, database, trucks=4, seed=1000 + seed), times=50)
