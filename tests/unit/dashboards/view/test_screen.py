"""What one page is sent: only what changed, and always how old it is."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from cloud_ingest.stores.query import CountLatest, Trend
from dashboards.catalogue import CATALOGUE
from dashboards.spans import SPANS
from dashboards.view.feed import Feed
from dashboards.view.look import Look
from dashboards.view.screen import Album, Screen
from devices.contract.readings import Alert, PipelineHealth
from tests.unit.dashboards.view.fake_store import FakeStore
from tests.unit.dashboards.view.patience import until

LOOK = Look("zh", ZoneInfo("Asia/Shanghai"), {})
NOW = datetime(2026, 3, 1, 2, 3, 4, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
async def county():
    """A store, a clock, and a feed that runs."""
    store, clock = FakeStore(), Clock()
    feed = Feed(store, clock)
    ready = asyncio.Event()
    task = asyncio.create_task(feed.run(ready))
    await ready.wait()
    yield store, clock, feed
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def screen(feed: Feed, page: int = 0, **choices: str) -> Screen:
    return Screen(CATALOGUE[page], SPANS["1h"], choices, LOOK, feed, Album())


async def first_pictures(shown: Screen, clock: Clock) -> dict[int, dict]:
    """Everything that the screen is sent until it has every panel."""
    pictures: dict[int, dict] = {}
    async with asyncio.timeout(3):
        while len(pictures) < len(CATALOGUE[0].panels):
            pictures |= {picture["id"]: picture for picture in shown.changes(clock())}
            await asyncio.sleep(0.002)
    return pictures


async def changed(shown: Screen, clock: Clock) -> list[int]:
    """The panels of the next change."""
    found: list[dict] = []
    await until(lambda: found.extend(shown.changes(clock())) or found)
    return [picture["id"] for picture in found]


async def test_every_panel_is_sent_once_and_then_nothing(county):
    _, clock, feed = county
    shown = screen(feed)
    pictures = await first_pictures(shown, clock)
    assert set(pictures) == {panel.frame.id for panel in CATALOGUE[0].panels}
    assert shown.changes(clock()) == []


async def test_only_the_panels_whose_answer_changed_are_sent(county):
    store, clock, feed = county
    shown = screen(feed)
    await first_pictures(shown, clock)
    row = (NOW, "truck-01", "overspeed", "critical", "超速", "Too fast", 92.0, 60.0, "liangzhu")
    store.rows = lambda query: (
        [row]
        if query.kind is Alert and "limit" in getattr(query, "columns", ()) and not hasattr(query, "limit")
        else []
    )
    assert await changed(shown, clock) == [9]


async def test_another_answer_that_looks_the_same_is_not_sent(county):
    store, clock, feed = county
    store.rows = lambda query: [(clock.now, 3)] if isinstance(query, CountLatest) else []
    shown = screen(feed)
    await first_pictures(shown, clock)
    asked = len(store.asked)
    clock.now = NOW + timedelta(seconds=4)
    await until(lambda: len(store.asked) >= asked + feed.questions)
    assert shown.changes(clock()) == []


async def test_ten_screens_ask_as_much_as_one(county):
    store, clock, feed = county
    shown = [screen(feed) for _ in range(10)]
    for one in shown:
        await first_pictures(one, clock)
    assert len(store.asked) == len(set(store.asked)) == feed.questions


async def test_a_village_that_was_chosen_stands_in_the_questions(county):
    store, clock, feed = county
    await first_pictures(screen(feed, village="liangzhu"), clock)
    conditions = {condition.value for query in store.asked for condition in getattr(query, "where", ())}
    assert "liangzhu" in conditions


async def test_a_closed_screen_asks_nothing_more(county):
    _, clock, feed = county
    shown = screen(feed)
    await first_pictures(shown, clock)
    shown.leave()
    shown.leave()
    await until(lambda: not feed.questions)


async def test_a_store_that_never_answered_gives_each_panel_its_error_and_no_picture(county):
    store, clock, feed = county
    store.down = "no such file"
    pictures = await first_pictures(screen(feed), clock)
    assert {picture["kind"] for picture in pictures.values()} == {"error"}
    assert {picture["error"] for picture in pictures.values()} == {"no such file"}


async def test_the_pulse_of_a_live_picture_is_not_late(county):
    _, clock, feed = county
    shown = screen(feed)
    await first_pictures(shown, clock)
    assert shown.pulse(clock())["late"] is False


async def test_the_pulse_of_an_old_picture_says_from_when_it_is(county):
    _, clock, feed = county
    shown = screen(feed)
    await first_pictures(shown, clock)
    pulse = shown.pulse(NOW + timedelta(seconds=90))
    assert pulse["late"] is True
    assert pulse["as_of"] == int(NOW.timestamp() * 1000)


async def test_the_pulse_says_why_the_store_does_not_answer(county):
    store, clock, feed = county
    shown = screen(feed)
    await first_pictures(shown, clock)
    store.down = "connection refused"
    await until(lambda: shown.pulse(clock())["late"])
    assert shown.pulse(clock())["why"] == "connection refused"
    assert any(picture["error"] == "connection refused" for picture in shown.changes(clock()))


async def test_the_pulse_says_when_an_ingest_last_reported(county):
    store, clock, feed = county
    heard = NOW - timedelta(minutes=8)
    store.rows = lambda query: (
        [(heard, "ingest-1", True)] if query.kind is PipelineHealth and query.columns == ("store_up",) else []
    )
    shown = Screen(CATALOGUE[2], SPANS["1h"], {}, LOOK, feed, Album())
    await until(lambda: shown.pulse(clock())["asked"])
    assert shown.pulse(clock())["heard"] == int(heard.timestamp() * 1000)


async def test_a_chart_moves_on_with_the_clock_where_nothing_new_comes(county):
    store, clock, feed = county
    store.rows = lambda query: [(NOW, "ingest-1", 120.0)] if isinstance(query, Trend) else []
    shown = screen(feed)
    await first_pictures(shown, clock)
    later = NOW + timedelta(seconds=30)
    assert [picture["id"] for picture in shown.changes(later)] == [10]
