"""What a stored reading costs: line protocol, InfluxDB and the embedded file; and what a screen's questions cost.

    python tests/bench/bench_stores.py [--points 200000] [--trucks 300] [FOLDER]

FOLDER (default: the system's for temporary files) is where the servers and files stand: its disk's sync is measured
too. The InfluxDB is the Debian package's, left out where it is not installed. Read ratios rather than absolutes.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import resource
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from influxdb_client import Point as ClientPoint
from influxdb_client import WritePrecision

from cloud_ingest.stores.embedded import EmbeddedStore
from cloud_ingest.stores.influx import InfluxStore
from cloud_ingest.stores.line_protocol import encode
from cloud_ingest.stores.query import CountLatest, Latest, Query, Rows, Trend, Where
from cloud_ingest.stores.store import Point, Store, Window
from devices.contract.readings import BloodPressure, TruckPosition
from simulators.servers import Influx, ServerMissing

START = datetime(2026, 3, 1, tzinfo=UTC)


def positions(count: int, trucks: int, every_s: float = 10) -> list[Point]:
    """Trucks in turn, each with a position every ten seconds, in the order of arrival."""
    rng = random.Random(1)
    points = []
    for number in range(count):
        turn, truck = divmod(number, trucks)
        fact = TruckPosition(
            device=f"truck-{truck:03}",
            at=START + timedelta(seconds=turn * every_s),
            clock="gnss",
            latitude=round(30.27 + rng.random() / 10, 6),
            longitude=round(119.95 + rng.random() / 10, 6),
            speed_kmh=round(rng.uniform(0, 70), 1),
            course_deg=round(rng.uniform(0, 360), 1),
            altitude_m=round(rng.uniform(0, 90), 1),
            satellites=rng.randint(6, 14),
            hdop=0.9,
            ignition=True,
        )
        points.append(Point(fact, f"gw-{truck % 40:02}", f"site-{truck % 20}", f"village-{truck % 60}"))
    return points


def vitals(count: int) -> list[Point]:
    """Blood pressures of 26 kiosks."""
    rng = random.Random(2)
    return [
        Point(
            BloodPressure(
                device=f"kiosk-{number % 26:02}",
                at=START + timedelta(seconds=number),
                systolic_mmhg=rng.randint(100, 190),
                diastolic_mmhg=rng.randint(50, 110),
                pulse_bpm=rng.randint(50, 110),
            ),
            f"gw-{number % 26:02}",
            f"clinic-{number % 26}",
            f"village-{number % 26}",
        )
        for number in range(count)
    ]


def client_line(point: Point) -> str:
    """The same line by influxdb-client's Point, as a tutorial would."""
    fact = point.fact
    line = ClientPoint("truck_position").tag("device", fact.device).time(fact.at, WritePrecision.MS)
    for name in fact.__struct_fields__:
        value = getattr(fact, name)
        if name not in ("device", "at") and value is not None:
            line = line.field(name, value)
    line = line.field("gateway", point.gateway).field("site", point.site).field("village", point.village)
    return line.to_line_protocol()


def microseconds(work: Callable[[Point], object], points: Sequence[Point]) -> float:
    """CPU time for each point, the best of three."""
    best = float("inf")
    for _ in range(3):
        begin = time.process_time()
        for point in points:
            work(point)
        best = min(best, time.process_time() - begin)
    return best / len(points) * 1e6


async def writing(store: Store, points: list[Point], batch: int, writers: int) -> tuple[float, float]:
    """Points a second by the clock, and our CPU time for each in microseconds."""
    batches = iter([points[start : start + batch] for start in range(0, len(points), batch)])

    async def writer() -> None:
        for each in batches:
            assert await store.write(each) == []

    begin, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(writer() for _ in range(writers)))
    return len(points) / (time.perf_counter() - begin), (time.process_time() - cpu) / len(points) * 1e6


