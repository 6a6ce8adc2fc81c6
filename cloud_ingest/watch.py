"""The second hand: writes who is there and who has fallen silent, and saves what must survive a restart.

Nothing here is worth waiting for: what the store cannot take now is tried again with the next second, and meanwhile
no new status is made, so an outage does not pile them up.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime

import msgspec

from cloud_ingest.counts import Counts
from cloud_ingest.presence import Presence
from cloud_ingest.rule_states import RuleStates, RuleStatesUnavailable
from cloud_ingest.rules import silence
from cloud_ingest.rules.book import RuleBook, Saved
from cloud_ingest.rules.silence import Hearing
from cloud_ingest.stores.store import Point, Store, StoreUnavailable
from devices.contract.readings import Alert

log = logging.getLogger(__name__)


class Watch:
    """Presence and rules on one side, the store and the states' file on the other."""

    def __init__(
        self, presence: Presence, rules: RuleBook, store: Store, rule_states: RuleStates, counts: Counts
    ) -> None:
        self._presence = presence
        self._rules = rules
        self._store = store
        self._rule_states = rule_states
        self._counts = counts
        self._unwritten: list[Point] = []

    async def look(self, now: datetime, *, listening: bool) -> None:
        """Write what has changed. While the county does not listen, nobody is found silent."""
        if not self._unwritten and listening:
            self._unwritten = self._presence.tick(now)
        if self._unwritten and await self._write(self._unwritten):
            self._unwritten = []

    async def save(self) -> None:
        """Save the states that nobody has spoken about, and when each device was heard."""
        hearings = self._presence.hearings()
        try:
            await self._rule_states.save([*self._rules.changed(), *_saved(hearings, hearings)])
        except RuleStatesUnavailable as unavailable:
            log.error("what the rules remember could not be saved: %s", unavailable)  # noqa: TRY400

    def restore(self) -> None:
        """Take back what was saved. Raises RuleStatesUnavailable."""
        saved = self._rule_states.load()
        hearings, unreadable = {}, 0
        for state in saved:
            if state.rule == silence.NAME:
                try:
                    hearings[state.device] = msgspec.msgpack.decode(state.state, type=Hearing)
                except msgspec.DecodeError:
                    unreadable += 1
        self._presence.restore(hearings)
        unreadable += self._rules.restore(state for state in saved if state.rule != silence.NAME)
        if unreadable:
            log.warning("%d states of rules are from another release: these devices begin anew", unreadable)

    async def _write(self, points: list[Point]) -> bool:
        """Whether all is stored. A raised silence is saved before it is stored, a cleared one after: against kills."""
        alerts = [point.fact for point in points if isinstance(point.fact, Alert)]
        raised = [alert for alert in alerts if alert.state == "raised"]
        try:
            await self._rule_states.save(self._hearings(raised))
            rejected = await self._store.write(points)
            await self._rule_states.save(self._hearings(alerts))
        except (StoreUnavailable, RuleStatesUnavailable) as unavailable:
            log.debug("statuses wait: %s", unavailable)
            return False
        for position, reason in rejected:
            log.error("the store refuses our own %s: %s", points[position].fact, reason)
        self._counts.alerts.update(alert.rule for alert in raised)
        return True

    def _hearings(self, alerts: Iterable[Alert]) -> list[Saved]:
        return _saved(self._presence.hearings(), [alert.device for alert in alerts])


def _saved(hearings: dict[str, Hearing], devices: Iterable[str]) -> list[Saved]:
    return [Saved(silence.NAME, device, msgspec.msgpack.encode(hearings[device])) for device in devices]
