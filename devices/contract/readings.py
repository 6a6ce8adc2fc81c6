"""Every fact that the county stores, as a frozen struct: each field once, with its type, bounds and unit.

`Reading` is what a gateway may send; `Stored` adds what only the ingest writes (alerts, device status, its own
health). New fields always have a default and a meaning never changes under a name, so that the county reads every
version 1 message ever released. No field can hold a person's name, ID-card number or phone number.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, ClassVar, Literal

from msgspec import Meta, Struct

from devices.contract.quantity import END, Id, quantity

#: An aware time in UTC. Stores keep milliseconds; a device never says two things of one kind in one millisecond.
Utc = Annotated[datetime, Meta(tz=True)]

#: Where `at` comes from. Rules and panels believe every value but "unsynchronised".
Clock = Literal["gnss", "device", "gateway", "unsynchronised"]


class Stored(Struct, frozen=True, kw_only=True, tag_field="kind", omit_defaults=True):
    """A fact in the store. What `tags` name, together with `at`, identifies it: written twice, it is there once."""

    tags: ClassVar[tuple[str, ...]] = ("device",)

    device: Annotated[Id, quantity("", "Device", "设备")]
    at: Utc


class Reading(Stored, frozen=True, kw_only=True):
    """A fact measured at the edge, with the device's own time in `at` and how far that time can be trusted."""

    clock: Annotated[Clock, quantity("", "Clock", "时钟来源")] = "device"


class TruckPosition(Reading, frozen=True, kw_only=True, tag="truck_position"):
    """Where a muck truck was (WGS-84), how fast, and what its terminal said of its load.

    Sources: NMEA 0183 (RMC, GGA, GNS, GLL); JT/T 808-2011/2013/2019 message 0x0200 (8.18 in the 2013 edition).
    """

    latitude: Annotated[float, quantity("deg", "Latitude", "纬度", ge=-90, le=90)]
    longitude: Annotated[float, quantity("deg", "Longitude", "经度", ge=-180, le=180)]
    speed_kmh: Annotated[float, quantity("km/h", "Speed", "速度", ge=0, le=400)] | None = None
    course_deg: Annotated[float, quantity("deg", "Course", "航向", ge=0, le=360)] | None = None
    altitude_m: Annotated[float, quantity("m", "Altitude", "海拔", ge=-1000, le=20000)] | None = None
    satellites: Annotated[int, quantity("", "Satellites", "卫星数", ge=0, le=255)] | None = None
    hdop: Annotated[float, quantity("", "HDOP", "水平精度因子", ge=0, le=100)] | None = None
    ignition: Annotated[bool, quantity("", "Ignition", "点火")] | None = None
    load: Annotated[Literal["empty", "half", "full"], quantity("", "Load", "载荷")] | None = None
    mileage_km: Annotated[float, quantity("km", "Mileage", "里程", ge=0)] | None = None
    backfill: Annotated[
        bool,
        quantity("", "Backfill", "补传", about="Sent late, from the terminal's memory after a dead zone."),
    ] = False
    jt808_alarm: Annotated[int, quantity("", "Alarm word", "报警标志", ge=0, le=0xFFFFFFFF)] | None = None
    jt808_status: Annotated[int, quantity("", "Status word", "状态标志", ge=0, le=0xFFFFFFFF)] | None = None


class BloodPressure(Reading, frozen=True, kw_only=True, tag="blood_pressure"):
    """One completed blood-pressure measurement; `patient` is an opaque id or absent, never a name or number."""

    systolic_mmhg: Annotated[int, quantity("mmHg", "Systolic", "收缩压", ge=60, le=260)]
    diastolic_mmhg: Annotated[int, quantity("mmHg", "Diastolic", "舒张压", ge=30, le=215)]
    mean_mmhg: Annotated[int, quantity("mmHg", "Mean pressure", "平均压", ge=30, le=260)] | None = None
    pulse_bpm: Annotated[int, quantity("/min", "Pulse", "脉率", ge=30, le=250)] | None = None
    irregular: Annotated[bool, quantity("", "Irregular beat", "心律不齐")] | None = None
    moved: Annotated[bool, quantity("", "Moved", "体动")] | None = None
    patient: (
        Annotated[
            str,
            quantity(
                "",
                "Patient",
                "患者代码",
                pattern=r"^p-[a-z2-7]{8,32}" + END,
                about="An opaque token; see privacy.",
            ),
        ]
        | None
    ) = None


