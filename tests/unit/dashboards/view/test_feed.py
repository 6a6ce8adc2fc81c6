"""One question for all who look; none when nobody does; a slow store is asked less."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from cloud_ingest.stores.query import Latest, Total
from dashboards.spans import Span
from dashboards.states import Words
from dashboards.view.feed import Feed
from devices.contract.readings import PipelineHealth, TruckPosition
from tests.unit.dashboards.view.fake_store import FakeStore
from tests.unit.dashboards.view.patience import until

QUICK = Span(900, 5, 0.01, Words("", ""))
HEALTH = Latest(PipelineHealth, ("store_up",))
FASTEST = Total(TruckPosition, "speed_kmh", "max")


@asynccontextmanager
async def running(store: FakeStore) -> AsyncIterator[Feed]:
    feed = Feed(store)
    ready = asyncio.Event()
    task = asyncio.create_task(feed.run(ready))
    await ready.wait()
    try:
        yield feed
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_ten_followers_of_one_question_cost_one():
    store = FakeStore()
    async with running(store) as feed:
        answers = [feed.follow(HEALTH, QUICK._replace(refresh_s=60)) for _ in range(10)]
        await until(lambda: answers[0].version == 1)
        assert len(store.asked) == 1
        assert all(answer is answers[0] for answer in answers)


async def test_a_question_is_asked_until_the_last_follower_has_left():
    store = FakeStore()
    async with running(store) as feed:
        first, second = feed.follow(HEALTH, QUICK), feed.follow(HEALTH, QUICK)
        await until(lambda: len(store.asked) >= 2)
        feed.leave(first)
        before = len(store.asked)
        await until(lambda: len(store.asked) > before)
        feed.leave(second)
        await until(lambda: feed.questions == 0)


async def test_a_new_follower_right_after_the_last_one_left_is_served():
    store = FakeStore()
    async with running(store) as feed:
        first = feed.follow(HEALTH, QUICK)
        await until(lambda: first.version == 1)
        feed.leave(first)
        second = feed.follow(HEALTH, QUICK)
        before = len(store.asked)
        await until(lambda: len(store.asked) > before + 1)
        assert second.table is not None


async def test_the_version_changes_only_when_the_answer_does():
    store = FakeStore()
    async with running(store) as feed:
        answer = feed.follow(FASTEST, QUICK)
        await until(lambda: len(store.asked) > 5)
        assert answer.version == 1
        store.rows = lambda _: [(None, 71.0)]
        await until(lambda: answer.version == 2)
        asked = len(store.asked)
        await until(lambda: len(store.asked) > asked + 3)
        assert answer.version == 2


async def test_a_store_that_is_down_leaves_the_old_answer_and_says_why():
    store = FakeStore()
    store.rows = lambda _: [(None, 50.0)]
    async with running(store) as feed:
        answer = feed.follow(FASTEST, QUICK)
        await until(lambda: answer.version == 1)
        store.down = "the disk is gone"
        await until(lambda: bool(answer.error))
        assert answer.error == "the disk is gone"
        assert answer.table is not None
        assert answer.table.rows == [(None, 50.0)]
        stood = answer.answered_at
        store.down = ""
        await until(lambda: not answer.error)
        assert answer.answered_at > stood
        assert answer.version == 3


async def test_a_slow_answer_is_followed_by_a_longer_pause():
    class Slow(FakeStore):
        async def query(self, query, window):
            await asyncio.sleep(0.05)
            return await super().query(query, window)

    async with running(Slow()) as feed:
        answer = feed.follow(FASTEST, QUICK)
        await until(lambda: answer.version == 1)
        await until(lambda: answer.pause_s >= 4 * 0.05)


async def test_followers_that_came_before_the_feed_ran_are_served():
    store = FakeStore()
    feed = Feed(store)
    answer = feed.follow(HEALTH, QUICK)
    task = asyncio.create_task(feed.run())
    await until(lambda: answer.version == 1)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
