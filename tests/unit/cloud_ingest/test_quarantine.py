"""Quarantine: on disk when `keep` returns, bounded, replayed by mark, and one kind of error."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cloud_ingest.quarantine import Quarantine, QuarantineUnavailable, Refusal

NOW = datetime(2026, 3, 1, 8, 0, 0, 123000, tzinfo=UTC)


def refusal(payload: bytes = b"noise", *, reason: str = "bad", again: int | None = None) -> Refusal:
    return Refusal(
        "county/v1/gw-1/readings", "gw-1", "boot", "7", "application/json", "unreadable", reason, True, payload, again
    )


@pytest.fixture
def quarantine(tmp_path: Path) -> Iterator[Quarantine]:
    opened = Quarantine(tmp_path / "new folder" / "quarantine.db", most_bytes=10_000)
    yield opened
    opened.close()


async def test_what_is_kept_can_be_read_by_another_process_at_once(quarantine: Quarantine, tmp_path: Path) -> None:
    await quarantine.keep([refusal(b"\x00\xff")], NOW)
    other = Quarantine(tmp_path / "new folder" / "quarantine.db")
    (item,) = other.newest()
    assert (item.payload, item.reason, item.gateway, item.seq, item.at, item.whole) == (
        b"\x00\xff",
        "bad",
        "gw-1",
        "7",
        NOW,
        True,
    )
    assert other.item(item.id) == item
    assert other.item(item.id + 1) is None
    other.close()


async def test_a_full_quarantine_drops_the_oldest_and_counts_them(quarantine: Quarantine) -> None:
    for number in range(30):
        await quarantine.keep([refusal(bytes([number]) * 700)], NOW)
    totals = quarantine.totals()
    assert (totals.items, totals.bytes, totals.dropped) == (10, 10_000, 20)
    assert [item.payload[0] for item in quarantine.newest()] == list(range(20, 30))


async def test_one_item_larger_than_the_bound_leaves_it_empty_and_sound(quarantine: Quarantine) -> None:
    await quarantine.keep([refusal(), refusal(b"x" * 20_000)], NOW)
    assert quarantine.totals() == (0, 0, 2)
    await quarantine.keep([refusal()], NOW)
    assert quarantine.totals().items == 1


async def test_a_replay_is_given_out_once_and_settled_when_it_is_stored(quarantine: Quarantine) -> None:
    await quarantine.keep([refusal(b"one"), refusal(b"two")], NOW)
    first, second = quarantine.newest()
    quarantine.request_replay([first.id, 999])
    assert [item.payload for item in await quarantine.take_replays(10)] == [b"one"]
    assert await quarantine.take_replays(10) == []
    await quarantine.settle([first.id, 999])
    assert [item.id for item in quarantine.newest()] == [second.id]
    assert quarantine.totals().bytes == 303


async def test_what_is_refused_again_stays_one_item_with_the_new_reason(quarantine: Quarantine) -> None:
    await quarantine.keep([refusal()], NOW)
    (item,) = quarantine.newest()
    await quarantine.keep([refusal(reason="still bad", again=item.id)], NOW)
    (item,) = quarantine.newest()
    assert (item.reason, item.attempts, item.replay) == ("still bad", 1, False)


async def test_what_was_dropped_while_it_was_tried_again_is_kept_anew(quarantine: Quarantine) -> None:
    await quarantine.keep([refusal(again=999)], NOW)
    assert quarantine.totals().items == 1


async def test_a_broken_file_is_an_outage(tmp_path: Path) -> None:
    path = tmp_path / "q.db"
    path.write_bytes(b"this is no database" * 1000)
    with pytest.raises(QuarantineUnavailable):
        Quarantine(path)


async def test_a_full_disk_is_an_outage_and_keeps_nothing(quarantine: Quarantine) -> None:
    quarantine._db.execute("pragma max_page_count = 1")
    with pytest.raises(QuarantineUnavailable, match="full"):
        await quarantine.keep([refusal(b"x" * 9000) for _ in range(10)], NOW)
    assert quarantine.totals() == (0, 0, 0)


def test_sqlite_is_new_enough_for_what_is_asked_of_it() -> None:
    assert sqlite3.sqlite_version_info >= (3, 24)
