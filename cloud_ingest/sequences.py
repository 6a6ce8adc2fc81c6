"""What of a gateway's numbered messages has been seen: duplicates and gaps, counted, in bounded memory.

Nothing here decides what is stored (a duplicate overwrites itself) or receipted; it is what the pipeline says about
itself. It begins anew with the process: a gap is a hole between the lowest and the highest number seen since then.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict

#: Boots that are remembered, the longest unheard forgotten first: each start of each agent makes one.
MOST_BOOTS = 4096
#: Holes remembered in one boot; the oldest are then taken as filled.
MOST_RANGES = 256


class Ranges:
    """A set of whole numbers as inclusive ranges in order."""

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []

    def __iter__(self) -> zip[tuple[int, int]]:
        return zip(self._starts, self._ends, strict=True)

    def __len__(self) -> int:
        return len(self._starts)

    def add(self, number: int) -> bool:
        """Put a number in; False if it was there."""
        starts, ends = self._starts, self._ends
        after = bisect_right(starts, number)
        if after and number <= ends[after - 1]:
            return False
        joins_before = after > 0 and ends[after - 1] == number - 1
        joins_after = after < len(starts) and starts[after] == number + 1
        if joins_before and joins_after:
            ends[after - 1] = ends[after]
            del starts[after], ends[after]
        elif joins_before:
            ends[after - 1] = number
        elif joins_after:
            starts[after] = number
        else:
            starts.insert(after, number)
            ends.insert(after, number)
        return True

    def holes(self) -> int:
        """How many numbers are missing between the lowest and the highest."""
        if not self._starts:
            return 0
        held = sum(end - start + 1 for start, end in self)
        return self._ends[-1] - self._starts[0] + 1 - held

    def fill_oldest(self) -> None:
        """Take the oldest hole as filled."""
        del self._starts[1], self._ends[0]


class Sequences:
    """The numbers seen of every boot of every gateway."""

    def __init__(self, most_boots: int = MOST_BOOTS, most_ranges: int = MOST_RANGES) -> None:
        self._seen: OrderedDict[tuple[str, str], Ranges] = OrderedDict()
        self._most_boots = most_boots
        self._most_ranges = most_ranges
        #: Messages that came again, since the start.
        self.duplicates = 0

    def see(self, gateway: str, boot: str, seq: int) -> None:
        """Note one message."""
        key = (gateway, boot)
        ranges = self._seen.get(key)
        if ranges is None:
            ranges = self._seen[key] = Ranges()
            if len(self._seen) > self._most_boots:
                self._seen.popitem(last=False)
        else:
            self._seen.move_to_end(key)
        if not ranges.add(seq):
            self.duplicates += 1
        elif len(ranges) > self._most_ranges:
            ranges.fill_oldest()

    def gaps(self) -> int:
        """Numbers not seen yet, over all boots of all gateways."""
        return sum(ranges.holes() for ranges in self._seen.values() if len(ranges) > 1)