CameraState = Literal["online", "offline", "stalled", "frozen", "dark", "blurred"]


class CameraHealth(Reading, frozen=True, kw_only=True, tag="camera_health"):
    """What a camera's picture is worth, said at every change of state and once a minute."""

    state: Annotated[CameraState, quantity("", "State", "状态")]
    luminance: Annotated[float, quantity("", "Luminance", "亮度", ge=0, le=255)] | None = None
    contrast: Annotated[float, quantity("", "Contrast", "对比度", ge=0, le=255)] | None = None
    sharpness: Annotated[float, quantity("", "Sharpness", "清晰度", ge=0)] | None = None
    noise: Annotated[float, quantity("", "Temporal noise", "时域噪声", ge=0)] | None = None
    frames_per_s: Annotated[float, quantity("/s", "Frames per second", "帧率", ge=0)] | None = None
    frames_dropped: Annotated[int, quantity("", "Frames dropped", "丢弃帧", ge=0)] | None = None
    decoder_restarts: Annotated[int, quantity("", "Decoder restarts", "解码器重启", ge=0)] | None = None
    reason: Annotated[str, quantity("", "Reason", "原因", max_length=200)] | None = None


class DeviceLink(Reading, frozen=True, kw_only=True, tag="device_link"):
    """The gateway lost a device, or has it back: said once each way, with what was damaged in between."""

    connected: Annotated[bool, quantity("", "Connected", "已连接")]
    reason: Annotated[str, quantity("", "Reason", "原因", max_length=200)] | None = None
    damaged: Annotated[
        int,
        quantity(
            "",
            "Damaged frames",
            "损坏帧",
            ge=0,
            about="Frames that failed their check since the agent started.",
        ),
    ] = 0


class GatewayHealth(Reading, frozen=True, kw_only=True, tag="gateway_health"):
    """A gateway's own condition, every half minute; `device` is the gateway's id."""

    spool_readings: Annotated[int, quantity("", "Spooled readings", "待发读数", ge=0)]
    spool_bytes: Annotated[int, quantity("By", "Spool size", "缓存大小", ge=0)]
    spool_oldest_s: Annotated[float, quantity("s", "Oldest unsent", "最旧待发", ge=0)]
    spool_dropped: Annotated[int, quantity("", "Dropped by the byte cap", "超限丢弃", ge=0)]
    appended: Annotated[int, quantity("", "Readings spooled", "累计入缓存", ge=0)]
    receipted: Annotated[int, quantity("", "Readings receipted", "累计已回执", ge=0)]
    resent: Annotated[int, quantity("", "Messages sent again", "重发消息", ge=0)]
    damaged: Annotated[int, quantity("", "Damaged frames", "损坏帧", ge=0)] = 0
    disk_free_mb: Annotated[float, quantity("MBy", "Disk free", "磁盘余量", ge=0)] | None = None
    memory_mb: Annotated[float, quantity("MBy", "Memory", "内存", ge=0)] | None = None
    cpu_temperature_c: Annotated[float, quantity("Cel", "CPU temperature", "CPU温度", ge=-40, le=150)] | None = None
    clock_synchronised: Annotated[bool, quantity("", "Clock synchronised", "时钟已同步")] | None = None
    uptime_s: Annotated[float, quantity("s", "Agent uptime", "运行时长", ge=0)] | None = None


#: What a gateway may put on the wire.
WireReading = TruckPosition | BloodPressure | CameraHealth | DeviceLink | GatewayHealth

Severity = Literal["info", "warning", "high", "critical"]


