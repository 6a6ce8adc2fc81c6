"""The gateway's durable queue: on the card from `append` to the county's receipt, whatever the power does in between.

One SQLite file (WAL, synchronous=FULL), one row a group, one row an MQTT message. A row's key is its boot's number and
its `seq`, so that no number can be used twice. What is too much is dropped oldest first, alarms last, and counted.
Choices and figures: docs/adr/0002-spool.md.
"""

from __future__ import annotations

import logging
import secrets
import sqlite3
import threading
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple, TypeVar

import msgspec

from edge_agent import spool_file
from edge_agent.clock import Now
from edge_agent.held import Anchor, corrected
from edge_agent.spool_file import DAMAGE, SpoolBroken, SpoolInUse, SpoolTooNew, primary_code, used_bytes

__all__ = ["Group", "Row", "Spool", "SpoolBroken", "SpoolFull", "SpoolInUse", "SpoolStats", "SpoolTooNew", "new_boot"]

log = logging.getLogger(__name__)

#: A row's id is its boot's number times this, plus its seq.
_SEQ_SPAN = 1 << 40
#: Compressing less than this does not pay.
_COMPRESS_FROM = 200
#: What one step of making room frees at least: dropping in portions keeps a full spool as fast as any other.
_PORTION_BYTES = 64 * 1024

_T = TypeVar("_T")


class SpoolFull(Exception):
    """Neither the cap nor the disk leaves room for these readings; nothing of them is stored, what was there is."""


class _NoRoom(Exception):
    """SQLite has no page left under the cap, or the disk none."""


class Group(NamedTuple):
    """Readings to be kept and sent together. `payload` is their JSON list, as `encode_readings` makes it.

    `held` is the anchor by which they were stamped, where the clock was not synchronised: they are not sent before
    `release`.
    """

    payload: bytes
    readings: int
    urgent: bool = False
    held: Anchor | None = None


class Row(NamedTuple):
    """A group as it lies in the spool. Rows of one boot have consecutive ids; later boots have higher ones."""

    id: int
    boot: str
    seq: int
    readings: int
    urgent: bool
    payload: bytes


class SpoolStats(NamedTuple):
    """What lies in the spool, and what went through it since its file was begun. Counts are readings.

    `appended` = `receipted` + `dropped` + `spool_readings`, always. `held` of `spool_readings` wait for the clock;
    `set_aside` is the number of damaged files kept beside this one.
    """

    spool_readings: int
    spool_bytes: int
    spool_oldest_s: float
    appended: int
    receipted: int
    dropped: int
    held: int
    set_aside: int


def new_boot() -> str:
    """A name for one start of the agent that no other start has."""
    return secrets.token_hex(5)


