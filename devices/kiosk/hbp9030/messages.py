"""What a result of the HBP-9030 says, and a result back to its 53 bytes. Layout and source: `frames`."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from devices.events import Damaged
from devices.kiosk.hbp9030.frames import Frame, redacted


class Result(NamedTuple):
    """One measurement. `taken_at` is the device's local time to the minute, without time zone; `error` 0 is none.

    The three values are None where the measurement failed. `movements` counts body movements.
    """

    taken_at: datetime
    subject: str
    error: int
    systolic_mmhg: int | None
    diastolic_mmhg: int | None
    pulse_bpm: int | None
    movements: int | None


def decode(frame: Frame) -> Result | Damaged:
    """The result; damage where its date does not exist."""
    text = frame.line.decode("ascii")
    year, month, day, hour, minute, subject, error, *values, movements = text.split(",")
    try:
        taken_at = datetime(int(year), int(month), int(day), int(hour), int(minute))  # noqa: DTZ001 - local, see Result
    except ValueError:
        return Damaged(f"time {text[:16]}", redacted(frame.line))
    systolic, diastolic, pulse = (int(value) if value.strip() else None for value in values)
    return Result(
        taken_at,
        subject.strip(),
        int(error),
        systolic,
        diastolic,
        pulse,
        int(movements) if movements.strip() else None,
    )


def encode_result(result: Result) -> bytes:
    """The line with its end. Raises ValueError for a subject that is not at most 20 printable characters, no comma."""
    subject = result.subject
    if len(subject) > 20 or "," in subject or not (subject.isascii() and (subject.isprintable() or not subject)):
        raise ValueError("the ID must be at most 20 printable ASCII characters without comma")
    values = (result.systolic_mmhg, result.diastolic_mmhg, result.pulse_bpm)
    measured = ",".join("   " if value is None else f"{value:03d}" for value in values)
    movements = " " if result.movements is None else min(result.movements, 9)
    return f"{result.taken_at:%Y,%m,%d,%H,%M},{subject:<20},{result.error},{measured},{movements}\r\n".encode()
