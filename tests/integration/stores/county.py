"""A small county whose every answer can be worked out by hand: what the queries of the suite are asked about.

Three trucks report every 20 s for five minutes; truck-c then stops. Numbers are halves and quarters, so that no store
can differ by rounding.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cloud_ingest.stores.store import Point, Window
from devices.contract.readings import Alert, CameraHealth, DeviceStatus, TruckPosition

START = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
HOUR = Window(START, START + timedelta(hours=1), 60)


def at(seconds: float) -> datetime:
    """That long after the start."""
    return START + timedelta(seconds=seconds)


def position(device: str, seconds: float, speed: float | None, satellites: int | None = None) -> TruckPosition:
    """A truck's position whose latitude tells the time and whose longitude tells the speed."""
    return TruckPosition(
        device=device,
        at=at(seconds),
        clock="gnss",
        latitude=30 + seconds / 1024,
        longitude=119 + (speed or 0) / 64,
        speed_kmh=speed,
        satellites=satellites,
    )


def trucks() -> list[Point]:
    """truck-a drives 10.5, 11.5 ... 24.5 km/h; truck-b stands; truck-c says no speed in its last two points."""
    points = []
    for step in range(15):
        seconds = step * 20
        points += [
            Point(position("truck-a", seconds, 10.5 + step, 8 + step % 3), "gw-1", "pit-1", "Shangtang"),
            Point(position("truck-b", seconds, 0.0, 12), "gw-1", "pit-1", "Shangtang"),
        ]
        if step < 9:
            speed = 40.0 if step < 7 else None
            points.append(Point(position("truck-c", seconds, speed), "gw-2", "dump-2", "Xiatang"))
    return points


def statuses() -> list[Point]:
    """Four devices, each first seen online; then truck-b falls silent and cam-1 is in trouble for a reason."""

    def status(device: str, seconds: float, state: str, kind: str = "truck", reason: str | None = None) -> Point:
        village = {"truck-a": "Shangtang", "truck-b": "Shangtang"}.get(device, "Xiatang")
        fact = DeviceStatus(device=device, at=at(seconds), device_kind=kind, state=state, reason=reason)  # type: ignore[arg-type]
        return Point(fact, "gw-1", "", village)

    return [
        status("truck-a", 0, "online"),
        status("truck-b", 0, "online"),
        status("truck-c", 0, "online"),
        status("cam-1", 0, "online", "camera"),
        status("truck-b", 60, "silent"),
        status("cam-1", 90, "trouble", "camera", "picture is dark"),
        status("truck-a", 120, "online"),
    ]


def alerts() -> list[Point]:
    """Two rules on one truck at one moment, and one alert that has been cleared since."""

    def alert(rule: str, seconds: float, state: str, ended: int | None = None) -> Point:
        fact = Alert(
            device="truck-a",
            at=at(seconds),
            rule=rule,
            alert=f"{rule}-{int(seconds)}",
            severity="high",
            state=state,  # type: ignore[arg-type]
            ended_at_ms=ended,
            message_zh="超速：限速的“1.1 倍”",
            evidence='{"speed_kmh": [88.5, 91], "text": "a \\"quote\\", a \\\\ and a , comma"}',
        )
        return Point(fact, "gw-1", "pit-1", "Shangtang")

    return [
        alert("overspeed", 100, "raised"),
        alert("route", 100, "raised"),
        alert("overspeed", 30, "raised"),
        alert("overspeed", 30, "cleared", 1772352060000),
    ]


def cameras() -> list[Point]:
    """One camera, some minutes of luminance."""
    return [
        Point(CameraHealth(device="cam-1", at=at(60 * minute), state="online", luminance=luminance), "gw-3")
        for minute, luminance in enumerate((100.0, None, 50.0, 25.0))
    ]


def everything() -> list[Point]:
    """All of it."""
    return [*trucks(), *statuses(), *alerts(), *cameras()]
