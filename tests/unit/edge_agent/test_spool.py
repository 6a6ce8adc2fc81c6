import os
import random
import signal
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from devices.contract.message import encode_readings
from devices.contract.readings import CameraHealth
from edge_agent.clock import Moment
from edge_agent.held import Anchor
from edge_agent.spool import Group, Spool, SpoolInUse, new_boot

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
EVER = 1 << 62


def opened(path, boot="aaaa", cap_bytes=1 << 24) -> Spool:
    return Spool(path, boot=boot, now=lambda: Moment(NOON, "gateway"), cap_bytes=cap_bytes)


def group(text: str = "x", readings: int = 1, *, urgent: bool = False) -> Group:
    return Group(b'["%s"]' % text.encode(), readings, urgent)


def payloads(spool: Spool) -> list[bytes]:
    return [row.payload for row in spool.rows(0, EVER, 10_000)]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "spool.db"


def test_what_is_appended_comes_back_in_order_under_one_boot_and_rising_numbers(path):
    spool = opened(path)
    spool.append([group("a"), group("b", 7)])
    spool.append([group("c", urgent=True)])
    rows = spool.rows(0, EVER, 10)
    assert [(row.boot, row.seq, row.readings, row.urgent) for row in rows] == [
        ("aaaa", 1, 1, False),
        ("aaaa", 2, 7, False),
        ("aaaa", 3, 1, True),
    ]
    assert payloads(spool) == [b'["a"]', b'["b"]', b'["c"]']
    spool.close()


def test_a_row_stays_until_its_receipt_and_through_a_restart(path):
    spool = opened(path, "aaaa")
    spool.append([group("a"), group("b")])
    spool.discard([spool.rows(0, EVER, 1)[0].id])
    spool.settle()
    spool.close()
    again = opened(path, "bbbb")
    again.append([group("c")])
    assert [(row.boot, row.seq) for row in again.rows(0, EVER, 10)] == [("aaaa", 2), ("bbbb", 1)]
    again.close()


def test_the_books_balance_always(path):
    spool = opened(path)
    spool.append([group("a", 10), group("b", 20), group("c", 30)])
    first, *_ = spool.rows(0, EVER, 10)
    spool.discard([first.id, first.id])
    spool.settle()
    stats = spool.stats()
    assert (stats.appended, stats.receipted, stats.dropped, stats.spool_readings) == (60, 10, 0, 50)
    spool.close()
    again = opened(path, "bbbb").stats()
    assert (again.appended, again.receipted, again.spool_readings) == (60, 10, 50)


def test_a_full_spool_drops_the_oldest_routine_says_so_and_keeps_alarms(path):
    spool = opened(path, cap_bytes=400_000)
    noise = random.Random(1)
    spool.append([Group(noise.randbytes(3000).hex().encode(), 10, urgent=True)])
    dropped = 0
    for _ in range(200):
        dropped += spool.append([Group(noise.randbytes(3000).hex().encode(), 10)])
    rows = spool.rows(0, EVER, 10_000)
    assert dropped > 0
    assert rows[0].urgent
    assert rows[-1].seq == 201
    stats = spool.stats()
    assert stats.dropped == dropped
    assert stats.appended == stats.dropped + stats.spool_readings == 2010
    assert path.stat().st_size <= 400_000
    spool.close()


def test_a_damaged_file_is_set_aside_and_never_deleted(path):
    path.write_bytes(b"SQLite format 3\0" + random.Random(2).randbytes(8192))
    before = path.read_bytes()
    spool = opened(path)
    spool.append([group("a")])
    assert payloads(spool) == [b'["a"]']
    aside = [file for file in path.parent.iterdir() if file.name.startswith("spool") and file.read_bytes() == before]
    assert len(aside) == 1
    assert spool.stats().set_aside >= 1
    spool.close()


def test_two_agents_never_share_a_spool(path):
    spool = opened(path)
    with pytest.raises(SpoolInUse):
        opened(path, "bbbb")
    spool.close()


def held(offset: timedelta, *, boot: str = "kernel-1", synchronised: bool = False) -> Anchor:
    return Anchor(boot, NOON + offset, 100.0, synchronised)


def unsynchronised(at: datetime) -> bytes:
    return encode_readings([CameraHealth(device="c", at=at, clock="unsynchronised", state="online")])


def test_readings_without_a_known_time_wait_until_it_is_known_and_are_then_put_right(path):
    spool = opened(path)
    wrong = held(timedelta(days=-900))
    spool.append([Group(unsynchronised(wrong.wall), 1, held=wrong)])
    assert spool.rows(0, EVER, 10) == []
    assert spool.release(wrong) == 0
    right = Anchor("kernel-1", NOON + timedelta(seconds=50), 150.0, synchronised=True)
    assert spool.release(right) == 1
    (row,) = spool.rows(0, EVER, 10)
    assert b'"at":"2026-06-01T12:00:00' in row.payload
    assert b'"clock":"gateway"' in row.payload
    spool.close()


def test_readings_held_by_an_earlier_kernel_boot_go_marked_as_they_are(path):
    spool = opened(path)
    wrong = held(timedelta(days=-900))
    spool.append([Group(unsynchronised(wrong.wall), 1, held=wrong)])
    assert spool.release(held(timedelta(0), boot="kernel-2")) == 1
    (row,) = spool.rows(0, EVER, 10)
    assert b'"clock":"unsynchronised"' in row.payload
    spool.close()


_WRITER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from edge_agent.clock import Moment
from edge_agent.spool import Group, Spool, new_boot
spool = Spool(Path(sys.argv[1]), boot=new_boot(), now=lambda: Moment(datetime.now(UTC), "gateway"))
count = int(sys.argv[2])
while True:
    count += 1
    spool.append([Group(b'["%d"]' % count, 1)])
    print("kept", count, flush=True)
    if count % 3 == 0:
        (oldest, *_) = spool.rows(0, 1 << 62, 1)
        spool.discard([oldest.id])
        spool.settle()
        print("gone", oldest.payload[2:-2].decode(), flush=True)
"""


def test_a_kill_at_any_moment_loses_nothing_that_append_promised(path):
    rng = random.Random(3)
    kept: set[int] = set()
    gone: set[int] = set()
    highest = 0
    for _ in range(8):
        writer = subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(path), str(highest)], stdout=subprocess.PIPE, text=True
        )
        assert writer.stdout is not None
        lines = [writer.stdout.readline() for _ in range(rng.randint(1, 60))]
        os.kill(writer.pid, signal.SIGKILL)
        with writer:
            lines += writer.stdout.readlines()
        for line in lines:
            what, _, number = line.strip().partition(" ")
            if number.isdigit():
                (kept if what == "kept" else gone).add(int(number))
        highest = max(kept) + 1  # the one in the making may be there or not
    spool = opened(path, new_boot())
    found = [int(payload[2:-2]) for payload in payloads(spool)]
    assert len(found) == len(set(found))
    # A discard may be on disk before its writer could say so: at most one a kill, and the oldest of its time.
    unsaid = kept - gone - set(found)
    assert len(unsaid) <= 8
    assert all(number < min(found) for number in unsaid)
    assert not gone & set(found)
    spool.close()


def test_every_row_has_a_number_of_its_own_whatever_was_killed(path):
    for boot in ("aaaa", "bbbb", "cccc"):
        spool = opened(path, boot)
        spool.append([group(boot), group(boot)])
        spool._db.close()  # no goodbye
    db = sqlite3.connect(path)
    assert db.execute("select count(*), count(distinct id) from spool").fetchone() == (6, 6)
    db.close()
