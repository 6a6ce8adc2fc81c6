"""What a spooled reading costs: bytes written to the card, time, and appends a second.

    python tests/bench/bench_spool.py [FOLDER]

The bytes are what this process gave to the disk (/proc/self/io `write_bytes`: pages of 4 KiB made dirty, the unit in
which a card is written). Where FOLDER is a file system of its own, what its device wrote meanwhile stands beside it:
that includes the file system's own journal, and other processes on the same device.
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
import time
from collections import deque
from datetime import UTC, datetime, timedelta
from pathlib import Path

from devices.contract.message import encode_readings
from devices.contract.readings import TruckPosition
from edge_agent.clock import Moment
from edge_agent.spool import Group, Spool, new_boot


def now() -> Moment:
    return Moment(datetime.now(UTC), "gateway")


def positions(count: int, seed: int = 1) -> list[TruckPosition]:
    """Ten trucks driving, as their trackers would say it."""
    rng = random.Random(seed)
    start = datetime(2026, 3, 1, 2, 3, 4, tzinfo=UTC)
    trucks = [[30.27 + rng.random() / 10, 119.95 + rng.random() / 10, rng.random() * 360] for _ in range(10)]
    readings = []
    for number in range(count):
        truck = trucks[number % 10]
        truck[0] += rng.gauss(0, 1e-4)
        truck[1] += rng.gauss(0, 1e-4)
        readings.append(
            TruckPosition(
                device=f"truck-{number % 10:03}",
                at=start + timedelta(seconds=number // 10),
                clock="gnss",
                latitude=round(truck[0], 6),
                longitude=round(truck[1], 6),
                speed_kmh=round(rng.uniform(0, 70), 1),
                course_deg=round(rng.uniform(0, 360), 1),
                satellites=rng.randint(6, 14),
            )
        )
    return readings


def written(device: Path | None) -> tuple[int, int]:
    """Bytes this process has given to the disk, and bytes the device has written."""
    own = next(int(line.split()[1]) for line in Path("/proc/self/io").read_text().splitlines() if "write_bytes" in line)
    return own, int(device.read_text().split()[6]) * 512 if device else 0


def device_of(folder: Path) -> Path | None:
    number = folder.stat().st_dev
    stat = Path(f"/sys/dev/block/{os.major(number)}:{os.minor(number)}/stat")
    return stat if stat.exists() else None


def run(folder: Path, group: int, commits: int, lag: int | None) -> None:
    """Append `commits` groups; the receipt comes `lag` commits later, or (None) only after all are appended."""
    device = device_of(folder)
    readings = positions(group * commits)
    payloads = [encode_readings(readings[i : i + group]) for i in range(0, len(readings), group)]
    with tempfile.TemporaryDirectory(dir=folder) as place:
        spool = Spool(Path(place) / "spool.db", boot=new_boot(), now=now)
        os.sync()
        before, begin, cpu = written(device), time.perf_counter(), time.process_time()
        waiting: deque[int] = deque()
        times = []
        for payload in payloads:
            start = time.perf_counter()
            spool.append([Group(payload, group)])
            times.append(time.perf_counter() - start)
            waiting.append(spool.last)
            if lag is not None and len(waiting) > lag:
                spool.discard([waiting.popleft()])
        appended_s = time.perf_counter() - begin
        while waiting:
            spool.discard([waiting.popleft() for _ in range(min(200, len(waiting)))])
            spool.settle()
        cpu = time.process_time() - cpu
        after = written(device)
        assert spool.stats().spool_readings == 0
        spool.close()
        os.sync()
    count = group * commits
    times.sort()
    print(
        f"{group:4} readings a commit, receipt {'after all' if lag is None else f'{lag} commits later':>15}: "
        f"{(after[0] - before[0]) / count:7.0f} B written a reading"
        + (f" ({(after[1] - before[1]) / count:.0f} by the device)" if device else "")
        + f", JSON {sum(map(len, payloads)) / count:.0f} B, {commits / appended_s:6.0f} appends/s, "
        f"p99 {times[int(len(times) * 0.99)] * 1000:.1f} ms, CPU {cpu / count * 1e6:.1f} us a reading"
    )


if __name__ == "__main__":
    where = Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.gettempdir())
    for group, commits in ((1, 3000), (10, 3000), (100, 1000)):
        for lag in (2, None):
            run(where, group, commits, lag)
