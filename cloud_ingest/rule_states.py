"""What the rules remember, on disk: one SQLite file, a row for each rule and device.

What has been said about a device is saved before the readings that led to it are acknowledged, everything else now
and then. It survives a kill of the process; a power cut may cost the last moments, and with them at most an alert.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Sequence
from pathlib import Path

from cloud_ingest.rules.book import Saved


class RuleStatesUnavailable(Exception):
    """The file cannot take or answer now."""


class RuleStates:
    """The file; every call raises RuleStatesUnavailable for whatever SQLite says."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, check_same_thread=False, timeout=10)
            self._db.executescript(
                "pragma journal_mode = wal; pragma synchronous = normal;"
                "create table if not exists state"
                " (rule text, device text, state blob, primary key (rule, device)) without rowid;"
            )
        except (sqlite3.Error, OSError) as error:
            raise RuleStatesUnavailable(f"{path}: {error}") from error

    def load(self) -> list[Saved]:
        """Everything saved."""
        with self._lock:
            try:
                return [Saved(*row) for row in self._db.execute("select rule, device, state from state")]
            except sqlite3.Error as error:
                raise RuleStatesUnavailable(str(error)) from error

    async def save(self, states: Sequence[Saved]) -> None:
        """Make these the states of their rules and devices, all or none."""
        if states:
            await asyncio.to_thread(self._save, states)

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._db.close()

    def _save(self, states: Sequence[Saved]) -> None:
        with self._lock:
            try:
                with self._db:
                    self._db.executemany("insert or replace into state values (?, ?, ?)", states)
            except sqlite3.Error as error:
                raise RuleStatesUnavailable(str(error)) from error
