"""Receipts: one for each boot, ranges of numbers, reasons of what was refused."""

from __future__ import annotations

from datetime import UTC, datetime

from cloud_ingest import receipts as module
from cloud_ingest.receipts import Receipts
from devices.contract.message import decode_receipt, encode

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def test_all_messages_of_a_boot_are_one_receipt() -> None:
    receipts = Receipts()
    for seq in (3, 1, 2, 7):
        receipts.owe("gw-1", "boot", seq)
    (receipt,) = receipts.take(NOW)
    assert (receipt.gateway, receipt.boot, receipt.ranges, receipt.at) == ("gw-1", "boot", [(1, 3), (7, 7)], NOW)
    assert decode_receipt(encode(receipt)) == receipt


def test_each_gateway_and_boot_has_its_own() -> None:
    receipts = Receipts()
    for gateway, boot in (("gw-1", "boot1"), ("gw-1", "boot2"), ("gw-2", "boot1")):
        receipts.owe(gateway, boot, 1)
    assert [(receipt.gateway, receipt.boot) for receipt in receipts.take(NOW)] == [
        ("gw-1", "boot1"),
        ("gw-1", "boot2"),
        ("gw-2", "boot1"),
    ]


def test_what_was_given_is_no_longer_owed_and_may_be_owed_again() -> None:
    receipts = Receipts()
    receipts.owe("gw-1", "boot", 1)
    assert len(receipts.take(NOW)) == 1
    assert receipts.take(NOW) == []
    receipts.owe("gw-1", "boot", 1)
    assert receipts.take(NOW)[0].ranges == [(1, 1)]


def test_a_refused_message_is_in_the_ranges_and_has_its_reason_cut_to_size() -> None:
    receipts = Receipts()
    receipts.owe("gw-1", "boot", 1, "x" * 1000)
    receipts.owe("gw-1", "boot", 2)
    (receipt,) = receipts.take(NOW)
    assert receipt.ranges == [(1, 2)]
    assert [(refused.seq, len(refused.reason)) for refused in receipt.refused] == [(1, 300)]


def test_a_receipt_stays_small_and_so_does_what_waits(monkeypatch) -> None:
    monkeypatch.setattr(module, "MOST_WAITING", 5)
    receipts = Receipts()
    for seq in range(1, 1000):
        receipts.owe("gw-1", "boot", seq, "bad")
    assert len(receipts.take(NOW)[0].refused) == module.MOST_REFUSED
    for number in range(50):
        receipts.owe("gw-1", f"boot{number}", 1)
    assert [receipt.boot for receipt in receipts.take(NOW)] == [f"boot{number}" for number in range(45, 50)]