class Alert(Stored, frozen=True, kw_only=True, tag="alert"):
    """A rule's finding. `alert` is made from the rule and its evidence, so that a replay raises nothing twice.

    `at` is when it began (event time); a cleared alert is the same point, overwritten with state and end.
    """

    tags: ClassVar[tuple[str, ...]] = ("device", "rule")

    rule: Annotated[Id, quantity("", "Rule", "规则")]
    alert: Annotated[Id, quantity("", "Alert", "告警编号")]
    severity: Annotated[Severity, quantity("", "Severity", "级别")]
    state: Annotated[Literal["raised", "cleared"], quantity("", "State", "状态")]
    value: Annotated[float, quantity("", "Value", "数值")] | None = None
    limit: Annotated[float, quantity("", "Limit", "限值")] | None = None
    ended_at_ms: Annotated[int, quantity("ms", "Ended (epoch)", "结束时间", ge=0)] | None = None
    message_en: Annotated[str, quantity("", "What happened", "说明（英文）", max_length=300)] = ""
    message_zh: Annotated[str, quantity("", "What happened (zh)", "说明", max_length=300)] = ""
    evidence: Annotated[
        str, quantity("", "Evidence", "证据", max_length=2000, about="JSON: the readings it rests on.")
    ] = "{}"
    latitude: Annotated[float, quantity("deg", "Latitude", "纬度", ge=-90, le=90)] | None = None
    longitude: Annotated[float, quantity("deg", "Longitude", "经度", ge=-180, le=180)] | None = None


class DeviceStatus(Stored, frozen=True, kw_only=True, tag="device_status"):
    """What the county knows of a registered device right now: written by the ingest at every change and each minute."""

    device_kind: Annotated[Literal["truck", "kiosk", "camera", "gateway"], quantity("", "Kind", "类别")]
    state: Annotated[
        Literal["online", "silent", "offline", "trouble", "never"],
        quantity(
            "",
            "State",
            "状态",
            about="silent: due but nothing heard; offline: said so itself; never: not yet seen.",
        ),
    ]
    last_seen_ms: Annotated[int, quantity("ms", "Last seen (epoch)", "最后上报", ge=0)] | None = None
    name_en: Annotated[str, quantity("", "Name", "名称（英文）", max_length=120)] = ""
    name_zh: Annotated[str, quantity("", "Name (zh)", "名称", max_length=120)] = ""
    latitude: Annotated[float, quantity("deg", "Latitude", "纬度", ge=-90, le=90)] | None = None
    longitude: Annotated[float, quantity("deg", "Longitude", "经度", ge=-180, le=180)] | None = None
    reason: Annotated[str, quantity("", "Reason", "原因", max_length=200)] | None = None


class PipelineHealth(Stored, frozen=True, kw_only=True, tag="pipeline_health"):
    """The ingest on itself, every ten seconds; `device` is the ingest's client id. Counters run since its start."""

    received_messages: Annotated[int, quantity("", "Messages received", "收到消息", ge=0)]
    received_readings: Annotated[int, quantity("", "Readings received", "收到读数", ge=0)]
    stored: Annotated[int, quantity("", "Points stored", "已入库", ge=0)]
    quarantined: Annotated[int, quantity("", "Quarantined", "已隔离", ge=0)]
    duplicates: Annotated[int, quantity("", "Duplicate messages", "重复消息", ge=0)]
    gaps: Annotated[
        int,
        quantity(
            "",
            "Missing messages",
            "缺失消息",
            ge=0,
            about="Sequence numbers not seen yet, over all gateways.",
        ),
    ]
    in_flight: Annotated[int, quantity("", "Messages in flight", "处理中消息", ge=0)]
    alerts: Annotated[int, quantity("", "Alerts raised", "告警数", ge=0)]
    store_up: Annotated[bool, quantity("", "Store reachable", "存储可用")]
    readings_per_s: Annotated[float, quantity("/s", "Readings per second", "读数速率", ge=0)] | None = None
    lag_p50_ms: Annotated[float, quantity("ms", "Lag p50", "延迟中位数")] | None = None
    lag_p99_ms: Annotated[float, quantity("ms", "Lag p99", "延迟99分位")] | None = None
    memory_mb: Annotated[float, quantity("MBy", "Memory", "内存", ge=0)] | None = None


#: Every kind in the store, by its name there.
KINDS: dict[str, type[Stored]] = {
    "truck_position": TruckPosition,
    "blood_pressure": BloodPressure,
    "camera_health": CameraHealth,
    "device_link": DeviceLink,
    "gateway_health": GatewayHealth,
    "alert": Alert,
    "device_status": DeviceStatus,
    "pipeline_health": PipelineHealth,
}


def kind_of(fact: Stored | type[Stored]) -> str:
    """The name under which a fact is stored and sent: its struct's tag."""
    return str(fact.__struct_config__.tag)
