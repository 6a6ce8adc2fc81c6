"""A made-up county: named villages that tile it, a road net along their borders, and the places and devices in them.

Everything follows from a seed. `write_registry` writes the county as the ingest's registry reads it, so that the
demo, the tests and the panels speak of the same villages.
"""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

Degrees = tuple[float, float]  # longitude, latitude (WGS-84), as GeoJSON has it

#: The county's middle and half-widths: a place on the map, but no real county.
_CENTRE: Degrees = (119.93, 30.52)
_HALF: Degrees = (0.24, 0.17)

_NAMES = (
    ("Qingxi", "清溪"), ("Zhuyuan", "竹园"), ("Shitang", "石塘"), ("Meiling", "梅岭"), ("Baiyun", "白云"),
    ("Longtan", "龙潭"), ("Xiaqiao", "下桥"), ("Hehua", "荷花"), ("Dongshan", "东山"), ("Nanhu", "南湖"),
    ("Songlin", "松林"), ("Yulan", "玉兰"), ("Fengshu", "枫树"), ("Guanyin", "观音"), ("Huangni", "黄泥"),
    ("Jinji", "金鸡"), ("Liushu", "柳树"), ("Mopan", "磨盘"), ("Pingtai", "平台"), ("Qiaotou", "桥头"),
    ("Shangwu", "上坞"), ("Taohua", "桃花"), ("Wangshi", "望石"), ("Xinmin", "新民"), ("Yangmei", "杨梅"),
    ("Zhangcun", "章村"), ("Anle", "安乐"), ("Caoqiao", "草桥"), ("Dafu", "大阜"), ("Fuxing", "复兴"),
)  # fmt: skip


class Village(NamedTuple):
    """A village: its polygon (closed ring), its middle and its names."""

    id: str
    name_en: str
    name_zh: str
    ring: tuple[Degrees, ...]
    centre: Degrees


class Site(NamedTuple):
    """A place that the registry knows."""

    id: str
    kind: Literal["clinic", "settlement", "source", "disposal", "depot"]
    village: Village
    at: Degrees
    name_en: str
    name_zh: str


class Device(NamedTuple):
    """A simulated device: its kind, where it belongs, which gateway reads it and over what."""

    id: str
    kind: Literal["truck", "kiosk", "camera", "gateway"]
    wire: Literal["nmea", "jt808", "hbp9030", "mjpeg", "rtsp", "none"]
    gateway: str
    site: Site
    name_en: str
    name_zh: str
    silent_after_s: float


class Size(NamedTuple):
    """How much of everything."""

    villages: int = 12
    trucks_nmea: int = 3
    trucks_jt808: int = 6
    kiosks: int = 4
    cameras: int = 4


class County(NamedTuple):
    """The whole made-up county. `roads` are polylines; trucks drive from node to node of them."""

    seed: int
    villages: tuple[Village, ...]
    roads: tuple[tuple[Degrees, ...], ...]
    sites: tuple[Site, ...]
    devices: tuple[Device, ...]

    def of_wire(self, wire: str) -> tuple[Device, ...]:
        """The devices on one kind of wire."""
        return tuple(device for device in self.devices if device.wire == wire)

    def of_kind(self, kind: str) -> tuple[Device, ...]:
        """The devices of one kind."""
        return tuple(device for device in self.devices if device.kind == kind)

    def sites_of(self, kind: str) -> tuple[Site, ...]:
        """The sites of one kind."""
        return tuple(site for site in self.sites if site.kind == kind)


def make_county(seed: int = 1, size: Size | None = None) -> County:
    """The county that belongs to this seed and size."""
    size = size or Size()
    rng = random.Random(seed)
    villages, roads = _tile(rng, size.villages)
    sites = _sites(rng, villages, size)
    return County(seed, villages, roads, sites, _devices(sites, size))


