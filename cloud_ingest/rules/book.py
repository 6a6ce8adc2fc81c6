"""The rules in force and what they remember: readings go in, alerts come out, and states can be saved and restored.

A state is consequential when a reading has mattered to it: the pipeline saves those before it acknowledges the
readings that made them, so that a kill between two readings changes nothing. The others have only taken in
unremarkable values since; they are saved now and then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import msgspec

from cloud_ingest.registry import Device
from cloud_ingest.rules.blood_pressure import BloodPressureUrgent
from cloud_ingest.rules.camera_offline import CameraOffline
from cloud_ingest.rules.overspeed import LIMIT_KMH, Overspeed
from cloud_ingest.rules.rule import Rule
from devices.contract.readings import Alert, Reading

#: Takes neighbouring readings of one device, with its entry in the registry if it has one.
Step = Callable[[Sequence[Reading], Device | None], Sequence[Alert]]
#: Devices of one rule that are remembered; the longest known is forgotten first. Only invented names come so far.
MOST_DEVICES = 20_000


class Saved(NamedTuple):
    """One state as bytes: of which rule, for which device."""

    rule: str
    device: str
    state: bytes


class RuleBook:
    """Rules with their states by device. Not thread-safe; unknown saved rules and unreadable states are left out."""

    def __init__(self, rules: Sequence[Rule[Any, Any]]) -> None:
        self._pages = {rule.name: _Page(rule) for rule in rules}
        self.steps: dict[type[Reading], Step] = {rule.reads: self._pages[rule.name].step for rule in rules}

    def consequential(self) -> list[Saved]:
        """States with news since they were last given out."""
        return [saved for page in self._pages.values() for saved in page.give(page.news)]

    def changed(self) -> list[Saved]:
        """All states that changed since they were last given out."""
        return [saved for page in self._pages.values() for saved in page.give(page.touched)]

    def restore(self, saved: Iterable[Saved]) -> int:
        """Take saved states back; how many could not be read (an older release wrote them otherwise)."""
        unreadable = 0
        for rule, device, state in saved:
            page = self._pages.get(rule)
            if page is None or not page.take(device, state):
                unreadable += 1
        return unreadable


class _Page:
    """One rule, its states, and which of them are not saved yet."""

    def __init__(self, rule: Rule[Any, Any]) -> None:
        self._rule = rule
        self._states: dict[str, Any] = {}
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder = msgspec.msgpack.Decoder(rule.state)
        self.touched: set[str] = set()
        self.news: set[str] = set()

    def step(self, readings: Sequence[Reading], device: Device | None) -> Sequence[Alert]:
        name = readings[0].device
        state = self._states.get(name)
        if state is None:
            state = self._begin()
        step, news = self._rule.step, state.news
        found: list[Alert] = []
        for reading in readings:
            state, alerts = step(state, reading, device)
            if alerts:
                found.extend(alerts)
        self._states[name] = state
        # A stranger is judged like any other, but its state is not saved: anybody could fill the disk with names.
        if device is not None:
            self.touched.add(name)
            if state.news != news:
                self.news.add(name)
        return found

    def _begin(self) -> Any:  # noqa: ANN401 - each rule has its own kind of state
        if len(self._states) >= MOST_DEVICES:
            oldest = next(iter(self._states))
            del self._states[oldest]
            self.touched.discard(oldest)
            self.news.discard(oldest)
        return self._rule.state()

    def give(self, names: set[str]) -> list[Saved]:
        given = [Saved(self._rule.name, name, self._encoder.encode(self._states[name])) for name in names]
        self.touched -= set(names)
        self.news -= set(names)
        return given

    def take(self, device: str, state: bytes) -> bool:
        try:
            self._states[device] = self._decoder.decode(state)
        except msgspec.DecodeError:
            return False
        return True


def county_rules(overspeed_kmh: float = LIMIT_KMH) -> RuleBook:
    """The rules of this county. Silence of a device is no rule over readings: see `cloud_ingest.rules.silence`."""
    return RuleBook([Overspeed(overspeed_kmh), BloodPressureUrgent(), CameraOffline()])
