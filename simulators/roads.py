"""Driving: a truck's place, speed and course at any time, along the county's roads between its sites.

A drive is computed as it is asked for, second by second; the same seed drives the same way. Speeds rise and fall as a
loaded truck's do, and now and then a driver speeds for half a minute: the truth says when.
"""

from __future__ import annotations

import itertools
import math
import random
from collections import defaultdict
from collections.abc import Iterator
from heapq import heappop, heappush
from typing import NamedTuple

from simulators.county import County, Degrees

_METRES_PER_DEGREE = 111_320.0


class Moving(NamedTuple):
    """A truck at one second: WGS-84 degrees, km/h, degrees clockwise from north, whether loaded, whether speeding."""

    longitude: float
    latitude: float
    speed_kmh: float
    course_deg: float
    loaded: bool
    speeding: bool
    mileage_km: float


class RoadNet:
    """The roads as a graph of nodes; sites join it at their nearest node."""

    def __init__(self, county: County) -> None:
        self._near: dict[Degrees, dict[Degrees, tuple[Degrees, ...]]] = defaultdict(dict)
        for road in county.roads:
            self._near[road[0]][road[-1]] = road
            self._near[road[-1]][road[0]] = road[::-1]
        self._nodes = sorted(self._near)

    def route(self, start: Degrees, end: Degrees) -> list[Degrees]:
        """The shortest way from site to site, as points a truck passes."""
        first = min(self._nodes, key=lambda node: metres(node, start))
        last = min(self._nodes, key=lambda node: metres(node, end))
        queue: list[tuple[float, Degrees]] = [(0.0, first)]
        best: dict[Degrees, float] = {first: 0.0}
        came: dict[Degrees, Degrees] = {}
        while queue:
            far, node = heappop(queue)
            if node == last:
                break
            for nearby, road in self._near[node].items():
                through = far + sum(metres(a, b) for a, b in itertools.pairwise(road))
                if through < best.get(nearby, math.inf):
                    best[nearby] = through
                    came[nearby] = node
                    heappush(queue, (through, nearby))
        nodes = [last]
        while nodes[-1] != first and nodes[-1] in came:
            nodes.append(came[nodes[-1]])
        nodes.reverse()
        points = [start]
        for a, b in itertools.pairwise(nodes):
            points.extend(self._near[a][b])
        return [*points, end]


def metres(a: Degrees, b: Degrees) -> float:
    """Distance on a plane that is flat enough for one county."""
    dx = (a[0] - b[0]) * math.cos(math.radians((a[1] + b[1]) / 2))
    return math.hypot(dx, a[1] - b[1]) * _METRES_PER_DEGREE


def drive(county: County, seed: str, *, speeding: bool = True) -> Iterator[Moving]:
    """One truck's endless day, a `Moving` for each second: load at a source, drive, unload at a disposal, return."""
    rng = random.Random(f"{county.seed}:{seed}")
    net = RoadNet(county)
    mileage = rng.uniform(1_000, 90_000)
    here = rng.choice(county.sites_of("source")).at
    loaded = True
    skip = rng.random()
    while True:
        there = rng.choice(county.sites_of("disposal" if loaded else "source")).at
        route = net.route(here, there)
        start = skip * sum(metres(a, b) for a, b in itertools.pairwise(route))
        skip = 0.0
        for moving in _leg(rng, route, start, loaded=loaded, mileage=mileage, may_speed=speeding):
            mileage = moving.mileage_km
            yield moving
        for _ in range(rng.randint(20, 60)):
            yield Moving(there[0], there[1], 0.0, 0.0, loaded, False, mileage)
        here, loaded = there, not loaded


def _leg(
    rng: random.Random, route: list[Degrees], done: float, *, loaded: bool, mileage: float, may_speed: bool
) -> Iterator[Moving]:
    lengths = [metres(a, b) for a, b in itertools.pairwise(route)]
    total = sum(lengths)
    cruise = rng.uniform(38, 52) if loaded else rng.uniform(44, 57)
    speed, rush = 0.0, 0
    while done < total:
        if may_speed and not rush and rng.random() < 1 / 600:
            rush = rng.randint(30, 50)
        rush = max(0, rush - 1)
        goal = 82.0 if rush else cruise + rng.uniform(-6, 6)
        goal = min(goal, 12 + (total - done) / 8)
        speed = max(5.0, speed + max(-7.0, min(5.0, goal - speed)))
        done += speed / 3.6
        mileage += speed / 3600
        (x, y), course = _along(route, lengths, min(done, total))
        yield Moving(round(x, 6), round(y, 6), round(speed, 1), course, loaded, speed > 66, round(mileage, 1))


def _along(route: list[Degrees], lengths: list[float], done: float) -> tuple[Degrees, float]:
    for (a, b), length in zip(itertools.pairwise(route), lengths, strict=True):
        if done <= length and length > 0:
            part = done / length
            place = (a[0] + part * (b[0] - a[0]), a[1] + part * (b[1] - a[1]))
            east = (b[0] - a[0]) * math.cos(math.radians(a[1]))
            return place, round(math.degrees(math.atan2(east, b[1] - a[1])) % 360, 1) % 360
        done -= length
    return route[-1], 0.0
