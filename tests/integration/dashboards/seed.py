"""A small county in a store: every kind, every state, made from a seed and a time alone."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from cloud_ingest.stores.store import Point, Store
from devices.contract.readings import (
    Alert,
    BloodPressure,
    CameraHealth,
    DeviceLink,
    DeviceStatus,
    GatewayHealth,
    PipelineHealth,
    TruckPosition,
)

VILLAGES = (
    ("liangzhu", "Liangzhu", "良渚村"),
    ("pingyao", "Pingyao", "瓶窑村"),
    ("jingshan", "Jingshan", "径山村"),
    ("huanghu", "Huanghu", "黄湖村"),
    ("luniao", "Luniao", "鸬鸟村"),
    ("baizhang", "Baizhang", "百丈村"),
    ("renhe", "Renhe", "仁和村"),
    ("zhongtai", "Zhongtai", "中泰村"),
    ("xianlin", "Xianlin", "闲林村"),
)
_LATITUDE, _LONGITUDE = 30.36, 119.86
_STEP = 0.055
#: (prefix, how many, English, Chinese, kind)
_FLEET = (
    ("truck", 8, "Truck", "渣土车", "truck"),
    ("kiosk", 9, "Clinic kiosk", "健康小屋", "kiosk"),
    ("cam", 10, "Camera", "摄像机", "camera"),
    ("gw", 4, "Gateway", "网关", "gateway"),
)
_CAMERA_STATES = ("online", "online", "online", "offline", "stalled", "frozen", "dark", "blurred")


def corner(number: int) -> tuple[float, float]:
    """South-west corner (latitude, longitude) of a village's square."""
    return _LATITUDE + (number // 3) * _STEP, _LONGITUDE + (number % 3) * _STEP * 1.35


def place(device: int, number: int) -> tuple[float, float]:
    """A device's place in its village."""
    south, west = corner(number)
    chance = random.Random(f"{device}/{number}")
    return south + chance.uniform(0.2, 0.8) * _STEP, west + chance.uniform(0.2, 0.8) * _STEP * 1.35


def state_of(kind: str, number: int) -> str:
    """Most are online; each other state is somewhere."""
    odd = {
        ("truck", 6): "silent",
        ("kiosk", 3): "silent",
        ("kiosk", 8): "never",
        ("camera", 3): "offline",
        ("camera", 4): "trouble",
        ("gateway", 3): "offline",
    }
    return odd.get((kind, number), "online")


def write_registry(folder: Path) -> Path:
    """The county's outline as GeoJSON, as a registry folder holds it."""
    folder.mkdir(parents=True, exist_ok=True)
    villages, sites = [], []
    for number, (id_, en, zh) in enumerate(VILLAGES):
        south, west = corner(number)
        wide = _STEP * 1.35
        ring = [[west, south], [west + wide, south], [west + wide, south + _STEP], [west, south + _STEP], [west, south]]
        names = {"name_en": en, "name_zh": zh}
        villages.append(
            {
                "type": "Feature",
                "properties": {"id": id_, **names},
                "geometry": {"type": "Polygon", "coordinates": [ring]},
            }
        )
        centre = [west + wide / 2, south + _STEP / 3]
        sites.append(
            {
                "type": "Feature",
                "properties": {"id": f"clinic-{id_}", "name_en": f"{en} clinic", "name_zh": f"{zh}卫生室"},
                "geometry": {"type": "Point", "coordinates": centre},
            }
        )
    for name, features in (("villages", villages), ("sites", sites)):
        text = json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False)
        (folder / f"{name}.geojson").write_text(text, "utf-8")
    return folder


def points(now: datetime, minutes: int = 180) -> Iterator[Point]:
    """Everything that happened in the last minutes, oldest first within each kind."""
    times = [now - timedelta(minutes=back) for back in range(minutes, -1, -1)]
    yield from _statuses(times)
    yield from _trucks(now, minutes)
    yield from _pressures(now)
    yield from _cameras(times)
    yield from _gateways(times)
    yield from _pipeline(now, minutes)
    yield from _alerts(now)


def one_position(device: str, at: datetime, speed_kmh: float = 42.0) -> Point:
    """A reading that comes while somebody looks."""
    fact = TruckPosition(device=device, at=at, latitude=30.41, longitude=119.91, speed_kmh=speed_kmh, load="full")
    return Point(fact, "gw-01", "", "liangzhu")