def speed(by: tuple[str, ...] = (), where: tuple[Where, ...] = ()) -> Trend:
    """Mean speed over time."""
    return Trend(TruckPosition, "speed_kmh", "mean", by, where)


QUESTIONS: list[tuple[str, Query, float, float]] = [
    ("last values of all", Latest(TruckPosition, ("latitude", "longitude", "speed_kmh")), 24, 60),
    ("how many are fast now", CountLatest(TruckPosition, "latitude", (Where("speed_kmh", ">", 60.0),)), 24, 60),
    ("newest 100", Rows(TruckPosition, ("speed_kmh",)), 24, 60),
    ("one truck, 24 h by 5 min", speed(("device",), (Where("device", "=", "truck-001"),)), 24, 300),
    ("all trucks, 6 h by the minute", speed(), 6, 60),
    ("all trucks, 24 h by 5 min", speed(), 24, 300),
    ("all trucks, 24 h by 30 min", speed(), 24, 1800),
    ("the same of one village, from points", speed(where=(Where("village", "=", "village-1"),)), 24, 1800),
]


async def asking(store: Store, query: Query, hours: float, every_s: float) -> float:
    """Milliseconds for an answer, the best of five."""
    window = Window(START, START + timedelta(hours=hours), every_s)
    best = float("inf")
    for _ in range(5):
        begin = time.perf_counter()
        await store.query(query, window)
        best = min(best, time.perf_counter() - begin)
    return best * 1000


async def bench_embedded(folder: Path, points: list[Point]) -> dict[str, float]:
    for batch in (100, 1000, 5000):
        path = folder / f"points-{batch}.db"
        store = await EmbeddedStore.open(path)
        sample = points[: min(len(points), batch * 400)]
        rate, cpu = await writing(store, sample, batch, 1)
        again, _ = await writing(store, sample[: batch * 5], batch, 1)
        size = path.stat().st_size / len(sample)
        row = f"embedded, {batch:>5} a write   {rate:>9,.0f}/s {cpu:>6.1f} us CPU {size:>5.0f} B/point"
        print(f"{row}; again {again:,.0f}/s")
        answers = {name: await asking(store, *question) for name, *question in QUESTIONS}
        await store.close()
    return answers


async def bench_influx(folder: Path, points: list[Point]) -> dict[str, float]:
    try:
        server = Influx(folder / "influx")
    except ServerMissing as absent:
        print(f"InfluxDB left out: {absent}")
        return {}
    with server:
        for batch, writers in ((1000, 1), (5000, 1), (5000, 2), (10000, 2)):
            store = InfluxStore(server.url, f"b{batch}_{writers}")
            await store.ensure_database()
            rate, cpu = await writing(store, points, batch, writers)
            print(f"InfluxDB, {batch:>5} x {writers}        {rate:>9,.0f}/s {cpu:>6.1f} us CPU (ours)")
            answers = {name: await asking(store, *question) for name, *question in QUESTIONS}
            await store.close()
    return answers


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--points", type=int, default=200_000)
    parser.add_argument("--trucks", type=int, default=300)
    parser.add_argument("folder", nargs="?", type=Path)
    arguments = parser.parse_args()
    points = positions(arguments.points, arguments.trucks)
    print(f"line protocol, position     {microseconds(encode, points[:50000]):>9.2f} us")
    print(f"line protocol, vitals       {microseconds(encode, vitals(50000)):>9.2f} us")
    print(f"influxdb-client Point       {microseconds(client_line, points[:20000]):>9.2f} us")
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        embedded = await bench_embedded(Path(folder), points)
        influx = await bench_influx(Path(folder), points)
    print(f"\n{arguments.points:,} positions of {arguments.trucks} trucks, ms an answer   embedded  InfluxDB")
    for name, took in embedded.items():
        print(f"{name:<44}{took:>10.1f}{influx.get(name, float('nan')):>10.1f}")
    print(f"\nmemory at most {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB, the points included")


if __name__ == "__main__":
    asyncio.run(main())
