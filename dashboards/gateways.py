"""Gateways: what they still hold, how their machines are, and which devices they have lost."""

from __future__ import annotations

from cloud_ingest.stores.query import CountLatest, Latest, Total, Trend, Where
from dashboards.device_states import IN_VILLAGE, THIS_DEVICE, device_choice, of_kind, status_table, village_choice
from dashboards.panels import BarGauge, Cell, Dashboard, Frame, Line, Place, Scale, Stat, Step, TableView, TimeSeries
from dashboards.states import CONNECTED, SYNCHRONISED, Words
from devices.contract.readings import DeviceLink, DeviceStatus, GatewayHealth

_CHOSEN = (IN_VILLAGE, THIS_DEVICE)
_OLDEST = Scale("s", 0, (Step(None, "good"), Step(60, "warning"), Step(600, "critical")))
_TEMPERATURE = Scale("Cel", 0, (Step(None, "good"), Step(70, "warning"), Step(80, "critical")), highest=90)
_DISK = Scale("MBy", 0, (Step(None, "critical"), Step(500, "warning"), Step(2000, "good")))

GATEWAYS = Dashboard(
    uid="county-gateways",
    title=Words("Gateways", "网关"),
    about=Words(
        "What gateways still hold, how their machines are, which devices they lost.",
        "网关积压、主机状况及其丢失的设备。",
    ),
    span="6h",
    choices=(village_choice(), device_choice("gateway")),
    panels=(
        Stat(
            Frame(
                1,
                Words("Gateways online", "在线网关"),
                Words("Gateways heard from within their due time.", "在应报时间内有上报的网关。"),
                Place(0, 0, 6, 4),
                look_back="1h",
            ),
            CountLatest(
                DeviceStatus, "state", (of_kind("gateway"), Where("state", "=", "online"), IN_VILLAGE, THIS_DEVICE)
            ),
            "count",
            Scale(steps=(Step(None, "neutral"), Step(1, "good"))),
        ),
        Stat(
            Frame(
                2,
                Words("Oldest unsent reading", "最旧待发读数"),
                Words("The longest wait in any spool, in the range.", "所选时间内各网关缓存中最长的等待。"),
                Place(6, 0, 6, 4),
            ),
            Total(GatewayHealth, "spool_oldest_s", "max", _CHOSEN),
            "spool_oldest_s",
            _OLDEST,
        ),
        Stat(
            Frame(
                3,
                Words("Clocks not synchronised", "时钟未同步"),
                Words("Gateways whose clock cannot be believed now.", "当前时钟不可信的网关。"),
                Place(12, 0, 6, 4),
                look_back="1h",
            ),
            CountLatest(GatewayHealth, "clock_synchronised", (Where("clock_synchronised", "=", False), *_CHOSEN)),
            "count",
            Scale(steps=(Step(None, "good"), Step(1, "critical"))),
        ),
        Stat(
            Frame(
                4,
                Words("Devices lost by their gateway", "与网关断开的设备"),
                Words("Devices whose cable, port or stream is gone.", "线缆、端口或码流中断的设备。"),
                Place(18, 0, 6, 4),
                look_back="7d",
            ),
            CountLatest(DeviceLink, "connected", (Where("connected", "=", False), IN_VILLAGE)),
            "count",
            Scale(steps=(Step(None, "good"), Step(1, "warning"))),
        ),
        BarGauge(
            Frame(
                5,
                Words("Readings waiting in the spool", "缓存待发读数"),
                Words("Measured but not yet receipted by the county.", "已采集但县平台尚未回执的读数。"),
                Place(0, 4, 8, 7),
                look_back="1h",
            ),
            Latest(GatewayHealth, ("spool_readings",), _CHOSEN),
            "spool_readings",
            Scale("", 0, (Step(None, "good"), Step(1000, "warning"), Step(100_000, "critical"))),
        ),
        BarGauge(
            Frame(
                6,
                Words("CPU temperature", "CPU温度"),
                Words("A Raspberry Pi slows down from 80 degrees on.", "树莓派达到80度后降频。"),
                Place(8, 4, 8, 7),
                look_back="1h",
            ),
            Latest(GatewayHealth, ("cpu_temperature_c",), _CHOSEN),
            "cpu_temperature_c",
            _TEMPERATURE,
        ),
        TimeSeries(
            Frame(
                7,
                Words("Spooled readings over time", "缓存积压变化"),
                Words("A slope upwards is an uplink that is down.", "持续上升说明上行链路中断。"),
                Place(16, 4, 8, 7),
            ),
            (Line(Trend(GatewayHealth, "spool_readings", "max", where=_CHOSEN), Words("Waiting", "待发")),),
        ),
        TableView(
            Frame(
                8,
                Words("Machines", "主机状况"),
                Words("The newest report of each gateway, the fullest spool first.", "各网关最新自检，积压多者在前。"),
                Place(0, 11, 14, 7),
                look_back="1h",
            ),
            Latest(
                GatewayHealth,
                (
                    "spool_readings",
                    "spool_oldest_s",
                    "spool_dropped",
                    "resent",
                    "damaged",
                    "disk_free_mb",
                    "memory_mb",
                    "cpu_temperature_c",
                    "clock_synchronised",
                ),
                _CHOSEN,
            ),
            (
                Cell("device", width=116),
                Cell("time", "time", width=150),
                Cell("spool_readings", "number", width=84),
                Cell("spool_oldest_s", "number", scale=_OLDEST, width=84),
                Cell(
                    "spool_dropped",
                    "number",
                    scale=Scale(steps=(Step(None, "good"), Step(1, "critical"))),
                    width=80,
                    title=Words("Dropped", "超限丢弃"),
                ),
                Cell("resent", "number", width=70, title=Words("Resent", "重发")),
                Cell("damaged", "number", width=76, title=Words("Damaged", "损坏帧")),
                Cell("disk_free_mb", "number", scale=_DISK, width=92),
                Cell("memory_mb", "number", width=78),
                Cell("cpu_temperature_c", "number", scale=_TEMPERATURE, width=80, title=Words("CPU", "CPU温度")),
                Cell("clock_synchronised", "state", SYNCHRONISED, width=178, title=Words("Clock", "时钟")),
            ),
            sort=("-spool_readings",),
        ),
        TableView(
            Frame(
                9,
                Words("Device links", "设备连接"),
                Words(
                    "The last word on each device's cable, port or stream; lost ones first.",
                    "各设备连接最近状态，断开在前。",
                ),
                Place(14, 11, 10, 7),
                look_back="7d",
            ),
            Latest(DeviceLink, ("connected", "reason", "damaged", "gateway"), (IN_VILLAGE,)),
            (
                Cell("connected", "state", CONNECTED, width=184),
                Cell("device", width=120),
                Cell("gateway", width=110),
                Cell("time", "time", width=158),
                Cell("damaged", "number", width=90, title=Words("Damaged", "损坏帧")),
                Cell("reason"),
            ),
            sort=("connected", "device"),
        ),
        TimeSeries(
            Frame(
                10,
                Words("Memory of the agent", "代理内存"),
                Words("Of the gateway's agent alone.", "仅网关代理进程。"),
                Place(0, 18, 8, 7),
            ),
            (Line(Trend(GatewayHealth, "memory_mb", "max", where=_CHOSEN), Words("Memory", "内存")),),
            Scale("MBy", 0),
        ),
        status_table(11, Place(8, 18, 16, 7), "gateway", *_CHOSEN),
    ),
)