def one_report(at: datetime) -> Point:
    """The ingest says that it is there."""
    counted = dict.fromkeys(("received_messages", "received_readings", "stored", "quarantined", "duplicates"), 1)
    fact = PipelineHealth(
        device="ingest-1",
        at=at,
        **counted,
        gaps=0,
        in_flight=1,
        alerts=0,
        store_up=True,
        readings_per_s=98.6,
        lag_p50_ms=80.0,
        lag_p99_ms=330.0,
        memory_mb=84.0,
    )
    return Point(fact)


def one_alert(device: str, at: datetime) -> Point:
    """An alert that comes while somebody looks."""
    fact = Alert(
        device=device,
        at=at,
        rule="overspeed",
        alert=f"overspeed-{device}",
        severity="critical",
        state="raised",
        message_en="Goes 97 km/h where 60 are allowed",
        message_zh="限速60，实际97公里/小时",
    )
    return Point(fact, "gw-01", "", "liangzhu")


async def fill(store: Store, now: datetime, minutes: int = 180) -> int:
    """Write the county; how many points it has."""
    everything = list(points(now, minutes))
    for start in range(0, len(everything), 2000):
        refused = await store.write(everything[start : start + 2000])
        assert not refused, refused[:3]
    return len(everything)


def _devices() -> Iterator[tuple[str, str, str, str, int, str]]:
    for prefix, many, en, zh, kind in _FLEET:
        for number in range(many):
            yield f"{prefix}-{number + 1:02}", en, zh, kind, number, VILLAGES[number % len(VILLAGES)][0]


def _statuses(times: list[datetime]) -> Iterator[Point]:
    for device, en, zh, kind, number, village in _devices():
        latitude, longitude = place(hash_of(device), number % len(VILLAGES))
        for minute, at in enumerate(times):
            final = state_of(kind, number)
            state = final if final == "never" or minute > len(times) * 0.7 or minute % 60 == 20 else "online"
            fact = DeviceStatus(
                device=device,
                at=at,
                device_kind=kind,
                state=state,
                last_seen_ms=None if state == "never" else int(at.timestamp() * 1000) - 4000,
                name_en=f"{en} {number + 1}",
                name_zh=f"{zh}{number + 1}号",
                latitude=latitude,
                longitude=longitude,
                reason="no signal for 12 min" if state in ("silent", "offline", "trouble") else None,
            )
            yield Point(fact, "gw-01", f"site-{village}", village)


def hash_of(device: str) -> int:
    """A number from a name, the same in every process."""
    return sum(ord(letter) * (place + 1) for place, letter in enumerate(device))


def _trucks(now: datetime, minutes: int) -> Iterator[Point]:
    for number in range(8):
        start = place(number, number)
        village = VILLAGES[number % len(VILLAGES)][0]
        last = 12 * 60 if number == 6 else 0
        for back in range(minutes * 60, last, -15):
            turn = back / 400 + number
            fact = TruckPosition(
                device=f"truck-{number + 1:02}",
                at=now - timedelta(seconds=back),
                clock="gnss",
                latitude=start[0] + 0.02 * math.sin(turn),
                longitude=start[1] + 0.02 * math.cos(turn),
                speed_kmh=round(abs(38 + 30 * math.sin(turn * 2) + number), 1),
                course_deg=round(turn * 57 % 360, 1),
                satellites=8 + number,
                ignition=True,
                load=("empty", "half", "full")[number % 3],
                backfill=back % 900 == 0,
            )
            yield Point(fact, "gw-01", "", village)


def _pressures(now: datetime) -> Iterator[Point]:
    chance = random.Random(7)
    for number in range(320):
        kiosk = number % 8
        fact = BloodPressure(
            device=f"kiosk-{kiosk + 1:02}",
            at=now - timedelta(minutes=number * 3, seconds=kiosk),
            systolic_mmhg=min(240, max(90, round(chance.gauss(146, 22)))),
            diastolic_mmhg=min(140, max(50, round(chance.gauss(88, 13)))),
            pulse_bpm=70 + kiosk,
            irregular=number % 17 == 0,
            patient="p-abcdefgh",
        )
        yield Point(fact, "gw-02", f"clinic-{VILLAGES[kiosk][0]}", VILLAGES[kiosk][0])


def _cameras(times: list[datetime]) -> Iterator[Point]:
    for number in range(10):
        village = VILLAGES[number % len(VILLAGES)][0]
        final = _CAMERA_STATES[number % len(_CAMERA_STATES)]
        for minute, at in enumerate(times):
            state = final if minute > len(times) * 0.6 else "online"
            fact = CameraHealth(
                device=f"cam-{number + 1:02}",
                at=at,
                state=state,
                luminance=12.0 if state == "dark" else 118.0 + 20 * math.sin(minute / 30 + number),
                contrast=44.0 + number,
                sharpness=30.0 if state == "blurred" else 410.0 + 9 * number,
                noise=2.1,
                frames_per_s=0.0 if state in ("offline", "stalled") else 12.5,
                decoder_restarts=number % 3,
                reason="connection refused" if state == "offline" else None,
            )
            yield Point(fact, "gw-03", f"site-{village}", village)