def write_registry(county: County, folder: Path, extra_trucks: Sequence[str] = ()) -> None:
    """Write `devices.toml`, `sites.geojson` and `villages.geojson` as the ingest reads them.

    `extra_trucks` are ids of trucks beyond the county's own, at home in its depot.
    """
    folder.mkdir(parents=True, exist_ok=True)
    villages = [
        _feature("Polygon", [list(village.ring)], id=village.id, name_en=village.name_en, name_zh=village.name_zh)
        for village in county.villages
    ]
    sites = [
        _feature(
            "Point",
            list(site.at),
            id=site.id,
            village=site.village.id,
            kind=site.kind,
            name_en=site.name_en,
            name_zh=site.name_zh,
        )
        for site in county.sites
    ]
    _write_json(folder / "villages.geojson", {"type": "FeatureCollection", "features": villages})
    _write_json(folder / "sites.geojson", {"type": "FeatureCollection", "features": sites})
    entries = [f"# The simulated county's devices (seed {county.seed}).\n"]
    entries += [
        f'[[device]]\nid = "{device.id}"\nkind = "{device.kind}"\nsite = "{device.site.id}"\n'
        f'name_en = "{device.name_en}"\nname_zh = "{device.name_zh}"\n'
        f"silent_after_s = {device.silent_after_s:g}\n"
        for device in (*county.devices, *(_guest(county, truck) for truck in extra_trucks))
    ]
    (folder / "devices.toml").write_text("\n".join(entries), encoding="utf-8")


def _guest(county: County, truck: str) -> Device:
    (depot,) = county.sites_of("depot")
    return Device(truck, "truck", "nmea", "gw-trucks", depot, "Truck on record", "录制轨迹车", 600)


