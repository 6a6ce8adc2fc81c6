from __future__ import annotations

import stat
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from devices.events import Damaged
from edge_agent.damage import FILE_BYTES, KEPT_BYTES, KEPT_DEVICES, KEPT_PER_DEVICE, LINES_PER_MINUTE, Damage
from tests.unit.edge_agent.hand_spool import NOON

AT = NOON.at


def test_every_damage_is_counted_but_only_the_last_are_kept() -> None:
    damage = Damage()

    for n in range(KEPT_PER_DEVICE + 5):
        damage.add("truck-1", Damaged(f"reason {n}", b"x"), AT)

    assert damage.total == damage.count("truck-1") == KEPT_PER_DEVICE + 5
    assert damage.last("truck-1")[0].reason == "reason 5"
    assert len(damage.last("truck-1")) == KEPT_PER_DEVICE


def test_long_damage_is_kept_shortened_with_its_length() -> None:
    damage = Damage()

    damage.add("truck-1", Damaged("endless", b"\x7e" * 5000), AT)

    (kept,) = damage.last("truck-1")
    assert (kept.length, len(kept.bytes)) == (5000, KEPT_BYTES * 2)


def test_of_a_kiosk_only_the_shape_is_kept() -> None:
    damage = Damage()

    damage.add("kiosk-1", Damaged("length", b"2026,03,Wang-330102\r\n\xcd\xf5"), AT, shape_only=True)

    assert bytes.fromhex(damage.last("kiosk-1")[0].bytes) == b"9999,99,xxxx-999999\r\n\xff\xff"


def test_ever_new_devices_share_one_place_instead_of_filling_the_memory() -> None:
    damage = Damage()

    for n in range(KEPT_DEVICES + 10):
        damage.add(f"truck-{n}", Damaged("checksum", b"x"), AT)

    assert len(damage.counts()) == KEPT_DEVICES + 1
    assert damage.count("others") == 10


def test_the_technicians_file_is_private_and_says_when_who_and_what(tmp_path: Path) -> None:
    file = tmp_path / "damaged.log"

    Damage(file).add("truck-1", Damaged("checksum", b"$GP"), AT)

    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert msgspec.json.decode(file.read_bytes()) == {
        "at": "2026-06-01T12:00:00Z",
        "device": "truck-1",
        "reason": "checksum",
        "length": 3,
        "bytes": "244750",
    }


def test_a_wire_full_of_noise_writes_a_few_lines_a_minute(tmp_path: Path) -> None:
    file = tmp_path / "damaged.log"
    damage = Damage(file)

    for n in range(1000):
        damage.add("truck-1", Damaged("checksum", b"x"), AT + timedelta(milliseconds=n))
    damage.add("truck-1", Damaged("checksum", b"x"), AT + timedelta(minutes=1))

    assert len(file.read_bytes().splitlines()) == LINES_PER_MINUTE + 1


def test_the_technicians_file_is_turned_over_at_its_bound(tmp_path: Path) -> None:
    file = tmp_path / "damaged.log"
    file.write_bytes(b"x" * (FILE_BYTES + 1))

    Damage(file).add("truck-1", Damaged("checksum", b"x"), AT)

    assert file.stat().st_size < 1000
    assert (tmp_path / "damaged.log.1").stat().st_size == FILE_BYTES + 1


def test_a_file_that_cannot_be_written_is_said_once_and_costs_no_reading(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    damage = Damage(tmp_path / "absent" / "damaged.log")

    for _ in range(3):
        damage.add("truck-1", Damaged("checksum", b"x"), AT)

    assert damage.total == 3
    assert len(caplog.records) == 1
