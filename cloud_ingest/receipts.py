"""What a gateway is owed: one receipt for each boot, naming as ranges of `seq` what the county has taken over.

Receipts are collected and given out together now and then, because a message to each gateway after each batch would
cost more than the readings do. One that is lost costs nothing but a message sent again.
"""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime

from cloud_ingest.sequences import Ranges
from devices.contract.message import Receipt, Refused

#: Receipts that may wait for a broker, the oldest given up first.
MOST_WAITING = 10_000
#: A receipt must fit where a gateway listens with little memory; refusals beyond are receipted without their reason.
MOST_REFUSED = 100


class _Owed:
    """Numbers taken over in one boot, and what of them went to quarantine."""

    def __init__(self) -> None:
        self.ranges = Ranges()
        self.refused: dict[int, str] = {}


class Receipts:
    """What has been taken over and not yet been said."""

    def __init__(self) -> None:
        self._owed: OrderedDict[tuple[str, str], _Owed] = OrderedDict()

    def __len__(self) -> int:
        return len(self._owed)

    def owe(self, gateway: str, boot: str, seq: int, refused: str = "") -> None:
        """A message is stored, or in quarantine with a reason (or some of its readings are)."""
        key = (gateway, boot)
        owed = self._owed.get(key)
        if owed is None:
            owed = self._owed[key] = _Owed()
            if len(self._owed) > MOST_WAITING:
                self._owed.popitem(last=False)
        owed.ranges.add(seq)
        if refused and len(owed.refused) < MOST_REFUSED:
            owed.refused.setdefault(seq, refused[:300])

    def take(self, now: datetime) -> list[Receipt]:
        """All receipts that are due, dated now; they are no longer owed."""
        due = [
            Receipt(
                gateway=gateway,
                boot=boot,
                ranges=list(owed.ranges),
                at=now,
                refused=[Refused(seq=seq, reason=reason) for seq, reason in owed.refused.items()],
            )
            for (gateway, boot), owed in self._owed.items()
        ]
        self._owed.clear()
        return due