def _tile(rng: random.Random, count: int) -> tuple[tuple[Village, ...], tuple[tuple[Degrees, ...], ...]]:
    """Quadrilaterals on a jittered lattice: they share their borders, as villages do; the inner borders are roads."""
    columns = max(2, round((count * _HALF[0] / _HALF[1]) ** 0.5))
    rows = max(2, -(-count // columns))
    step = (2 * _HALF[0] / columns, 2 * _HALF[1] / rows)

    def node(column: int, row: int) -> Degrees:
        shake = random.Random(f"{rng_seed}:{column}:{row}")
        return (
            round(_CENTRE[0] - _HALF[0] + step[0] * (column + shake.uniform(-0.28, 0.28)), 6),
            round(_CENTRE[1] - _HALF[1] + step[1] * (row + shake.uniform(-0.28, 0.28)), 6),
        )

    def edge(a: tuple[int, int], b: tuple[int, int]) -> list[Degrees]:
        """A winding border from one node to the next, the same from both sides, without its last point."""
        low, high = sorted((a, b))
        shake = random.Random(f"{rng_seed}:{low}:{high}")
        (x0, y0), (x1, y1) = node(*low), node(*high)
        points = [(x0, y0)]
        for part in (0.2, 0.4, 0.6, 0.8):
            dx, dy = shake.uniform(-0.06, 0.06) * step[0], shake.uniform(-0.06, 0.06) * step[1]
            points.append((round(x0 + part * (x1 - x0) + dx, 6), round(y0 + part * (y1 - y0) + dy, 6)))
        points.append((x1, y1))
        return points[:-1] if a == low else points[::-1][:-1]

    rng_seed = rng.random()
    names = list(_NAMES)
    rng.shuffle(names)
    villages = []
    for index in range(min(count, columns * rows, len(names))):
        column, row = index % columns, index // columns
        corners = [(column, row), (column + 1, row), (column + 1, row + 1), (column, row + 1)]
        ring = [point for a, b in zip(corners, corners[1:] + corners[:1], strict=True) for point in edge(a, b)]
        centre = (sum(x for x, _ in ring) / len(ring), sum(y for _, y in ring) / len(ring))
        en, zh = names[index]
        villages.append(
            Village(f"v-{en.lower()}", en, f"{zh}村", (*ring, ring[0]), (round(centre[0], 6), round(centre[1], 6)))
        )
    filled_rows = -(-len(villages) // columns)
    roads = [
        (*edge((column, row), (column + 1, row)), node(column + 1, row))
        for row in range(1, filled_rows)
        for column in range(columns)
    ] + [
        (*edge((column, row), (column, row + 1)), node(column, row + 1))
        for column in range(1, columns)
        for row in range(filled_rows)
    ]
    return tuple(villages), tuple(roads)


def _sites(rng: random.Random, villages: tuple[Village, ...], size: Size) -> tuple[Site, ...]:
    def near(village: Village) -> Degrees:
        return (
            round(village.centre[0] + rng.uniform(-0.015, 0.015), 6),
            round(village.centre[1] + rng.uniform(-0.012, 0.012), 6),
        )

    order = list(villages)
    rng.shuffle(order)
    sites = []
    for index in range(size.kiosks):
        v = order[index % len(order)]
        sites.append(Site(f"clinic-{index + 1:02}", "clinic", v, near(v), f"{v.name_en} clinic", f"{v.name_zh}卫生室"))
    for index in range(size.cameras):
        v = order[(index + 5) % len(order)]
        sites.append(
            Site(
                f"settlement-{index + 1:02}", "settlement", v, near(v), f"{v.name_en} settlement", f"{v.name_zh}居民点"
            )
        )
    for index in range(2):
        v = order[(index * 3 + 1) % len(order)]
        sites.append(Site(f"source-{index + 1}", "source", v, near(v), f"{v.name_en} excavation", f"{v.name_zh}出土点"))
        v = order[(index * 3 + 2) % len(order)]
        sites.append(
            Site(f"disposal-{index + 1}", "disposal", v, near(v), f"{v.name_en} disposal", f"{v.name_zh}消纳场")
        )
    v = order[0]
    sites.append(Site("depot", "depot", v, near(v), f"{v.name_en} depot", f"{v.name_zh}停车场"))
    return tuple(sites)


def _devices(sites: tuple[Site, ...], size: Size) -> tuple[Device, ...]:
    by_kind = {kind: [site for site in sites if site.kind == kind] for kind in ("clinic", "settlement", "depot")}
    depot = by_kind["depot"][0]
    found: list[Device] = []
    for index in range(size.trucks_nmea + size.trucks_jt808):
        nmea = index < size.trucks_nmea
        found.append(
            Device(
                f"truck-{index + 1:03}",
                "truck",
                "nmea" if nmea else "jt808",
                "gw-trucks",
                depot,
                f"Muck truck {index + 1:03}",
                f"渣土车{index + 1:03}",
                60,
            )
        )
    for index, site in enumerate(by_kind["clinic"]):
        name = (f"{site.name_en} kiosk", f"{site.name_zh}健康小屋")
        found.append(Device(f"kiosk-{index + 1:02}", "kiosk", "hbp9030", "gw-clinics", site, *name, 600))
    for index, site in enumerate(by_kind["settlement"]):
        name = (f"{site.name_en} camera", f"{site.name_zh}摄像头")
        wire: Literal["mjpeg", "rtsp"] = "rtsp" if index % 2 else "mjpeg"
        found.append(Device(f"camera-{index + 1:02}", "camera", wire, "gw-cameras", site, *name, 180))
    for gateway, en, zh in (
        ("gw-trucks", "Trucks' gateway", "车辆网关"),
        ("gw-clinics", "Clinics' gateway", "卫生室网关"),
        ("gw-cameras", "Cameras' gateway", "摄像头网关"),
    ):
        found.append(Device(gateway, "gateway", "none", gateway, depot, en, zh, 120))
    return tuple(found)


def _feature(geometry: str, coordinates: object, **properties: str) -> dict[str, object]:
    shape = {"type": geometry, "coordinates": coordinates}
    return {"type": "Feature", "geometry": shape, "properties": properties}


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
