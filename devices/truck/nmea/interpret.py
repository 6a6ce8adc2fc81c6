"""What a receiver's sentences mean to the county: one truck position for each moment at which it had a fix."""

from __future__ import annotations

from datetime import UTC, datetime

from devices.contract.readings import TruckPosition
from devices.events import Damaged, Event, Message
from devices.truck.nmea.days import Days, Placed
from devices.truck.nmea.epochs import Epochs
from devices.truck.nmea.frames import Deframer, Frame, encode_frame
from devices.truck.nmea.messages import Gga, Rmc, Txt, decode, encode_gga, encode_rmc

KMH_PER_KNOT = 1.852
#: The contract's 400 km/h, rounded down to the format's step: one step more would be read back as above it.
_FASTEST_KN = 215.982


class NmeaDecoder:
    """A receiver's wire to events: positions, its own texts as messages, and damage.

    A time of reception before 1980 says that it is not known; see `days`.
    """

    def __init__(self, device: str, *, checksum_required: bool = True) -> None:
        self._device = device
        self._deframer = Deframer(checksum_required=checksum_required)
        self._epochs = Epochs()
        self._days = Days()

    def feed(self, data: bytes, received_at: datetime) -> list[Event]:
        """Take what came over the wire at that aware UTC time; give what is now complete."""
        return self._interpret(self._deframer.feed(data), received_at)

    def finish(self, received_at: datetime) -> list[Event]:
        """The wire has ended: the last epoch and those that wait for a date come out."""
        events = self._interpret(self._deframer.finish(), received_at)
        for epoch in self._epochs.finish():
            self._report(self._days.place(epoch), events)
        self._report(self._days.finish(), events)
        return events

    def _interpret(self, frames: list[Frame | Damaged], received_at: datetime) -> list[Event]:
        events: list[Event] = []
        for frame in frames:
            if isinstance(frame, Damaged):
                events.append(frame)
                continue
            sentence = decode(frame)
            if sentence is None:
                continue
            if isinstance(sentence, Damaged):
                events.append(sentence)
            elif isinstance(sentence, Txt):
                events.append(
                    Message("nmea", "TXT", {"talker": sentence.talker}, {"kind": sentence.kind, "text": sentence.text})
                )
            else:
                for epoch in self._epochs.add(sentence, received_at):
                    self._report(self._days.place(epoch), events)
        return events

    def _report(self, placed: list[Placed], events: list[Event]) -> None:
        for fix in placed:
            events.extend(_reading(self._device, fix))


def _reading(device: str, fix: Placed) -> list[Event]:
    """The position; what beside it no truck can have is left out and reported, for the place still stands."""
    epoch = fix.epoch
    if epoch.latitude is None or epoch.longitude is None:
        return []
    damage: list[Event] = []

    def within(name: str, value: float | None, low: float, high: float) -> float | None:
        if value is None or low <= value <= high:
            return value
        damage.append(Damaged(f"{name} {value} at {fix.at:%H:%M:%S} is not a truck's", b""))
        return None

    speed_kmh = None if epoch.speed_kn is None else round(epoch.speed_kn * KMH_PER_KNOT, 3)
    position = TruckPosition(
        device=device,
        at=fix.at,
        clock=fix.clock,
        latitude=epoch.latitude,
        longitude=epoch.longitude,
        speed_kmh=within("speed_kmh", speed_kmh, 0, 400),
        course_deg=epoch.course_deg,
        altitude_m=within("altitude_m", epoch.altitude_m, -1000, 20_000),
        satellites=epoch.satellites,
        hdop=epoch.hdop,
    )
    return [position, *damage]


def encode(position: TruckPosition, talker: str = "GN") -> bytes:
    """The burst (RMC, GGA) in which a receiver would say this position.

    The inverse of the decoder, as fine as the format is: milliseconds, 2 cm, 0.001 kn, 0.01 degree, 1 cm, and
    for the years 1980 to 2079. What a receiver cannot say (ignition, load, alarm words) is not in it.
    """
    at = position.at.astimezone(UTC)
    time_us = ((at.hour * 60 + at.minute) * 60 + at.second) * 1_000_000 + at.microsecond
    speed_kn = None if position.speed_kmh is None else min(position.speed_kmh / KMH_PER_KNOT, _FASTEST_KN)
    place = (position.latitude, position.longitude)
    rmc = Rmc(talker, time_us, True, *place, speed_kn, position.course_deg, at.date())
    gga = Gga(talker, time_us, True, *place, position.satellites, position.hdop, position.altitude_m)
    return encode_frame(encode_rmc(rmc)) + encode_frame(encode_gga(gga))
