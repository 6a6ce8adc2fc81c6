"""Times as the stores keep them: whole milliseconds since 1970-01-01 UTC, exactly.

`datetime.timestamp()` is a float and rounds; the difference of two datetimes is integers all the way.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)


def to_ms(at: datetime) -> int:
    """Milliseconds of an aware time, rounded down: what identifies a point."""
    return (at - EPOCH) // _MS


def bound_ms(edge: datetime) -> int:
    """The first whole millisecond at or after an edge of a window: start and (excluded) end are both cut so."""
    return -((EPOCH - edge) // _MS)


def from_ms(ms: int) -> datetime:
    """The aware UTC time of a stored millisecond."""
    return EPOCH + timedelta(milliseconds=ms)