def _gateways(times: list[datetime]) -> Iterator[Point]:
    for number in range(4):
        village = VILLAGES[number][0]
        for minute, at in enumerate(times):
            waiting = (minute % 45) * 90 if number == 3 else 4 + number
            fact = GatewayHealth(
                device=f"gw-{number + 1:02}",
                at=at,
                spool_readings=waiting,
                spool_bytes=waiting * 150,
                spool_oldest_s=waiting / 8,
                spool_dropped=0,
                appended=minute * 240,
                receipted=minute * 240 - waiting,
                resent=number,
                damaged=number * 3,
                disk_free_mb=21_000.0 - number * 6900,
                memory_mb=28.0 + number + math.sin(minute / 20),
                cpu_temperature_c=51.0 + number * 8 + 3 * math.sin(minute / 12),
                clock_synchronised=number != 3,
                uptime_s=float(minute * 60),
            )
            yield Point(fact, f"gw-{number + 1:02}", "", village)
    for position, (device, _, _, kind, number, village) in enumerate(_devices()):
        if kind != "gateway":
            lost = state_of(kind, number) == "offline"
            fact = DeviceLink(
                device=device,
                at=times[-1] - timedelta(minutes=position + 1),
                connected=not lost,
                reason="connection refused" if lost else None,
                damaged=position,
            )
            yield Point(fact, f"gw-{position % 4 + 1:02}", "", village)


def _pipeline(now: datetime, minutes: int) -> Iterator[Point]:
    for back in range(minutes * 60, -1, -10):
        ran = minutes * 60 - back
        fact = PipelineHealth(
            device="ingest-1",
            at=now - timedelta(seconds=back),
            received_messages=ran * 6,
            received_readings=ran * 120,
            stored=ran * 120 - 3,
            quarantined=3,
            duplicates=ran // 900,
            gaps=0,
            in_flight=20 + round(15 * math.sin(ran / 200)),
            alerts=9,
            store_up=True,
            readings_per_s=round(120 + 25 * math.sin(ran / 600) + 6 * math.sin(ran / 47), 1),
            lag_p50_ms=80 + 10 * math.sin(ran / 90),
            lag_p99_ms=320 + 90 * math.sin(ran / 150),
            memory_mb=84 + 3 * math.sin(ran / 700),
        )
        yield Point(fact, "", "", "")


def _alerts(now: datetime) -> Iterator[Point]:
    told = (
        ("truck-03", "overspeed", "critical", 4, True, "Goes 92 km/h where 60 are allowed", "限速60，实际92公里/小时"),
        ("kiosk-02", "blood-pressure-urgent", "critical", 23, True, "180/110 or more", "血压达到180/110以上"),
        ("cam-04", "camera-offline", "high", 51, True, "Camera cannot be reached", "摄像机无法连接"),
        ("gw-04", "silence", "high", 9, True, "Not heard for 9 min", "已9分钟无上报"),
        ("truck-07", "silence", "warning", 12, True, "Not heard for 12 min", "已12分钟无上报"),
        ("kiosk-04", "silence", "warning", 66, True, "Not heard for 66 min", "已66分钟无上报"),
        ("cam-05", "picture-stalled", "info", 8, True, "No picture for 2 min", "画面中断2分钟"),
        ("truck-01", "overspeed", "warning", 36, False, "Went 71 km/h where 60 are allowed", "限速60，实际71公里/小时"),
        ("cam-02", "camera-offline", "high", 44, False, "Camera could not be reached", "摄像机一度无法连接"),
    )  # fmt: skip
    for number, (device, rule, severity, back, open_, en, zh) in enumerate(told):
        at = now - timedelta(minutes=back)
        latitude, longitude = place(number, number)
        fact = Alert(
            device=device,
            at=at,
            rule=rule,
            alert=f"{rule}-{number:04}",
            severity=severity,
            state="raised" if open_ else "cleared",
            value=92.0,
            limit=60.0,
            ended_at_ms=None if open_ else int((at.timestamp() + 300) * 1000),
            message_en=en,
            message_zh=zh,
            latitude=latitude,
            longitude=longitude,
        )
        yield Point(fact, "gw-01", "", VILLAGES[number][0])
