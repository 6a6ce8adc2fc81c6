"""One question, one answer, however many screens look: each distinct (query, span) is asked once and shared.

A question is asked again after its span's refresh, but never so often that answering takes more than a fifth of the
time: a slow store gets fewer questions, and the picture says how old it is. Nobody looking, nothing asked.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol

from cloud_ingest.stores.query import Query
from cloud_ingest.stores.store import StoreUnavailable, Table, Window
from dashboards.spans import Span, window

#: Questions under way at once: the store serves others too.
AT_ONCE = 3
#: Time spent answering may be at most one part in so many.
_RESTRAINT = 5
_LONGEST_PAUSE_S = 120.0
_PATIENCE_S = 20.0


class Answer:
    """The newest answer to one question. `version` changes only when the table does."""

    def __init__(self, query: Query, span: Span, least_bucket_s: float) -> None:
        self.query = query
        self.span = span
        self.least_bucket_s = least_bucket_s
        self.table: Table | None = None
        self.version = 0
        self.answered_at: datetime | None = None
        self.error = ""
        self.followers = 0
        self.pause_s = span.refresh_s

    def take(self, table: Table, at: datetime) -> None:
        """A new answer from the store."""
        self.answered_at = at
        if self.error or table != self.table:
            self.version += 1
        self.table = table
        self.error = ""

    def fail(self, why: str) -> None:
        """The store did not answer; the old table stays, as old as it is."""
        if why != self.error:
            self.version += 1
        self.error = why


Question = tuple[Query, Span, float]


class Readable(Protocol):
    """The half of a Store that the view needs."""

    async def query(self, query: Query, window: Window) -> Table:
        """Answer a query over a window. Raises StoreUnavailable."""
        ...


class Feed:
    """Asks the store on behalf of everybody who looks."""

    def __init__(self, store: Readable, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._store = store
        self._now = now
        self._answers: dict[Question, Answer] = {}
        self._turn = asyncio.Semaphore(AT_ONCE)
        self._tasks: asyncio.TaskGroup | None = None

    async def run(self, ready: asyncio.Event | None = None) -> None:
        """Serve followers until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            for question, answer in self._answers.items():
                tasks.create_task(self._keep_asking(question, answer), name="feed")
            if ready:
                ready.set()
            await asyncio.Event().wait()

    def follow(self, query: Query, span: Span, least_bucket_s: float = 0) -> Answer:
        """The shared answer to a question, kept fresh until as many have left as have followed."""
        question = (query, span, least_bucket_s)
        answer = self._answers.get(question)
        if answer is None:
            answer = self._answers[question] = Answer(query, span, least_bucket_s)
            if self._tasks:
                self._tasks.create_task(self._keep_asking(question, answer), name="feed")
        answer.followers += 1
        return answer

    def leave(self, answer: Answer) -> None:
        """One follower less; the last one's leaving ends the asking."""
        answer.followers -= 1

    @property
    def questions(self) -> int:
        """How many different questions are being asked."""
        return len(self._answers)

    async def _keep_asking(self, question: Question, answer: Answer) -> None:
        try:
            while answer.followers > 0:
                async with self._turn:
                    took = await self._ask(answer)
                answer.pause_s = min(max(answer.span.refresh_s, took * (_RESTRAINT - 1)), _LONGEST_PAUSE_S)
                await asyncio.sleep(answer.pause_s)
        finally:
            del self._answers[question]

    async def _ask(self, answer: Answer) -> float:
        """Ask once; give the seconds that it took."""
        began = time.monotonic()
        now = self._now()
        try:
            async with asyncio.timeout(_PATIENCE_S):
                table = await self._store.query(answer.query, window(answer.span, now, answer.least_bucket_s))
        except StoreUnavailable as error:
            answer.fail(str(error) or "the store does not answer")
        except TimeoutError:
            answer.fail(f"no answer within {_PATIENCE_S:.0f} s")
        else:
            answer.take(table, now)
        return time.monotonic() - began
