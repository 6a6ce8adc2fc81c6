"""Numbers seen: duplicates and gaps, whatever their order, in bounded memory."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from cloud_ingest.sequences import Ranges, Sequences


@given(st.lists(st.integers(1, 60)))
def test_ranges_are_the_set_of_what_was_added(numbers: list[int]) -> None:
    ranges, seen = Ranges(), set()
    for number in numbers:
        assert ranges.add(number) == (number not in seen)
        seen.add(number)
    held = [number for first, last in ranges for number in range(first, last + 1)]
    assert held == sorted(seen)
    assert ranges.holes() == (max(seen) - min(seen) + 1 - len(seen) if seen else 0)


@given(st.lists(st.integers(1, 60)))
def test_ranges_never_touch(numbers: list[int]) -> None:
    ranges = Ranges()
    for number in numbers:
        ranges.add(number)
    edges = list(ranges)
    assert all(after[0] > before[1] + 1 for before, after in pairwise(edges))


def test_a_number_that_comes_again_is_a_duplicate() -> None:
    sequences = Sequences()
    for seq in (1, 2, 2, 1, 3):
        sequences.see("gw-1", "boot", seq)
    assert (sequences.duplicates, sequences.gaps()) == (2, 0)


def test_a_gap_closes_when_the_missing_arrives() -> None:
    sequences = Sequences()
    for seq in (5, 9):
        sequences.see("gw-1", "boot", seq)
    assert sequences.gaps() == 3
    for seq in (8, 7, 6):
        sequences.see("gw-1", "boot", seq)
    assert (sequences.gaps(), sequences.duplicates) == (0, 0)


def test_each_boot_counts_from_the_beginning() -> None:
    sequences = Sequences()
    sequences.see("gw-1", "first", 1)
    sequences.see("gw-1", "second", 1)
    sequences.see("gw-2", "first", 1)
    assert sequences.duplicates == 0


def test_a_hostile_gateway_cannot_fill_the_memory() -> None:
    sequences = Sequences(most_boots=10, most_ranges=20)
    for number in range(1000):
        sequences.see("gw-1", "boot", 2 * number + 1)
        sequences.see("gw-2", f"boot{number}", 1)
    assert sequences.gaps() <= 20
    assert len(sequences._seen) == 10
    assert all(len(ranges) <= 20 for ranges in sequences._seen.values())
