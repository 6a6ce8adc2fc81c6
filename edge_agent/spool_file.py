"""The spool's SQLite file: how it is opened, brought to this version's shape, checked, and set aside when damaged.

Everything here is about one file on a cheap card: what each setting costs and saves is in docs/adr/0002-spool.md.
"""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path

log = logging.getLogger(__name__)

#: Small pages: a commit of ten compressed readings dirties two of them.
PAGE_BYTES = 1024
#: About 1 MB of log, overwritten in place; a group that is receipted before it is full never reaches the file itself.
_CHECKPOINT_PAGES = 1000
#: Room kept free on the disk for deleting when everything else on it is taken.
RESERVE_BYTES = 4 * 1024 * 1024
#: Files up to this size are checked whole at start; damage in a larger one is met when its pages are read.
_CHECK_UP_TO_BYTES = 64 * 1024 * 1024

#: One script a version. A row with a negative id is held until the clock is set; its columns kernel_boot and offset_s
#: say how it was stamped. `total` has one row: what went through the spool since the file was begun.
MIGRATIONS: tuple[str, ...] = (
    """
    create table boot (number integer primary key, name text not null unique);
    create table total (appended integer not null, receipted integer not null, dropped integer not null);
    insert into total values (0, 0, 0);
    create table spool (
      id integer primary key,
      at real not null,
      readings integer not null,
      urgent integer not null,
      kernel_boot text,
      offset_s real,
      payload blob not null
    );
    """,
)

DAMAGE = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


class SpoolInUse(Exception):
    """Another process has this spool open."""


class SpoolTooNew(Exception):
    """A later version of the agent wrote this spool; it is left as it is."""


class SpoolBroken(Exception):
    """The card cannot be read or written; the readings of this call are not stored. The agent must end."""


def connect(path: Path, cap_bytes: int, at: datetime) -> sqlite3.Connection:
    """The open, checked, migrated file, which may grow to `cap_bytes`. A damaged one is set aside as of `at` first.

    Raises SpoolInUse, SpoolTooNew, SpoolBroken.
    """
    try:
        return _open(path, cap_bytes)
    except sqlite3.DatabaseError as error:
        if primary_code(error) not in DAMAGE:
            raise _decided(path, error) from error
        set_aside(path, at, str(error))
    try:
        return _open(path, cap_bytes)
    except sqlite3.DatabaseError as error:
        raise _decided(path, error) from error


def primary_code(error: sqlite3.Error) -> int:
    """SQLite's primary result code of an error, 0 where Python raised it."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def migrate(db: sqlite3.Connection, scripts: Sequence[str]) -> None:
    """Run the scripts that the file has not seen, each in its own transaction with the version it leads to.

    Raises SpoolTooNew.
    """
    (version,) = db.execute("pragma user_version").fetchone()
    if version > len(scripts):
        raise SpoolTooNew(f"the spool has version {version}, this agent knows up to {len(scripts)}")
    for number, script in enumerate(scripts[version:], version + 1):
        db.executescript(f"begin immediate; {script}; pragma user_version = {number}; commit;")


def used_bytes(db: sqlite3.Connection) -> int:
    """What of the file is in use; the rest is free for new rows."""
    (pages,) = db.execute("pragma page_count").fetchone()
    (free,) = db.execute("pragma freelist_count").fetchone()
    return int((pages - free) * PAGE_BYTES)


def set_aside(path: Path, at: datetime, reason: str) -> None:
    """Rename a damaged file, and its log, so that a technician can look: `<name>.damaged-<UTC time>`."""
    aside = path.with_name(f"{path.name}.damaged-{at:%Y%m%dT%H%M%S%fZ}")
    log.critical("the spool is DAMAGED (%s): its readings are kept in %s, a new spool is begun", reason, aside.name)
    for suffix in ("-wal", ""):
        with suppress(FileNotFoundError):
            path.with_name(path.name + suffix).rename(aside.with_name(aside.name + suffix))
    _sync_folder(path.parent)


def damaged_files(path: Path) -> int:
    """How many damaged predecessors lie beside the spool."""
    return sum(not file.name.endswith("-wal") for file in path.parent.glob(f"{path.name}.damaged-*"))


def keep_reserve(path: Path) -> None:
    """Take the reserve from the disk, where it has room."""
    with suppress(OSError), reserve_of(path).open("ab") as file:
        os.posix_fallocate(file.fileno(), 0, RESERVE_BYTES)


def reserve_of(path: Path) -> Path:
    """The file that keeps the reserve."""
    return path.with_name(path.name + ".reserve")


def _open(path: Path, cap_bytes: int) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    db = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
    try:
        db.execute(f"pragma page_size = {PAGE_BYTES}")
        # One agent a spool; and the log's index lives in our memory, not in a third file.
        db.execute("pragma locking_mode = exclusive")
        db.execute("pragma journal_mode = wal")
        db.execute("pragma synchronous = full")
        # Debian's SQLite zeroes what is deleted, which would write every reading twice.
        db.execute("pragma secure_delete = off")
        db.execute(f"pragma wal_autocheckpoint = {_CHECKPOINT_PAGES}")
        db.execute("pragma cache_size = -1024")
        db.execute("pragma temp_store = memory")
        if path.stat().st_size <= _CHECK_UP_TO_BYTES:
            _check(db)
        migrate(db, MIGRATIONS)
        db.execute(f"pragma max_page_count = {cap_bytes // PAGE_BYTES}")
    except BaseException:
        db.close()
        raise
    return db


def _check(db: sqlite3.Connection) -> None:
    (verdict,) = db.execute("pragma quick_check(1)").fetchone()
    if verdict != "ok":
        damage = sqlite3.DatabaseError(verdict)
        damage.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
        raise damage


def _decided(path: Path, error: sqlite3.DatabaseError) -> Exception:
    if primary_code(error) == sqlite3.SQLITE_BUSY:
        return SpoolInUse(f"{path}: another process has it open")
    return SpoolBroken(f"{path}: {error}")


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
