"""Groups sentences into epochs: a receiver says one fix in a burst of sentences that carry the same time of day.

An epoch is complete when the time changes. That is one cycle late, so the last sentence of the cycle is learned from
the stream, as gpsd does, and from then on completes its epoch at once. A receiver that sometimes says more after it (a
GGA every fifth second) costs that epoch the addition, never a second reading, and is believed again only after twice as
many cycles.
"""

from __future__ import annotations

from collections import deque
from datetime import date, datetime

from devices.truck.nmea.messages import Gga, Gll, Gns, Gsa, Rmc, Sentence, Txt, Vtg, Zda

#: How many cycles in a row must end alike before the end is believed, at first and at most.
CYCLES_TO_LEARN = 2
CYCLES_TO_LEARN_AT_MOST = 64
RECENT_EPOCHS = 2


class Epoch:
    """What a burst said of one moment. Of two sentences that say the same, the first is kept, but GNS before GGA."""

    __slots__ = (
        "_authority",
        "altitude_m",
        "course_deg",
        "day",
        "hdop",
        "latitude",
        "longitude",
        "received_at",
        "satellites",
        "speed_kn",
        "time_us",
        "vouched",
    )

    def __init__(self, time_us: int, received_at: datetime) -> None:
        self.time_us = time_us
        self.received_at = received_at
        self.day: date | None = None
        self.latitude: float | None = None
        self.longitude: float | None = None
        self.speed_kn: float | None = None
        self.course_deg: float | None = None
        self.altitude_m: float | None = None
        self.satellites: int | None = None
        self.hdop: float | None = None
        #: Whether the receiver has a fix. Where its sentences contradict each other (GPS alone has none, all systems
        #: together do; a fix that exceeds the user's limits) the weightiest counts: RMC, then GGA and GNS, then GLL.
        self.vouched = False
        self._authority = 0

    def located(self) -> bool:
        """Whether the receiver vouches for a position."""
        return self.vouched and self.latitude is not None

    def only_dated(self) -> bool:
        """Whether it is a date and nothing else: ZDA with a time of its own."""
        return self.day is not None and self._authority == 0

    def merge(self, sentence: Sentence) -> bool:
        """Take what the sentence adds; whether it added anything to a reading."""
        before = (self.latitude, self.speed_kn, self.course_deg, self.altitude_m)
        match sentence:
            case Rmc():
                self.day = self.day or sentence.day
                self._locate(sentence, 3)
                self._move(sentence)
            case Gns():
                self._locate(sentence, 2)
                self._fix_data(sentence, first=True)
            case Gga():
                self._locate(sentence, 2)
                self._fix_data(sentence, first=False)
            case Gll():
                self._locate(sentence, 1)
            case Zda():
                self.day = self.day or sentence.day
            case Vtg() if sentence.valid:
                self._move(sentence)
            case Gsa() if self.hdop is None:
                self.hdop = sentence.hdop
            case _:
                pass
        return before != (self.latitude, self.speed_kn, self.course_deg, self.altitude_m)

    def _locate(self, sentence: Rmc | Gga | Gns | Gll, authority: int) -> None:
        if authority > self._authority:
            self._authority, self.vouched = authority, sentence.valid
        elif authority == self._authority:
            self.vouched = self.vouched or sentence.valid
        if sentence.valid and self.latitude is None:
            self.latitude, self.longitude = sentence.latitude, sentence.longitude

    def _move(self, sentence: Rmc | Vtg) -> None:
        if self.speed_kn is None:
            self.speed_kn = sentence.speed_kn
        if self.course_deg is None:
            self.course_deg = sentence.course_deg

    def _fix_data(self, sentence: Gga | Gns, *, first: bool) -> None:
        """GGA counts the satellites of GPS alone in many receivers, and stops at 12; GNS counts all."""
        if first or self.satellites is None:
            self.satellites = sentence.satellites if sentence.satellites is not None else self.satellites
            self.hdop = sentence.hdop if sentence.hdop is not None else self.hdop
        if self.altitude_m is None:
            self.altitude_m = sentence.altitude_m


class Epochs:
    """Sentences in, complete epochs out, in the order of the stream. Holds one epoch."""

    def __init__(self) -> None:
        self._current: Epoch | None = None
        #: The current epoch has come out already, or repeats one that has.
        self._delivered = False
        #: Times of the epochs before: a receiver may send GLL of one second after RMC of the next.
        self._recent: deque[int] = deque(maxlen=RECENT_EPOCHS)
        self._last = ""
        self._end = ""
        self._cycles = 0
        self._needed = CYCLES_TO_LEARN

    def add(self, sentence: Sentence, received_at: datetime) -> list[Epoch]:
        """Take one sentence; give the epochs that are complete now."""
        complete: list[Epoch] = []
        match sentence:
            case Rmc() | Gga() | Gns() | Gll() | Zda():
                if self._current is None or sentence.time_us != self._current.time_us:
                    complete = self._close()
                    if sentence.time_us is not None:
                        self._current = Epoch(sentence.time_us, received_at)
                        self._delivered = sentence.time_us in self._recent
            case Txt():
                return complete
            case _:
                pass
        epoch = self._current
        if epoch is None:
            # No time yet: a sentence without time belongs to no moment.
            return complete
        added = epoch.merge(sentence)
        if self._delivered:
            if added:
                self._needed = min(2 * self._needed, CYCLES_TO_LEARN_AT_MOST)
                self._cycles = 0
            return complete
        if isinstance(sentence, Gsa):
            # Repeated for every constellation in view: it marks no end.
            return complete
        self._last = sentence.talker + type(sentence).__name__
        if self._last == self._end and self._cycles >= self._needed and epoch.located():
            self._delivered = True
            complete.append(epoch)
        return complete

    def finish(self) -> list[Epoch]:
        """The stream has ended, and with it the last epoch."""
        return self._close()

    def _close(self) -> list[Epoch]:
        """The current epoch, if it is still owed, and what is to be learned from how it ended."""
        closed, delivered = self._current, self._delivered
        self._current, self._delivered = None, False
        if closed is None:
            return []
        if self._last == self._end:
            self._cycles += 1
        else:
            self._end, self._cycles = self._last, 1
        self._last = ""
        if (closed.located() or delivered) and closed.time_us not in self._recent:
            self._recent.append(closed.time_us)
        return [closed] if not delivered and (closed.located() or closed.only_dated()) else []
