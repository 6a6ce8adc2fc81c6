"""Who is there: the latest word of every registered device, and the silence of those that say nothing.

Pure, with the received time as an argument. `tick` gives the points to write: a device's status when it changes and
once a minute, and alerts when silence begins or ends.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Literal

from msgspec import Struct

from cloud_ingest.registry import Device, Registry
from cloud_ingest.rules import silence
from cloud_ingest.rules.rule import milliseconds
from cloud_ingest.rules.silence import Hearing
from cloud_ingest.stores.store import Point
from devices.contract.message import Birth, State
from devices.contract.readings import (
    Alert,
    CameraHealth,
    DeviceLink,
    DeviceStatus,
    GatewayHealth,
    Reading,
    TruckPosition,
)

Condition = Literal["online", "silent", "offline", "trouble", "never"]

EVERY = timedelta(minutes=1)
#: A truck under way is shown where it is now: 1,500 of them cost the store 750 points a second at most.
MOVING_EVERY = timedelta(seconds=2)
#: About 50 m: what stands still does not move by the receiver's noise.
_MOVED_DEG = 0.0005


class _Known(Struct):
    """What is known of one device now. `word` is what was said of its condition last, and `word_at` when (its time)."""

    hearing: Hearing = Hearing()
    word: Condition = "online"
    reason: str | None = None
    word_at: datetime | None = None
    latitude: float | None = None
    longitude: float | None = None
    located_at: datetime | None = None
    gateway: str = ""
    retell: bool = False
    told: Condition | None = None
    told_at: datetime | None = None
    told_place: tuple[float, float] | None = None


class Presence:
    """The latest of every device, of the registered ones in particular."""

    def __init__(self, registry: Registry, now: datetime) -> None:
        self.registry = registry
        self._known: dict[str, _Known] = {}
        self._listening_since = now

    def listening(self, now: datetime) -> None:
        """The ingest hears (again) from now on: no device is to blame for the time before."""
        self._listening_since = now

    def hear(self, readings: Iterable[Reading], gateway: str, now: datetime) -> None:
        """Readings have been received from a gateway, in any order; the last of each device and kind are enough."""
        self._heard(gateway, gateway, now)
        for reading in readings:
            known = self._heard(reading.device, gateway, now)
            if known is not None:
                _learn(known, reading)

    def state(self, state: State) -> None:
        """A gateway says that it is online or not; the last will speaks for one that is lost.

        It is no sign of life: a broker repeats the retained word of a gateway that is long gone.
        """
        known = self._of(state.gateway)
        if known is not None:
            known.word, known.reason = state.state, state.reason or None

    def birth(self, birth: Birth, now: datetime) -> None:
        """A gateway introduces itself."""
        self._heard(birth.gateway, birth.gateway, now)

    def tick(self, now: datetime) -> list[Point]:
        """What is to be written now."""
        points: list[Point] = []
        for device in self.registry.devices.values():
            known = self._known.setdefault(device.id, _Known())
            if known.retell:
                # A kill may have come between saving the state and storing the alert: stored twice, it is there once.
                points.extend(self._alert(alert, known) for alert in silence.again(known.hearing, device))
                known.retell = False
            known.hearing, alerts = silence.tick(known.hearing, now, self._listening_since, device)
            points.extend(self._alert(alert, known) for alert in alerts)
            condition = _condition(known)
            if condition != known.told or known.told_at is None or now - known.told_at >= _every(known):
                points.append(self._status(device, known, condition, now))
                known.told, known.told_at = condition, now
                known.told_place = _place(known)
        return points

    def hearings(self) -> dict[str, Hearing]:
        """What a restart must know of the registered devices."""
        return {device: known.hearing for device, known in self._known.items()}

    def restore(self, hearings: dict[str, Hearing]) -> None:
        """Take back what `hearings` gave."""
        for device, hearing in hearings.items():
            self._known[device] = _Known(hearing, retell=True)

    def _of(self, device: str) -> _Known | None:
        """What is known of a registered device; of others nothing is kept, so that nobody can fill the memory."""
        if device not in self.registry.devices:
            return None
        return self._known.setdefault(device, _Known())

    def _heard(self, device: str, gateway: str, now: datetime) -> _Known | None:
        known = self._of(device)
        if known is not None:
            known.hearing = silence.hear(known.hearing, now)
            known.gateway = gateway
        return known

    def _status(self, device: Device, known: _Known, condition: Condition, now: datetime) -> Point:
        site = self.registry.sites.get(device.site or "")
        status = DeviceStatus(
            device=device.id,
            at=now,
            device_kind=device.kind,
            state=condition,
            last_seen_ms=None if known.hearing.heard is None else milliseconds(known.hearing.heard),
            name_en=device.name_en,
            name_zh=device.name_zh,
            latitude=known.latitude if known.latitude is not None or site is None else site.latitude,
            longitude=known.longitude if known.longitude is not None or site is None else site.longitude,
            reason=known.reason if condition in ("offline", "trouble") else None,
        )
        return Point(status, known.gateway, *self.registry.places[device.id])

    def _alert(self, alert: Alert, known: _Known) -> Point:
        return Point(alert, known.gateway, *self.registry.places[alert.device])


def _place(known: _Known) -> tuple[float, float] | None:
    if known.latitude is None or known.longitude is None:
        return None
    return known.latitude, known.longitude


def _every(known: _Known) -> timedelta:
    """How old the last status may get: a moment for what has moved, else a minute."""
    here, told = _place(known), known.told_place
    if here is None:
        return EVERY
    moved = told is None or max(abs(here[0] - told[0]), abs(here[1] - told[1])) > _MOVED_DEG
    return MOVING_EVERY if moved else EVERY


def _condition(known: _Known) -> Condition:
    if known.hearing.heard is None and known.word != "offline":
        return "never" if known.hearing.silent_since is None else "silent"
    if known.word == "online" and known.hearing.silent_since is not None:
        return "silent"
    return known.word


def _learn(known: _Known, reading: Reading) -> None:
    """What a reading says of its device's condition. A word is overruled by a later one, in the device's time."""
    if isinstance(reading, TruckPosition):
        _locate(known, reading)
    if known.word_at is not None and reading.at < known.word_at:
        return
    match reading:
        case CameraHealth():
            word = _camera(reading)
            reason = reading.reason or (reading.state if word != "online" else None)
        case DeviceLink():
            word, reason = ("online" if reading.connected else "offline"), reading.reason
        case GatewayHealth():
            return
        case _:
            word, reason = "online", None
    known.word, known.reason, known.word_at = word, reason, reading.at


def _camera(health: CameraHealth) -> Condition:
    if health.state == "online":
        return "online"
    return "offline" if health.state in ("offline", "stalled") else "trouble"


def _locate(known: _Known, position: TruckPosition) -> None:
    """Late fixes do not move a truck back."""
    if known.located_at is None or position.at >= known.located_at:
        known.latitude, known.longitude, known.located_at = position.latitude, position.longitude, position.at
