"""Messages and readings that could not be believed or stored, kept with the reason until a person decides.

One SQLite file, bounded in bytes: the oldest is dropped when it is full, and counted. What `keep` has returned from
is on disk, so its message may be acknowledged. `cloud-ingest quarantine` works on the same file beside the running
ingest; a replay is a mark in it, picked up by the ingest, so that there is one pipeline and not two.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple, ParamSpec, TypeVar

#: Why something is here: the class of the reason, for counting and for the metrics.
Cause = Literal["unreadable", "foreign", "reading", "future", "store"]
CAUSES: tuple[Cause, ...] = ("unreadable", "foreign", "reading", "future", "store")

_SCHEMA = """
create table if not exists item (
  id integer primary key autoincrement, at text not null, topic text not null, gateway text not null,
  boot text not null, seq text not null, content_type text not null, cause text not null, reason text not null,
  whole integer not null, payload blob not null, replay integer not null default 0, attempts integer not null default 0
);
create index if not exists item_replay on item (id) where replay = 1;
create table if not exists total (name text primary key, value integer not null);
insert or ignore into total values ('bytes', 0), ('dropped', 0);
"""
_COLUMNS = "id, at, topic, gateway, boot, seq, content_type, cause, reason, whole, payload, replay, attempts"
#: What a row costs beside its payload, roughly.
_ROW_BYTES = 300


class QuarantineUnavailable(Exception):
    """The file cannot take or answer now (disk full, damaged, locked for long)."""


class Refusal(NamedTuple):
    """What is to be kept. `whole`: the payload is a message as it came; else one reading's JSON out of it.

    `again` is the number of the item that was replayed and refused once more: its reason is renewed, nothing added.
    """

    topic: str
    gateway: str
    boot: str
    seq: str
    content_type: str
    cause: Cause
    reason: str
    whole: bool
    payload: bytes
    again: int | None = None


class Totals(NamedTuple):
    """How full the quarantine is: items, their bytes, and items ever dropped because it was full."""

    items: int
    bytes: int
    dropped: int


class Item(NamedTuple):
    """What is kept: a refusal with its number and when it came (aware UTC)."""

    id: int
    at: datetime
    topic: str
    gateway: str
    boot: str
    seq: str
    content_type: str
    cause: str
    reason: str
    whole: bool
    payload: bytes
    replay: bool
    attempts: int


P = ParamSpec("P")
T = TypeVar("T")


class Quarantine:
    """The file. Every call raises QuarantineUnavailable for whatever SQLite says; the awaited ones run in a thread."""

    def __init__(self, path: Path, most_bytes: int = 256 * 1024 * 1024) -> None:
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, check_same_thread=False, timeout=10)
            self._db.executescript(f"pragma journal_mode = wal; pragma synchronous = full; {_SCHEMA}")
        except (sqlite3.Error, OSError) as error:
            raise QuarantineUnavailable(f"{path}: {error}") from error

    async def keep(self, refusals: Sequence[Refusal], at: datetime) -> None:
        """Put them on disk, dropping the oldest items where the file is full."""
        await asyncio.to_thread(self._guard, self._keep, refusals, at)

    async def take_replays(self, most: int) -> list[Item]:
        """Items that are to be tried again; each is given out once for each request."""
        return await asyncio.to_thread(self._guard, self._take_replays, most)

    async def settle(self, ids: Sequence[int]) -> None:
        """These have been replayed and are stored: they leave the quarantine."""
        await asyncio.to_thread(self._guard, self._settle, ids)

    def newest(self, most: int = 100) -> list[Item]:
        """The newest items, oldest first."""
        return self._guard(self._items, "order by id desc limit ?", (most,))[::-1]

    def item(self, number: int) -> Item | None:
        """One item, or None where there is none (any more)."""
        return next(iter(self._guard(self._items, "where id = ?", (number,))), None)

    def request_replay(self, ids: Sequence[int]) -> None:
        """Mark these items to be tried again; numbers of items that are not here (any more) mean nothing."""
        self._guard(self._request_replay, ids)

    def totals(self) -> Totals:
        """How full it is."""
        return self._guard(self._totals)

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._db.close()

    def _guard(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """One transaction at a time, and one kind of error."""
        with self._lock:
            try:
                with self._db:
                    return call(*args, **kwargs)
            except sqlite3.Error as error:
                raise QuarantineUnavailable(str(error)) from error

    def _keep(self, refusals: Sequence[Refusal], at: datetime) -> None:
        added = 0
        for refusal in refusals:
            if refusal.again is not None and self._renew(refusal, refusal.again):
                continue
            self._db.execute(
                "insert into item (at, topic, gateway, boot, seq, content_type, cause, reason, whole, payload)"
                " values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (at.isoformat(), *refusal[:9]),
            )
            added += len(refusal.payload) + _ROW_BYTES
        self._count("bytes", added)
        self._drop_oldest()

    def _renew(self, refusal: Refusal, number: int) -> bool:
        """A replayed item is refused again: it stays as it was, with the new reason."""
        done = self._db.execute(
            "update item set cause = ?, reason = ?, replay = 0, attempts = attempts + 1 where id = ?",
            (refusal.cause, refusal.reason, number),
        )
        return done.rowcount > 0

    def _drop_oldest(self) -> None:
        held = self._total("bytes")
        while held > self._most_bytes:
            oldest = self._db.execute("select id, length(payload) from item order by id limit 100").fetchall()
            if not oldest:
                break
            for number, size in oldest:
                self._db.execute("delete from item where id = ?", (number,))
                self._count("bytes", -(size + _ROW_BYTES))
                self._count("dropped", 1)
                held -= size + _ROW_BYTES
                if held <= self._most_bytes:
                    break

    def _take_replays(self, most: int) -> list[Item]:
        items = self._items("where replay = 1 order by id limit ?", (most,))
        self._db.executemany("update item set replay = 0 where id = ?", [(item.id,) for item in items])
        return items

    def _settle(self, ids: Sequence[int]) -> None:
        for number in ids:
            row = self._db.execute("select length(payload) from item where id = ?", (number,)).fetchone()
            if row is not None:
                self._db.execute("delete from item where id = ?", (number,))
                self._count("bytes", -(row[0] + _ROW_BYTES))

    def _request_replay(self, ids: Sequence[int]) -> None:
        self._db.executemany("update item set replay = 1 where id = ?", [(number,) for number in ids])

    def _items(self, condition: str, values: tuple[int, ...]) -> list[Item]:
        rows = self._db.execute(f"select {_COLUMNS} from item {condition}", values)  # noqa: S608 - our own conditions
        return [_item(*row) for row in rows]

    def _totals(self) -> Totals:
        (items,) = self._db.execute("select count(*) from item").fetchone()
        return Totals(items, self._total("bytes"), self._total("dropped"))

    def _total(self, name: str) -> int:
        (value,) = self._db.execute("select value from total where name = ?", (name,)).fetchone()
        return int(value)

    def _count(self, name: str, change: int) -> None:
        self._db.execute("update total set value = value + ? where name = ?", (change, name))


def _item(number: int, at: str, *rest: Any) -> Item:  # noqa: ANN401 - a row is what SQLite gives
    *texts, whole, payload, replay, attempts = rest
    topic, gateway, boot, seq, content_type, cause, reason = texts
    return Item(
        number,
        datetime.fromisoformat(at),
        topic,
        gateway,
        boot,
        seq,
        content_type,
        cause,
        reason,
        bool(whole),
        bytes(payload),
        bool(replay),
        attempts,
    )
