"""One open page: what it follows, what it was last sent, and how old its picture is. Knows no browser.

Pictures are drawn once and shared by all screens that look at the same panel in the same way (`Album`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from cloud_ingest.stores.query import Latest, Query, Trend, choose
from dashboards.panels import Dashboard, Panel, StateTimeline, TimeSeries, queries
from dashboards.spans import SPANS, Span
from dashboards.view.feed import Answer, Feed
from dashboards.view.look import Look
from dashboards.view.picture import Picture, picture
from devices.contract.readings import PipelineHealth

#: A picture later than this is announced; until then it counts as live.
LATE_S = 4.0
#: Charts move with the clock even where nothing new comes, at most this often.
_STEP_S = 5.0
_MOST_PICTURES = 400
#: Whether anything new comes at all: the ingest reports on itself every ten seconds.
_INGEST = Latest(PipelineHealth, ("store_up",))


class Album:
    """Pictures that were drawn already, the newest kept."""

    def __init__(self) -> None:
        self._pictures: dict[Any, Picture] = {}

    def get(self, key: object) -> Picture | None:
        """A picture drawn earlier under the same key."""
        return self._pictures.get(key)

    def put(self, key: object, drawn: Picture) -> None:
        """Keep a picture; the oldest goes when there are many."""
        self._pictures[key] = drawn
        while len(self._pictures) > _MOST_PICTURES:
            del self._pictures[next(iter(self._pictures))]


class _Followed(NamedTuple):
    panel: Panel
    span: Span
    answers: tuple[Answer, ...]


class Screen:
    """Follows a dashboard's panels for one viewer."""

    def __init__(
        self, dashboard: Dashboard, span: Span, choices: Mapping[str, str], look: Look, feed: Feed, album: Album
    ) -> None:
        self._uid = dashboard.uid
        self._look = look
        self._feed = feed
        self._album = album
        self._panels = [_follow(panel, span, choices, feed) for panel in dashboard.panels]
        self._ingest = feed.follow(_INGEST, SPANS["24h"]._replace(refresh_s=1.0))
        self._sent: dict[int, object] = {}
        self._shown: dict[int, Picture] = {}
        self._gone = False

    def leave(self) -> None:
        """The page is closed. May be said twice."""
        if not self._gone:
            self._gone = True
            self._feed.leave(self._ingest)
            for followed in self._panels:
                for answer in followed.answers:
                    self._feed.leave(answer)

    def changes(self, now: datetime) -> list[Picture]:
        """The pictures that differ from what this screen was sent, each with its panel's `id` and `error`."""
        changed = []
        for followed in self._panels:
            state = _state(followed, now)
            if state is None or self._sent.get(followed.panel.frame.id) == state:
                continue
            drawn = self._draw(followed, state, now)
            self._sent[followed.panel.frame.id] = state
            # Another answer may look the same: a count over a window that has moved on, a state said again.
            if self._shown.get(followed.panel.frame.id) != drawn:
                self._shown[followed.panel.frame.id] = drawn
                changed.append(drawn)
        return changed

    def pulse(self, now: datetime) -> dict[str, Any]:
        """How the picture stands. Times are milliseconds since 1970, 0 where there is none.

        `late`: the store did not answer in time, the oldest part of the picture is from `as_of`, `why` is its reason.
        `heard`: when an ingest last reported; the store may answer at once and still hold nothing new.
        """
        late = [
            (answer.answered_at, answer.error)
            for followed in self._panels
            for answer in followed.answers
            if answer.error or _overdue_s(answer, now) > LATE_S
        ]
        known = [at.timestamp() for at, _ in late if at]
        return {
            "now": int(now.timestamp() * 1000),
            "late": bool(late),
            "as_of": int(min(known) * 1000) if known else 0,
            "why": next((error for _, error in late if error), ""),
            "asked": self._ingest.table is not None,
            "heard": _newest_ms(self._ingest),
        }

    def _draw(self, followed: _Followed, state: object, now: datetime) -> Picture:
        frame = followed.panel.frame
        error = next((answer.error for answer in followed.answers if answer.error), "")
        tables = [answer.table for answer in followed.answers if answer.table is not None]
        if len(tables) < len(followed.answers):
            return {"id": frame.id, "kind": "error", "error": error}
        key = (self._uid, frame.id, followed.answers, state, self._look.language)
        drawn = self._album.get(key)
        if drawn is None:
            drawn = picture(followed.panel, tables, self._look, now, followed.span.seconds)
            self._album.put(key, drawn)
        return {"id": frame.id, "error": error, **drawn}


def _newest_ms(answer: Answer) -> int:
    rows = answer.table.rows if answer.table else []
    return max((int(row[0].timestamp() * 1000) for row in rows), default=0)


def _follow(panel: Panel, span: Span, choices: Mapping[str, str], feed: Feed) -> _Followed:
    span = SPANS[panel.frame.look_back] if panel.frame.look_back else span
    if panel.frame.look_back:
        # A fixed window is there for what stands now, so it is asked as often as the live ones.
        span = span._replace(refresh_s=1.0)
    least = panel.least_bucket_s if isinstance(panel, TimeSeries) else 0.0
    asked = [choose(query, choices) for query in (*queries(panel), *counts_behind(panel))]
    return _Followed(panel, span, tuple(feed.follow(query, span, least) for query in asked))


def counts_behind(panel: Panel) -> tuple[Query, ...]:
    """Behind a chart with a smallest group stands one more question: how many measurements each bucket has."""
    if isinstance(panel, TimeSeries) and panel.least_group and not panel.counts:
        first = panel.lines[0].query
        return (Trend(first.kind, first.column, "count", by=(), where=first.where),)
    return ()


def _state(followed: _Followed, now: datetime) -> object | None:
    """What a picture is made from; None until every question has an answer or an error."""
    if not all(answer.version for answer in followed.answers):
        return None
    versions = tuple(answer.version for answer in followed.answers)
    if isinstance(followed.panel, TimeSeries | StateTimeline):
        return (versions, int(now.timestamp() / max(_STEP_S, followed.span.every_s)))
    return versions


def _overdue_s(answer: Answer, now: datetime) -> float:
    if answer.answered_at is None:
        return 0.0
    return (now - answer.answered_at).total_seconds() - answer.pause_s
