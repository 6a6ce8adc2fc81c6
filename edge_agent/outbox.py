"""Which rows of the spool are sent next, which are on their way, and which are sent again. Pure: time is an argument.

Rows appended since the connection came up go first, then rows that were sent and not receipted in time, then the
backlog, oldest first. What is on its way without a receipt is bounded: a county that is down is not shouted at.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from edge_agent.spool import Row

#: How many rows are fetched from the spool at a time: at most this many plain payloads are held in memory.
_FETCH = 10


class Span(NamedTuple):
    """Rows to fetch: `after` < id <= `upto`, the oldest `limit` of them; appended since the connect, or backlog."""

    after: int
    upto: int
    limit: int
    live: bool


@dataclass(slots=True)
class _Sent:
    """A row on its way: its id and size, when and how often it was sent, and whether the broker has yet to take it."""

    row: int
    size: int
    at_s: float
    times: int
    flying: bool


class Outbox:
    """The order of sending, kept across connections. All times are seconds of one monotonic clock.

    `window_rows` and `window_bytes` bound what has no receipt; the backlog may take three quarters of the rows, so
    that live rows find room. A row is due again after `receipt_timeout_s` where a row sent later has its receipt
    already (it was lost), else after twice as long each time, at most `longest_s`: the county is busy or down.
    """

    def __init__(
        self,
        last: int,
        *,
        window_rows: int = 500,
        window_bytes: int = 8 * 1024 * 1024,
        receipt_timeout_s: float = 30.0,
        longest_s: float = 600.0,
    ) -> None:
        self.resent = 0
        self._window_rows = window_rows
        self._window_bytes = window_bytes
        self._receipt_timeout_s = receipt_timeout_s
        self._longest_s = longest_s
        self._live = last
        self._backlog: list[tuple[int, int]] = [(0, last)]
        self._sent: dict[tuple[str, int], _Sent] = {}
        self._bytes = 0
        self._overtaken_s = float("-inf")

    @property
    def unreceipted(self) -> int:
        """How many rows are on their way."""
        return len(self._sent)

    def connected(self, last: int) -> None:
        """A connection came up, or was lost: what was appended until now is backlog; what was flying may be lost."""
        self._live_is_backlog(last)
        for sent in self._sent.values():
            if sent.flying:
                sent.flying = False
                sent.at_s = float("-inf")

    def wanted(self, last: int) -> Span | None:
        """What to fetch next of rows never sent, given the newest row's id; None where nothing is due or fits."""
        if last - self._live > self._window_rows:
            self._live_is_backlog(last)  # too late to be live: what comes now goes first again
        if last > self._live:
            room = self._room(self._window_rows)
            return Span(self._live, last, room, live=True) if room else None
        room = self._room(self._window_rows * 3 // 4)
        return Span(*self._backlog[0], room, live=False) if room and self._backlog else None

    def fetched(self, span: Span, rows: Sequence[Row], now_s: float) -> None:
        """These are the rows of that span; they are being sent from now on."""
        reached = rows[-1].id if len(rows) == span.limit else span.upto
        if span.live:
            self._live = reached
        else:
            self._backlog[0] = (reached, span.upto)
            if reached == span.upto:
                del self._backlog[0]
        for row in rows:
            self._sent[row.boot, row.seq] = _Sent(row.id, len(row.payload), now_s, 1, flying=True)
            self._bytes += len(row.payload)

    def again(self, now_s: float) -> list[tuple[tuple[str, int], int]]:
        """The (boot, seq) and ids of rows that are due again, a portion of them; they are being sent from now on."""
        found: list[tuple[tuple[str, int], int]] = []
        for key, sent in self._sent.items():
            if not sent.flying and self._is_due(sent, now_s):
                sent.at_s, sent.times, sent.flying = now_s, sent.times + 1, True
                found.append((key, sent.row))
                if len(found) == _FETCH:
                    break
        self.resent += len(found)
        return found

    def gone(self, key: tuple[str, int]) -> None:
        """This row is no longer in the spool: dropped, or lost with a damaged file."""
        if key in self._sent:
            self._forget(key)

    def taken(self, key: tuple[str, int]) -> None:
        """The broker has this row."""
        if key in self._sent:
            self._sent[key].flying = False

    def receipted(self, boot: str, ranges: Iterable[tuple[int, int]]) -> list[int]:
        """The county has these rows of this boot: returns the ids of those that were sent, and only of those."""
        ids: list[int] = []
        for first, last in ranges:
            if last - first < len(self._sent):
                keys = [(boot, seq) for seq in range(first, last + 1) if (boot, seq) in self._sent]
            else:
                keys = [key for key in self._sent if key[0] == boot and first <= key[1] <= last]
            for key in keys:
                sent = self._forget(key)
                ids.append(sent.row)
                self._overtaken_s = max(self._overtaken_s, sent.at_s)
        return ids

    def _live_is_backlog(self, last: int) -> None:
        if last > self._live:
            after = self._live
            if self._backlog and self._backlog[-1][1] == after:
                after = self._backlog.pop()[0]
            self._backlog.append((after, last))
            self._live = last

    def _room(self, rows: int) -> int:
        return max(0, min(_FETCH, rows - len(self._sent))) if self._bytes < self._window_bytes else 0

    def _is_due(self, sent: _Sent, now_s: float) -> bool:
        waited_s = now_s - sent.at_s
        if waited_s < self._receipt_timeout_s:
            return False
        patience_s = min(self._longest_s, self._receipt_timeout_s * 2.0 ** min(sent.times - 1, 30))
        return sent.at_s < self._overtaken_s or waited_s >= patience_s

    def _forget(self, key: tuple[str, int]) -> _Sent:
        sent = self._sent.pop(key)
        self._bytes -= sent.size
        return sent
