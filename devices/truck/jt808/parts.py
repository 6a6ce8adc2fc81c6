"""Sub-packaged messages put together again, within bounds of memory and time (JT/T 808-2013 section 4.4.3).

The parts of one message carry consecutive serials, so `serial - part + 1` names the message they belong to.
"""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime, timedelta
from typing import NamedTuple

from devices.events import Damaged
from devices.truck.jt808.frames import SUBPACKAGED, Frame

#: How long after its latest part a message is still waited for: five requests to resend, five seconds apart.
PATIENCE = timedelta(seconds=30)
#: How many messages of one connection may be under way; the oldest gives way.
MAX_MESSAGES = 8
#: How many bytes of parts one connection may make us hold; a photograph has about 100,000.
MAX_BYTES = 2 * 1024 * 1024
#: What a part costs beside its body, so that empty parts are bounded too.
_PART_BYTES = 128


class Assembled(NamedTuple):
    """A whole message: the header of the part that completed it, the body of all; and how many parts it had."""

    frame: Frame
    parts: int


class _Waiting:
    def __init__(self) -> None:
        self.parts: dict[int, bytes] = {}
        self.size = 0
        self.latest: datetime | None = None


_Key = tuple[str, int, int, int]


class Parts:
    """The messages of one connection that are not whole yet."""

    def __init__(self) -> None:
        self._waiting: OrderedDict[_Key, _Waiting] = OrderedDict()
        self._bytes = 0

    @property
    def held_bytes(self) -> int:
        """About how much memory the parts hold, in bytes."""
        return self._bytes

    def add(self, frame: Frame, received_at: datetime) -> list[Assembled | Damaged]:
        """Take one part; give the message it completes, and what is given up on its account."""
        out: list[Assembled | Damaged] = [*self.expire(received_at)]
        if not 1 <= frame.part <= frame.total:
            out.append(Damaged(f"part {frame.part} of {frame.total}", frame.body))
            return out
        key = (frame.phone, frame.id, (frame.serial - frame.part + 1) & 0xFFFF, frame.total)
        waiting = self._waiting.setdefault(key, _Waiting())
        before = waiting.parts.get(frame.part)
        growth = len(frame.body) + _PART_BYTES if before is None else len(frame.body) - len(before)
        waiting.parts[frame.part] = frame.body
        waiting.latest = received_at
        waiting.size += growth
        self._bytes += growth
        if len(waiting.parts) == frame.total:
            self._drop(key)
            body = b"".join(waiting.parts[part] for part in range(1, frame.total + 1))
            whole = frame._replace(properties=frame.properties & ~SUBPACKAGED, total=0, part=0, body=body)
            out.append(Assembled(whole, frame.total))
            return out
        while len(self._waiting) > MAX_MESSAGES or self._bytes > MAX_BYTES:
            out.append(self._give_up(next(iter(self._waiting)), "too much is under way"))
        return out

    def expire(self, now: datetime) -> list[Damaged]:
        """Give up the messages whose latest part is older than PATIENCE."""
        late = [key for key, waiting in self._waiting.items() if waiting.latest and now - waiting.latest > PATIENCE]
        return [self._give_up(key, f"nothing for {PATIENCE.total_seconds():.0f} s") for key in late]

    def finish(self) -> list[Damaged]:
        """The connection has ended: give up all."""
        return [self._give_up(key, "the stream ended") for key in list(self._waiting)]

    def _give_up(self, key: _Key, why: str) -> Damaged:
        waiting = self._drop(key)
        reason = f"message 0x{key[1]:04x}: {len(waiting.parts)} of {key[3]} parts, {why}"
        return Damaged(reason, b"".join(body for _, body in sorted(waiting.parts.items())))

    def _drop(self, key: _Key) -> _Waiting:
        waiting = self._waiting.pop(key)
        self._bytes -= waiting.size
        return waiting
