"""Overspeed (alert A10 of muck-truck supervision): faster than the limit by a tenth for twenty seconds of event time.

The limit is the truck's own in the registry, or the county's. An alert begins at the first fix above, is cleared by
the first fix that is not (or by a gap of more than a minute), and carries the peak. Late fixes change it, or withdraw
it, until the result is that of the same fixes in order: see `cloud_ingest.rules.runs` for how late they may be.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec import Struct, field

from cloud_ingest.registry import Device
from cloud_ingest.rules.rule import NOTHING, alert_id, evidence, milliseconds
from cloud_ingest.rules.runs import Criterion, Finding, Track, append, observe, quiet
from devices.contract.readings import Alert, TruckPosition

#: The county's limit for muck trucks where nothing else is registered.
LIMIT_KMH = 60.0
#: A speedometer's and a receiver's error must not make a case.
TOLERANCE = 1.1
AT_LEAST = timedelta(seconds=20)
#: Two fixes further apart say nothing about the time between them.
AT_MOST_APART = timedelta(seconds=60)

SOURCE = "Muck-truck supervision, alert A10: > limit x 1.1 for >= 20 s"


class Truck(Struct):
    """What is remembered of a truck: its speeds, and where it was when it was too fast (latitude, longitude)."""

    track: Track = field(default_factory=Track)
    places: dict[datetime, tuple[float, float]] = field(default_factory=dict)

    @property
    def news(self) -> int:
        """Grows with every fix that mattered."""
        return self.track.news


class Overspeed:
    """The rule, for one county limit."""

    name = "overspeed"
    reads = TruckPosition
    state = Truck

    def __init__(self, limit_kmh: float = LIMIT_KMH) -> None:
        self._limit_kmh = limit_kmh
        self._criteria: dict[float, Criterion] = {}
        self._county = self._criterion(limit_kmh)

    def step(self, state: Truck, reading: TruckPosition, device: Device | None) -> tuple[Truck, Sequence[Alert]]:
        """Take a fix; one without a speed says nothing."""
        speed = reading.speed_kmh
        if speed is None:
            return state, NOTHING
        own = device.overspeed_kmh if device is not None else None
        criterion = self._county if own is None else self._criterion(own)
        window = state.track.present
        # Nearly every fix of the county ends here, so it is kept apart from `observe`.
        if quiet(window, reading.at, speed, criterion.threshold):
            append(window, reading.at, speed, criterion)
            return state, NOTHING
        if speed > criterion.threshold:
            state.places[reading.at] = (reading.latitude, reading.longitude)
        findings = observe(state.track, reading.at, speed, criterion)
        limit = own or self._limit_kmh
        alerts = [_alert(self.name, reading.device, finding, limit, state) for finding in findings]
        _forget_places(state)
        return state, alerts

    def _criterion(self, limit_kmh: float) -> Criterion:
        criterion = self._criteria.get(limit_kmh)
        if criterion is None:
            criterion = Criterion(limit_kmh * TOLERANCE, AT_LEAST, AT_MOST_APART)
            self._criteria[limit_kmh] = criterion
        return criterion


def _alert(rule: str, device: str, finding: Finding, limit: float, state: Truck) -> Alert:
    run = finding.run
    latitude, longitude = state.places.get(run.peak_at, (None, None))
    ended = run.begin if finding.withdrawn else run.last if run.closed else None
    if finding.withdrawn:
        message_en, message_zh = "Withdrawn: late fixes show that it was not speeding", "已撤销：补传定位表明未超速"
    else:
        message_en = f"{run.peak:.0f} km/h where {limit:.0f} km/h is allowed"
        message_zh = f"限速{limit:.0f}公里/小时，最高{run.peak:.0f}公里/小时"
    return Alert(
        device=device,
        at=run.begin,
        rule=rule,
        alert=alert_id(rule, device, run.begin),
        severity="info" if finding.withdrawn else "warning",
        state="raised" if ended is None else "cleared",
        value=run.peak,
        limit=limit,
        ended_at_ms=None if ended is None else milliseconds(ended),
        message_en=message_en,
        message_zh=message_zh,
        evidence=evidence(source=SOURCE, begin=run.begin, end=ended, peak_kmh=run.peak, peak_at=run.peak_at),
        latitude=latitude,
        longitude=longitude,
    )


def _forget_places(state: Truck) -> None:
    """Keep the places of fixes that a run may still refer to."""
    if len(state.places) <= 320:
        return
    kept = set(state.track.present.times) | set(state.track.backlog.times)
    for window in (state.track.present, state.track.backlog):
        kept |= {finding.run.peak_at for finding in window.told.values()}
        if window.cut is not None:
            kept.add(window.cut.peak_at)
    state.places = {at: place for at, place in state.places.items() if at in kept}
