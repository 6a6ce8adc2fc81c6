from __future__ import annotations

import os
from pathlib import Path

import pytest

from edge_agent.clock import Moment
from edge_agent.health import cpu_temperature_c, disk_free_mb, gateway_health, memory_mb
from edge_agent.spool import SpoolStats
from tests.unit.edge_agent.hand_spool import NOON

STATS = SpoolStats(
    spool_readings=7, spool_bytes=4096, spool_oldest_s=1.26, appended=100, receipted=90, dropped=3, held=0, set_aside=0
)


def zone(folder: Path, number: int, text: str) -> None:
    (folder / f"thermal_zone{number}").mkdir()
    (folder / f"thermal_zone{number}" / "temp").write_text(text)


def test_the_report_holds_the_spools_figures_and_the_machines(tmp_path: Path) -> None:
    health = gateway_health("gw-07", NOON, STATS, resent=2, damaged=5, folder=tmp_path, uptime_s=61.04)

    assert (health.device, health.spool_readings, health.spool_dropped, health.resent) == ("gw-07", 7, 3, 2)
    assert (health.spool_oldest_s, health.uptime_s, health.damaged) == (1.3, 61.0, 5)
    assert health.clock_synchronised is True
    assert health.disk_free_mb == pytest.approx(disk_free_mb(tmp_path), rel=0.1)


def test_a_clock_that_is_not_synchronised_is_reported_as_such(tmp_path: Path) -> None:
    unsure = Moment(NOON.at, "unsynchronised")

    health = gateway_health("gw-07", unsure, STATS, resent=0, damaged=0, folder=tmp_path, uptime_s=1)

    assert (health.clock, health.clock_synchronised) == ("unsynchronised", False)


def test_the_hottest_zone_counts(tmp_path: Path) -> None:
    zone(tmp_path, 0, "48312\n")
    zone(tmp_path, 1, "61000\n")

    assert cpu_temperature_c(tmp_path) == 61.0


@pytest.mark.parametrize("text", ["", "broken", "999999"])
def test_a_zone_that_shows_nonsense_is_no_temperature(tmp_path: Path, text: str) -> None:
    zone(tmp_path, 0, text)

    assert cpu_temperature_c(tmp_path) is None


def test_a_machine_without_thermal_zones_has_no_temperature(tmp_path: Path) -> None:
    assert cpu_temperature_c(tmp_path) is None


def test_memory_is_the_resident_set(tmp_path: Path) -> None:
    status = tmp_path / "status"
    status.write_text("Name:\tedge-agent\nVmRSS:\t   34180 kB\nVmData:\t 9 kB\n")

    assert memory_mb(status) == pytest.approx(35.0, abs=0.01)
    assert memory_mb(Path(f"/proc/{os.getpid()}/status")) == pytest.approx(memory_mb(), rel=0.1)


def test_a_folder_that_does_not_answer_has_no_free_space(tmp_path: Path) -> None:
    assert disk_free_mb(tmp_path / "absent") is None
