"""What a result of the HBP-9030 means to the county: a blood pressure, or a message that a measurement failed.

Whose: the ID is dropped. Only an opaque token of ours (`p-` and 8 to 18 letters) becomes `patient`.

When: the device knows the minute and no more, and a store keeps one reading of a device and a time, so two measurements
within a minute would overwrite each other. Below the minute, `at` therefore tells them apart: seconds count the
different results of that minute in their order, milliseconds are a fingerprint of the result (CRC-32 modulo 1000),
which keeps them apart even if the gateway restarted between them. It needs nothing but the device's own bytes: the same
recording gives the same readings whenever it is played, and a result sent twice is stored once.

Which clock: nobody disciplines the device's. When the time of reception is known and lies more than CLOCK_TOLERANCE
away, the device's time is kept, for it identifies the measurement however often it is sent, but its clock is
"unsynchronised": the monitor must be set, or the result comes from its memory.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from zlib import crc32

from devices.contract.readings import BloodPressure, Clock
from devices.events import Damaged, Event, Message
from devices.kiosk.hbp9030.frames import Deframer, Frame, redacted
from devices.kiosk.hbp9030.messages import Result, decode, encode_result

#: A result is sent when it is measured; the rest is how far an undisciplined clock may drift between two visits.
CLOCK_TOLERANCE = timedelta(minutes=10)
#: An earlier time of reception says that it is not known (a recording, or a gateway whose clock was not set).
RECEPTION_KNOWN = datetime(1980, 1, 6, tzinfo=UTC)
#: China has one time zone and no summer time.
CHINA = timedelta(hours=8)

#: What the device can measure (manual, specifications): everything else is damage.
RANGES = {"systolic_mmhg": (60, 260), "diastolic_mmhg": (30, 215), "pulse_bpm": (40, 180)}

_PATIENT = re.compile(r"p-[a-z2-7]{8,32}")


class Hbp9030Decoder:
    """A monitor's wire to events. `utc_offset` is that of the monitor's own clock."""

    def __init__(self, device: str, utc_offset: timedelta = CHINA) -> None:
        self._device = device
        self._zone = timezone(utc_offset)
        self._deframer = Deframer()
        self._minute: datetime | None = None
        self._in_minute: list[bytes] = []

    def feed(self, data: bytes, received_at: datetime) -> list[Event]:
        """Take what came over the wire at that aware UTC time; give what is now complete."""
        return [self._interpret(found, received_at) for found in self._deframer.feed(data)]

    def finish(self, received_at: datetime) -> list[Event]:
        """The wire has ended: half a result is damage."""
        return [self._interpret(found, received_at) for found in self._deframer.finish()]

    def _interpret(self, found: Frame | Damaged, received_at: datetime) -> Event:
        if isinstance(found, Damaged):
            return found
        result = decode(found)
        if isinstance(result, Damaged):
            return result
        if result.error or result.systolic_mmhg is None:
            return _failure(result, self._zone)
        damage = _implausible(result)
        if damage:
            return Damaged(damage, redacted(found.line))
        return self._reading(result, found.line, received_at)

    def _reading(self, result: Result, line: bytes, received_at: datetime) -> BloodPressure:
        minute = result.taken_at.replace(tzinfo=self._zone).astimezone(UTC)
        return BloodPressure(
            device=self._device,
            at=minute + self._below_the_minute(minute, line),
            clock=_clock(minute, received_at),
            systolic_mmhg=result.systolic_mmhg or 0,
            diastolic_mmhg=result.diastolic_mmhg or 0,
            pulse_bpm=result.pulse_bpm,
            moved=None if result.movements is None else result.movements > 0,
            patient=result.subject if _PATIENT.fullmatch(result.subject) else None,
        )

    def _below_the_minute(self, minute: datetime, line: bytes) -> timedelta:
        """What tells the results of one minute apart; the same for the same result."""
        if minute != self._minute:
            self._minute, self._in_minute = minute, []
        if line not in self._in_minute and len(self._in_minute) < 60:
            self._in_minute.append(line)
        order = self._in_minute.index(line) if line in self._in_minute else 59
        return timedelta(seconds=order, milliseconds=crc32(line) % 1000)


def encode(pressure: BloodPressure, utc_offset: timedelta = CHINA) -> bytes:
    """The line in which the device would say this measurement, to the minute.

    Raises ValueError for a value that it cannot show, and for a patient's token longer than its 20 characters.
    """
    if pressure.pulse_bpm is None:
        raise ValueError("the HBP-9030 gives no result without a pulse")
    result = Result(
        pressure.at.astimezone(timezone(utc_offset)).replace(tzinfo=None, second=0, microsecond=0),
        pressure.patient or "",
        0,
        pressure.systolic_mmhg,
        pressure.diastolic_mmhg,
        pressure.pulse_bpm,
        None if pressure.moved is None else int(pressure.moved),
    )
    damage = _implausible(result)
    if damage:
        raise ValueError(damage)
    return encode_result(result)


def encode_error(taken_at: datetime, error: int, utc_offset: timedelta = CHINA, *, movements: int | None = 0) -> bytes:
    """The line of a failed measurement: the error's digit, blanks for values. Raises ValueError for other errors."""
    if not 0 <= error <= 9:
        raise ValueError(f"error {error} is not one digit")
    local = taken_at.astimezone(timezone(utc_offset)).replace(tzinfo=None, second=0, microsecond=0)
    return encode_result(Result(local, "", error, None, None, None, movements))


def _failure(result: Result, zone: timezone) -> Message:
    """A measurement that gave no values: a fact about the session, never a number."""
    minute = result.taken_at.replace(tzinfo=zone).astimezone(UTC)
    return Message(
        "hbp9030",
        "error",
        {"at": minute.strftime("%Y-%m-%dT%H:%M:%SZ")},
        {"error": result.error, "movements": result.movements},
    )


def _implausible(result: Result) -> str:
    """Which value cannot be; empty where all can."""
    for name, (low, high) in RANGES.items():
        value = getattr(result, name)
        if value is None or not low <= value <= high:
            return f"{name} {value} is outside {low} to {high}"
    if (result.diastolic_mmhg or 0) >= (result.systolic_mmhg or 0):
        return f"diastolic_mmhg {result.diastolic_mmhg} is not below systolic_mmhg {result.systolic_mmhg}"
    return ""


def _clock(minute: datetime, received_at: datetime) -> Clock:
    if received_at < RECEPTION_KNOWN or abs(received_at - minute) <= CLOCK_TOLERANCE:
        return "device"
    return "unsynchronised"