class Spool:
    """The queue in one file. Synchronous and safe to call from threads, one call at a time inside.

    Opening raises SpoolInUse where another process has the file, SpoolTooNew where a later version wrote it (both
    leave it untouched), SpoolBroken where it cannot be read. A damaged file is set aside under a name with the time,
    and a new one begun. Every call may raise SpoolBroken.
    """

    def __init__(self, path: Path, *, boot: str, now: Now, cap_bytes: int = 256 * 1024 * 1024) -> None:
        self.boot = boot
        self._path = path
        self._now = now
        self._cap_bytes = cap_bytes
        self._lock = threading.Lock()
        self._number = 0
        self._seq = 0
        self._dropped = 0
        self._receipted: list[int] = []
        self._db = self._connect()

    def append(self, groups: Sequence[Group]) -> int:
        """Make the groups durable, in one commit; returns how many readings were dropped to make room, usually 0.

        Receipts noted by `discard` are applied by the same commit. Raises SpoolFull.
        """
        with self._lock:
            dropped = self._dropped
            self._with_room(lambda: self._append(groups), sum(len(group.payload) for group in groups))
            return self._dropped - dropped

    def rows(self, after: int, upto: int, limit: int) -> list[Row]:
        """The oldest rows with `after` < id <= `upto`, at most `limit`, held ones not among them."""
        with self._lock:
            return self._guarded(lambda: self._rows(after, upto, limit))

    @property
    def last(self) -> int:
        """The id of the newest row that was ever appended in this boot, or the one before its first."""
        return self._number * _SEQ_SPAN + self._seq

    def discard(self, ids: Iterable[int]) -> None:
        """Note that the county has these rows. They are deleted with the next append, or by `settle`.

        A kill before that only makes the agent send them again.
        """
        with self._lock:
            self._receipted.extend(ids)

    @property
    def owes(self) -> bool:
        """Whether receipts wait to be applied."""
        return bool(self._receipted)

    def settle(self) -> int:
        """Apply the receipts noted so far; returns the number of readings that left the spool."""
        with self._lock:
            return self._with_room(lambda: self._append(()), 0)

    def release(self, now: Anchor, *, limit: int = 100) -> int:
        """Let held groups go, at most `limit`; returns how many went.

        Those of this kernel boot go once `now` is synchronised, with their times put right. Those of an earlier one
        can never be put right: they go as they are, marked unsynchronised.
        """
        with self._lock:
            return self._with_room(lambda: self._release(now, limit), _PORTION_BYTES)

    def stats(self) -> SpoolStats:
        """The spool's figures; receipts noted but not yet applied are still counted as spooled."""
        with self._lock:
            return self._guarded(self._stats)

    def close(self) -> None:
        """Apply what is owed and close the file."""
        with self._lock:
            if self._receipted:
                self._with_room(lambda: self._append(()), 0)
            self._db.close()

    # One commit

    def _append(self, groups: Sequence[Group]) -> int:
        """Returns the number of readings that the receipts took away."""
        seq, at = self._seq, self._now().at.timestamp()
        with self._transaction() as db:
            gone = self._delete(self._receipted)
            for group in groups:
                if group.held is None:
                    seq += 1
                    self._insert(self._number * _SEQ_SPAN + seq, at, group)
                else:
                    (lowest,) = db.execute("select min(0, coalesce(min(id), 0)) from spool where id < 0").fetchone()
                    self._insert(lowest - 1, at, group)
            came = sum(group.readings for group in groups)
            db.execute("update total set appended = appended + ?, receipted = receipted + ?", (came, gone))
        self._seq = seq
        self._receipted.clear()
        return gone

    def _insert(self, row: int, at: float, group: Group) -> None:
        held = group.held
        self._db.execute(
            "insert into spool (id, at, readings, urgent, kernel_boot, offset_s, payload) values (?, ?, ?, ?, ?, ?, ?)",
            (
                row,
                at,
                group.readings,
                group.urgent,
                held.kernel_boot if held else None,
                held.offset_s if held else None,
                zlib.compress(group.payload, 6) if len(group.payload) >= _COMPRESS_FROM else group.payload,
            ),
        )

    def _delete(self, ids: Iterable[int]) -> int:
        """Delete rows, whichever of them are still there; returns the number of readings in them."""
        gone = 0
        for row in ids:
            for (readings,) in self._db.execute("delete from spool where id = ? returning readings", (row,)).fetchall():
                gone += readings
        return gone

    def _rows(self, after: int, upto: int, limit: int) -> list[Row]:
        found = self._db.execute(
            "select id, readings, urgent, payload from spool where id > ? and id <= ? order by id limit ?",
            (max(after, 0), upto, limit),
        ).fetchall()
        return [
            Row(row, self._boots[row // _SEQ_SPAN], row % _SEQ_SPAN, readings, bool(urgent), _plain(payload))
            for row, readings, urgent, payload in found
        ]

    def _release(self, now: Anchor, limit: int) -> int:
        held = self._db.execute(
            "select id, readings, urgent, kernel_boot, offset_s, payload from spool"
            " where id < 0 and (kernel_boot != ? or ?) order by id desc limit ?",
            (now.kernel_boot, now.synchronised, limit),
        ).fetchall()
        if not held:
            return 0
        seq, at = self._seq, self._now().at.timestamp()
        with self._transaction() as db:
            for row, readings, urgent, kernel_boot, offset_s, payload in held:
                plain = _plain(payload)
                if kernel_boot == now.kernel_boot:
                    with suppress(msgspec.DecodeError):  # a damaged row goes as it is; the county quarantines it
                        plain = corrected(plain, now.offset_s - offset_s)
                db.execute("delete from spool where id = ?", (row,))
                seq += 1
                self._insert(self._number * _SEQ_SPAN + seq, at, Group(plain, readings, bool(urgent)))
        self._seq = seq
        return len(held)

    # Opening, damage, and no room

    def _connect(self) -> sqlite3.Connection:
        db = spool_file.connect(self._path, self._cap_bytes, self._now().at)
        spool_file.keep_reserve(self._path)
        self._set_aside = spool_file.damaged_files(self._path)
        if db.execute("select 1 from boot where name = ?", (self.boot,)).fetchone():
            db.close()
            raise ValueError(f"boot {self.boot!r} was used before")
        db.execute(
            "delete from boot where number < (select max(number) from boot) and not exists"
            " (select 1 from spool where id > number * ?1 and id < (number + 1) * ?1)",
            (_SEQ_SPAN,),
        )
        (highest,) = db.execute("select coalesce(max(number), 0) from boot").fetchone()
        # Ids go on growing when a damaged file is replaced under a running uplink.
        self._number = max(highest, self._number) + 1
        db.execute("insert into boot values (?, ?)", (self._number, self.boot))
        self._boots: dict[int, str] = dict(db.execute("select number, name from boot").fetchall())
        return db

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        self._db.execute("begin immediate")
        try:
            yield self._db
            self._db.execute("commit")
        except BaseException:
            if self._db.in_transaction:  # SQLite rolls back by itself after some errors
                self._db.execute("rollback")
            raise

    def _guarded(self, work: Callable[[], _T]) -> _T:
        """Do the work, on a new file where the present one turns out to be damaged."""
        try:
            try:
                return work()
            except sqlite3.DatabaseError as error:
                if primary_code(error) not in DAMAGE:
                    raise
                self._db.close()
                spool_file.set_aside(self._path, self._now().at, str(error))
                self._receipted.clear()
                self._db = self._connect()
                return work()
        except sqlite3.Error as error:
            if primary_code(error) == sqlite3.SQLITE_FULL:
                raise _NoRoom from error
            raise SpoolBroken(f"{self._path}: {error}") from error

    def _with_room(self, work: Callable[[], _T], needs_bytes: int) -> _T:
        """Do the work, dropping readings as often as it takes to make room for it."""
        while True:
            try:
                return self._guarded(work)
            except _NoRoom as full:
                if not self._make_room(max(2 * needs_bytes, _PORTION_BYTES)):
                    raise SpoolFull(f"no room for {needs_bytes} bytes, and nothing left to drop") from full

    def _make_room(self, wanted_bytes: int) -> bool:
        """Drop the oldest routine rows (those on hold after those to be sent), alarms last. False: nothing to drop."""
        if used_bytes(self._db) < self._cap_bytes - wanted_bytes:
            self._disk_is_full()
        for which in ("id > 0 and not urgent order by id", "id < 0 and not urgent order by id desc",
                      "id > 0 order by id", "id < 0 order by id desc"):  # fmt: skip
            victims = self._oldest(which, wanted_bytes)
            if victims:
                try:
                    self._guarded(lambda: self._drop(victims))  # noqa: B023 - called here and now
                except _NoRoom:
                    return False
                return True
        return False

    def _drop(self, victims: list[int]) -> None:
        with self._transaction() as db:
            dropped = self._delete(victims)
            db.execute("update total set dropped = dropped + ?", (dropped,))
        self._dropped += dropped
        log.warning("the spool is full: the %d oldest readings are dropped", dropped)

    def _oldest(self, which: str, wanted_bytes: int) -> list[int]:
        victims: list[int] = []
        size = 0
        for row, length in self._db.execute(f"select id, length(payload) from spool where {which}"):  # noqa: S608 - ours
            victims.append(row)
            size += length
            if size >= wanted_bytes:
                break
        return victims

    def _disk_is_full(self) -> None:
        """The cap is not reached, but the disk's end is: give up the reserve and make the present size the cap.

        The log goes into the file while the reserve gives room for it; from then on the spool needs no new block.
        """
        spool_file.reserve_of(self._path).unlink(missing_ok=True)
        log.error("the disk of the spool is full: the spool keeps its present size")
        with suppress(sqlite3.Error):
            self._db.execute("pragma wal_checkpoint(truncate)").fetchall()
        self._db.execute("pragma max_page_count = 1").fetchall()  # never less than what there is

    def _stats(self) -> SpoolStats:
        db = self._db
        appended, receipted, dropped = db.execute("select appended, receipted, dropped from total").fetchone()
        (held,) = db.execute("select coalesce(sum(readings), 0) from spool where id < 0").fetchone()
        oldest = db.execute("select at from spool where id > 0 order by id limit 1").fetchone()
        return SpoolStats(
            spool_readings=appended - receipted - dropped,
            spool_bytes=used_bytes(db),
            spool_oldest_s=max(0.0, self._now().at.timestamp() - oldest[0]) if oldest else 0.0,
            appended=appended,
            receipted=receipted,
            dropped=dropped,
            held=held,
            set_aside=self._set_aside,
        )


def _plain(payload: bytes) -> bytes:
    """The JSON of a stored payload. One whose check fails comes as it is: the county's quarantine takes it."""
    if payload[:1] == b"[":
        return payload
    try:
        return zlib.decompress(payload)
    except zlib.error as error:
        log.error("a row of the spool is damaged (%s): it is sent as it is", error)  # noqa: TRY400 - no trace needed
        return payload
