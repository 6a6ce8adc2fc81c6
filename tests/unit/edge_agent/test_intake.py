from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from devices.contract.readings import DeviceLink, Reading
from edge_agent.damage import Damage
from edge_agent.group_commit import SpoolClosed
from edge_agent.intake import Intake
from edge_agent.spool import SpoolBroken, SpoolFull
from tests.unit.edge_agent.hand_spool import NOON, HandSpool


async def test_a_device_that_comes_and_goes_is_told_to_the_county_and_remembered() -> None:
    spool = HandSpool()
    async with Intake(lambda: NOON, spool.put, Damage()) as intake:
        intake.link("truck-1", True, "")
        intake.link("truck-1", False, "unplugged")

    assert [(link.connected, link.reason) for link in spool.readings if isinstance(link, DeviceLink)] == [
        (True, None),
        (False, "unplugged"),
    ]
    assert intake.links == {"truck-1": False}


async def test_an_intake_ends_only_when_its_last_put_has_arrived() -> None:
    spool = HandSpool(open_=False)

    async def said_and_left() -> None:
        async with Intake(lambda: NOON, spool.put, Damage()) as intake:
            intake.link("truck-1", True, "")

    leaving = asyncio.ensure_future(said_and_left())
    await asyncio.sleep(0.05)
    still_there = not leaving.done()
    spool.land()
    await leaving

    assert still_there


@pytest.mark.parametrize("failure", [SpoolFull("no room"), SpoolClosed()])
async def test_a_spool_that_takes_no_more_costs_the_reading_and_not_the_agent(failure: Exception) -> None:
    spool = HandSpool()
    spool.failure = failure
    async with Intake(lambda: NOON, spool.put, Damage()) as intake:
        reading = DeviceLink(device="truck-1", at=NOON.at, connected=True)

        assert not await intake.put_if_room(reading, urgent=False)


async def test_a_broken_spool_ends_the_agent() -> None:
    async def put(readings: Sequence[Reading], urgent: bool) -> None:
        raise SpoolBroken("the card is gone")

    with pytest.raises(ExceptionGroup) as ended:
        async with Intake(lambda: NOON, put, Damage()) as intake:
            intake.link("truck-1", True, "")

    assert ended.group_contains(SpoolBroken, match="the card is gone")
