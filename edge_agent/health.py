"""The gateway on itself: what it holds, what it lost, and whether its card, its heat and its clock are in order."""

from __future__ import annotations

import os
from pathlib import Path

from devices.contract.readings import GatewayHealth
from edge_agent.clock import Moment
from edge_agent.spool import SpoolStats

CPU_ZONES = Path("/sys/class/thermal")
MEGABYTE = 1_000_000


def gateway_health(
    gateway: str, moment: Moment, spool: SpoolStats, *, resent: int, damaged: int, folder: Path, uptime_s: float
) -> GatewayHealth:
    """The gateway's condition at a moment; `folder` is the spool's, whose disk is the one that may fill up."""
    return GatewayHealth(
        device=gateway,
        at=moment.at,
        clock=moment.clock,
        spool_readings=spool.spool_readings,
        spool_bytes=spool.spool_bytes,
        spool_oldest_s=round(spool.spool_oldest_s, 1),
        spool_dropped=spool.dropped,
        appended=spool.appended,
        receipted=spool.receipted,
        resent=resent,
        damaged=damaged,
        disk_free_mb=disk_free_mb(folder),
        memory_mb=memory_mb(),
        cpu_temperature_c=cpu_temperature_c(),
        clock_synchronised=moment.clock == "gateway",
        uptime_s=round(uptime_s, 1),
    )


def disk_free_mb(folder: Path) -> float | None:
    """What a program that is not root may still write there, in MB; None where the folder does not answer."""
    try:
        facts = os.statvfs(folder)
    except OSError:
        return None
    return facts.f_bavail * facts.f_frsize / MEGABYTE


def memory_mb(status: Path = Path("/proc/self/status")) -> float | None:
    """The agent's resident memory (VmRSS), in MB."""
    for line in _text(status).splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024 / MEGABYTE
    return None


def cpu_temperature_c(zones: Path = CPU_ZONES) -> float | None:
    """The hottest thermal zone in degrees Celsius; None where the machine has none or shows nonsense."""
    found = []
    for zone in zones.glob("thermal_zone*/temp"):
        text = _text(zone).strip()
        if text.lstrip("-").isdigit():
            found.append(int(text) / 1000)
    hottest = max(found, default=None)
    return hottest if hottest is not None and -40 <= hottest <= 150 else None


def _text(file: Path) -> str:
    try:
        return file.read_text()
    except OSError:  # absent on this machine, or a sensor that does not answer
        return ""
