import sqlite3
from pathlib import Path

from simulators.accounts import WIRE_KINDS, Spooled, read_spool, read_status, settle


def store(path: Path, *positions: tuple[str, int]) -> Path:
    db = sqlite3.connect(path)
    db.execute("create table truck_position (device text, at integer)")
    db.execute("create table blood_pressure (device text, at integer, systolic_mmhg integer, diastolic_mmhg integer)")
    for kind in (*WIRE_KINDS[2:], "alert"):
        db.execute(f"create table {kind} (device text)")
    db.executemany("insert into truck_position values (?, ?)", positions)
    db.commit()
    db.close()
    return path


def said(device: str, at: str) -> dict[str, str]:
    return {"type": "said", "kind": "truck_position", "device": device, "at": at}


def test_both_ends_balance_when_all_that_was_said_is_stored(tmp_path):
    account = settle(
        [said("t-1", "2026-03-01T02:03:04Z")],
        [Spooled(appended=1, receipted=1)],
        store(tmp_path / "s.db", ("t-1", 1772330584000)),
        set(),
    )
    assert account.balanced
    assert (account.sent, account.stored, account.lost, account.duplicated) == (1, 1, 0, 0)


def test_a_fact_that_is_nowhere_is_lost_and_named(tmp_path):
    account = settle(
        [said("t-1", "2026-03-01T02:03:04Z")], [Spooled(appended=1, receipted=1)], store(tmp_path / "s.db"), set()
    )
    assert account.lost == 1
    assert account.missing == ["t-1 2026-03-01T02:03:04"]
    assert not account.balanced


def test_a_fact_that_nobody_said_is_named_unless_its_device_is_uncounted(tmp_path):
    path = store(tmp_path / "s.db", ("ghost", 1772330584000))
    assert settle([], [Spooled()], path, set()).alien == ["ghost 2026-03-01T02:03:04"]
    assert settle([], [Spooled(appended=1, receipted=1)], path, {"ghost"}).balanced


def test_what_still_waits_in_a_spool_is_neither_lost_nor_balanced(tmp_path):
    account = settle([], [Spooled(appended=3, receipted=1)], store(tmp_path / "s.db", ("t", 1)), {"t"})
    assert (account.in_flight, account.lost) == (2, 0)
    assert not account.balanced


def test_a_spool_or_status_that_is_not_there_counts_nothing(tmp_path):
    assert read_spool(tmp_path / "none.db") == Spooled()
    assert read_status(tmp_path / "none.json") == Spooled()
