from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import pytest

from edge_agent.supervisor import WELL_AFTER_S, Link, Up, keep_running
from edge_agent.transports.wire import TransportLost


class Runs:
    """A device's loop that does what the next of its acts says, and the pauses that were made between them."""

    def __init__(self, *acts: Callable[[Up], None]) -> None:
        self._acts = list(acts)
        self.now_s = 0.0
        self.pauses: list[int] = []

    async def run(self, up: Up) -> None:
        self._acts.pop(0)(up)

    async def pause(self, attempt: int) -> None:
        self.pauses.append(attempt)
        if not self._acts:
            raise asyncio.CancelledError

    async def keep(self, link: Link) -> None:
        await keep_running(self.run, link, pause=self.pause, monotonic_s=lambda: self.now_s)


def lost(_: Up) -> None:
    raise TransportLost("unplugged")


def connected_then_lost(up: Up) -> None:
    up()
    raise TransportLost("unplugged")


def mistaken(_: Up) -> None:
    raise ZeroDivisionError


def ended(up: Up) -> None:
    up()


@pytest.fixture
def said() -> list[tuple[bool, str]]:
    return []


@pytest.fixture
def link(said: list[tuple[bool, str]]) -> Link:
    return Link("kiosk-01", lambda connected, reason: said.append((connected, reason)))


async def test_a_device_that_stays_away_is_said_to_be_gone_once(
    link: Link, said: list[tuple[bool, str]], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        await Runs(lost, lost, lost, ended).keep(link)

    assert said == [(False, "unplugged"), (True, "")]
    assert [record.getMessage() for record in caplog.records] == [
        "kiosk-01: not connected: unplugged",
        "kiosk-01: connected",
    ]


async def test_a_device_that_comes_and_goes_is_said_each_way(link: Link, said: list[tuple[bool, str]]) -> None:
    await Runs(connected_then_lost, connected_then_lost, ended).keep(link)

    assert [connected for connected, _ in said] == [True, False, True, False, True]


async def test_each_failure_waits_longer_than_the_one_before(link: Link) -> None:
    runs = Runs(lost, lost, lost, ended)

    await runs.keep(link)

    assert runs.pauses == [1, 2, 3]


async def test_what_was_well_for_a_while_is_tried_again_at_once(link: Link) -> None:
    def well_then_lost(up: Up) -> None:
        up()
        runs.now_s += WELL_AFTER_S + 1
        raise TransportLost("unplugged")

    runs = Runs(lost, lost, well_then_lost, ended)

    await runs.keep(link)

    assert runs.pauses == [1, 2, 0]


async def test_a_mistake_of_ours_is_logged_whole_and_the_device_is_started_again(
    link: Link, said: list[tuple[bool, str]], caplog: pytest.LogCaptureFixture
) -> None:
    await Runs(mistaken, ended).keep(link)

    assert said == [(False, "unexpected ZeroDivisionError"), (True, "")]
    assert caplog.records[0].exc_info


async def test_a_mistake_that_repeats_is_logged_whole_only_once(link: Link, caplog: pytest.LogCaptureFixture) -> None:
    await Runs(mistaken, mistaken, mistaken, ended).keep(link)

    assert len([record for record in caplog.records if record.exc_info]) == 1


async def test_a_loop_that_returns_has_ended(link: Link) -> None:
    runs = Runs(ended)

    await runs.keep(link)

    assert runs.pauses == []


async def test_cancelling_is_obeyed(link: Link) -> None:
    async def forever(_: Up) -> None:
        await asyncio.Event().wait()

    task = asyncio.ensure_future(keep_running(forever, link, monotonic_s=lambda: 0.0))
    await asyncio.sleep(0)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
