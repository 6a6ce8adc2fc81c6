"""The second hand: statuses and silence into the store, memory onto the disk, patience with outages."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cloud_ingest.counts import Counts
from cloud_ingest.presence import Presence
from cloud_ingest.registry import Device, register
from cloud_ingest.rule_states import RuleStates
from cloud_ingest.rules.book import Saved, county_rules
from cloud_ingest.watch import Watch
from devices.contract.readings import Alert, DeviceStatus, TruckPosition
from tests.unit.cloud_ingest.fakes import FakeStore

BEGIN = datetime(2026, 3, 1, 8, tzinfo=UTC)
REGISTRY = register("1", {"truck-1": Device(id="truck-1", kind="truck", silent_after_s=300)}, {}, {})


def after(seconds: float) -> datetime:
    return BEGIN + timedelta(seconds=seconds)


class Desk:
    """A watch with all that it needs; `again` is the same after a kill."""

    def __init__(self, folder: Path, store: FakeStore, begin: datetime) -> None:
        self.store = store
        self.states = RuleStates(folder / "rules.db")
        self.counts = Counts()
        self.presence = Presence(REGISTRY, begin)
        self.rules = county_rules()
        self.watch = Watch(self.presence, self.rules, store, self.states, self.counts)
        self.watch.restore()

    def hear(self, second: float) -> None:
        reading = TruckPosition(device="truck-1", at=after(second), latitude=30, longitude=120)
        self.presence.hear([reading], "gw-1", after(second))

    def alerts(self) -> list[tuple[str, datetime]]:
        return [(alert.state, alert.at) for alert in self.store.facts(Alert)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def desk(folder: Path) -> Iterator[Desk]:
    desk = Desk(folder, FakeStore(), BEGIN)
    yield desk
    desk.states.close()


async def test_what_has_changed_is_written(desk: Desk) -> None:
    desk.hear(1)
    await desk.watch.look(after(2), listening=True)
    assert [status.state for status in desk.store.facts(DeviceStatus)] == ["online"]


async def test_while_nobody_listens_nobody_is_found_silent(desk: Desk) -> None:
    await desk.watch.look(after(5000), listening=False)
    assert desk.store.points == {}


async def test_an_outage_loses_nothing_and_piles_up_nothing(desk: Desk) -> None:
    desk.store.down = True
    for second in range(301, 400):
        await desk.watch.look(after(second), listening=True)
    desk.store.down = False
    await desk.watch.look(after(400), listening=True)
    assert desk.alerts() == [("raised", BEGIN)]
    assert len(desk.store.facts(DeviceStatus)) == 1
    assert desk.counts.alerts == {"device-silent": 1}


async def test_a_silence_survives_a_kill_and_ends_as_the_same_alert(desk: Desk, folder: Path) -> None:
    desk.hear(1)
    await desk.watch.look(after(302), listening=True)
    assert desk.alerts() == [("raised", after(1))]
    again = Desk(folder, desk.store, after(400))
    await again.watch.look(after(401), listening=True)
    assert again.alerts() == [("raised", after(1))]
    again.hear(402)
    await again.watch.look(after(403), listening=True)
    assert again.alerts() == [("cleared", after(1))]
    again.states.close()


async def test_a_kill_between_saving_and_storing_an_alert_loses_it_not(desk: Desk, folder: Path) -> None:
    desk.store.down = True
    await desk.watch.look(after(301), listening=True)
    store = FakeStore()
    again = Desk(folder, store, after(302))
    await again.watch.look(after(303), listening=True)
    assert again.alerts() == [("raised", BEGIN)]
    again.states.close()


async def test_when_a_device_was_heard_is_saved_now_and_then(desk: Desk, folder: Path) -> None:
    desk.hear(100)
    await desk.watch.save()
    again = Desk(folder, desk.store, after(1000))
    await again.watch.look(after(1001), listening=True)
    (status,) = [status for status in desk.store.facts(DeviceStatus) if status.at == after(1001)]
    assert status.last_seen_ms == int(after(100).timestamp() * 1000)
    again.states.close()


async def test_states_of_another_release_are_left_out_and_said(folder: Path, caplog) -> None:
    states = RuleStates(folder / "rules.db")
    await states.save([Saved("overspeed", "truck-1", b"\xc1"), Saved("device-silent", "truck-1", b"\xc1")])
    states.close()
    desk = Desk(folder, FakeStore(), BEGIN)
    assert "2 states" in caplog.text
    desk.states.close()


async def test_a_disk_that_cannot_be_written_is_said_and_waited_for(desk: Desk, caplog) -> None:
    desk.states._db.execute("alter table state rename to away")
    desk.hear(1)
    await desk.watch.save()
    assert "could not be saved" in caplog.text
    await desk.watch.look(after(302), listening=True)
    assert desk.store.facts(Alert) == []
    desk.states._db.execute("alter table away rename to state")
    await desk.watch.look(after(303), listening=True)
    assert desk.alerts() == [("raised", after(1))]
