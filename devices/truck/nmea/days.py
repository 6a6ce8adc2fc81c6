"""Gives each epoch its day: RMC and ZDA carry one, GGA, GNS and GLL say only the time of day.

An epoch without a date takes the one that continues from the last dated epoch, across midnight too; before the first
date it waits for one, a bounded while. A stream that never says a date (a chart plotter that repeats GLL) gets the day
that is nearest to when it was received. Where that is not known either, the day is 1970-01-01 and the clock
"unsynchronised".

GPS counts weeks modulo 1024, and a receiver older than its firmware's epoch reports a date that is 1024 weeks (19.6
years) too early. It is only ever too early, so weeks are only added, and only where the time of reception asks for it.
Source: IS-GPS-200, 20.3.3.3.1.1 (week number of 10 bits).
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from devices.contract.readings import Clock
from devices.truck.nmea.epochs import Epoch

#: A time of reception before GPS itself (1980-01-06) says that nobody knows when this was received: a recording without
#: date, or a gateway whose clock has not been set.
GPS_EPOCH = datetime(1980, 1, 6, tzinfo=UTC)
ROLLOVER = timedelta(weeks=1024)

#: Epochs that wait for a first date: half a minute of a usual receiver, in which RMC or ZDA comes if ever.
PATIENCE_EPOCHS = 32
#: After such a silence the last date no longer tells the present day.
SILENCE = timedelta(hours=6)

#: Noon, so that every time of day is nearest to this day.
_UNKNOWN_DAY = datetime(1970, 1, 1, 12, tzinfo=UTC)
_DAY = timedelta(days=1)


class Placed(NamedTuple):
    """An epoch with its full time (aware UTC) and where the time comes from."""

    epoch: Epoch
    at: datetime
    clock: Clock


class Days:
    """Epochs in, epochs with their time out, in order. Holds at most PATIENCE_EPOCHS that wait."""

    def __init__(self) -> None:
        self._last: Placed | None = None
        self._waiting: list[Epoch] = []

    def place(self, epoch: Epoch) -> list[Placed]:
        """Take the next epoch; give those whose day is known now."""
        if epoch.day is not None:
            dated = Placed(epoch, _with_rollovers(epoch.day, epoch), "gnss")
            placed = [*self._back_from(dated), dated]
            self._last = dated
            return placed
        if self._last is not None and epoch.received_at - self._last.epoch.received_at <= SILENCE:
            following = Placed(epoch, _nearest(epoch, self._last.at), self._last.clock)
            self._last = following
            return [following]
        self._waiting.append(epoch)
        return self.finish() if len(self._waiting) >= PATIENCE_EPOCHS else []

    def finish(self) -> list[Placed]:
        """No date will come: those that wait take their day from when they were received."""
        waiting, self._waiting = self._waiting, []
        placed: list[Placed] = []
        for epoch in waiting:
            known = epoch.received_at >= GPS_EPOCH
            near = placed[-1].at if placed else epoch.received_at if known else _UNKNOWN_DAY
            placed.append(Placed(epoch, _nearest(epoch, near), "gateway" if known else "unsynchronised"))
        self._last = placed[-1] if placed else self._last
        return placed

    def _back_from(self, dated: Placed) -> list[Placed]:
        """Those that waited, each on the day that leads to the next."""
        placed: list[Placed] = []
        near = dated.at
        for epoch in reversed(self._waiting):
            near = _nearest(epoch, near)
            placed.append(Placed(epoch, near, "gnss"))
        self._waiting = []
        return placed[::-1]


def _nearest(epoch: Epoch, near: datetime) -> datetime:
    """The epoch's time of day on the day on which it is nearest to `near`."""
    at = _at(near.date(), epoch)
    if at - near > _DAY / 2:
        return at - _DAY
    if near - at > _DAY / 2:
        return at + _DAY
    return at


def _with_rollovers(day: date, epoch: Epoch) -> datetime:
    at = _at(day, epoch)
    if epoch.received_at < GPS_EPOCH:
        return at
    return at + max(0, round((epoch.received_at - at) / ROLLOVER)) * ROLLOVER


def _at(day: date, epoch: Epoch) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(microseconds=epoch.time_us)
