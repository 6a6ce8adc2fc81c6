"""Muck trucks: where they are, how fast, with what load, and whether their terminals can be believed."""

from __future__ import annotations

from cloud_ingest.stores.query import CountLatest, Latest, Total, Trend, Where
from dashboards.device_states import (
    IN_VILLAGE,
    THIS_DEVICE,
    device_choice,
    of_kind,
    status_table,
    status_timeline,
    village_choice,
)
from dashboards.panels import (
    Cell,
    Dashboard,
    Frame,
    Layer,
    Line,
    MapView,
    Place,
    Scale,
    Stat,
    Step,
    TableView,
    TimeSeries,
)
from dashboards.states import CLOCKS, LOADS, YES_NO, State, Words
from devices.contract.readings import DeviceStatus, TruckPosition

_TRUCK = of_kind("truck")
_SPEED = Scale("km/h", 0, (Step(None, "good"), Step(60, "warning"), Step(80, "critical")))
_STALE_AFTER_S = 300

TRUCKS = Dashboard(
    uid="county-trucks",
    title=Words("Muck trucks", "渣土车"),
    about=Words("Where every truck is, how fast it goes and what it carries.", "每辆渣土车的位置、速度与载荷。"),
    span="1h",
    choices=(village_choice(), device_choice("truck")),
    panels=(
        Stat(
            Frame(
                1,
                Words("Trucks online", "在线车辆"),
                Words("Trucks heard from within their due time.", "在应报时间内有上报的车辆。"),
                Place(0, 0, 6, 4),
                look_back="1h",
            ),
            CountLatest(DeviceStatus, "state", (_TRUCK, Where("state", "=", "online"), IN_VILLAGE, THIS_DEVICE)),
            "count",
            Scale(steps=(Step(None, "neutral"), Step(1, "good"))),
        ),
        Stat(
            Frame(
                2,
                Words("Trucks not heard", "失联离线车辆"),
                Words("Registered trucks in any state but online.", "除在线以外各状态的已登记车辆。"),
                Place(6, 0, 6, 4),
                look_back="1h",
            ),
            CountLatest(DeviceStatus, "state", (_TRUCK, Where("state", "!=", "online"), IN_VILLAGE, THIS_DEVICE)),
            "count",
            Scale(steps=(Step(None, "good"), Step(1, "warning"))),
        ),
        Stat(
            Frame(
                3,
                Words("Highest speed", "最高车速"),
                Words("The fastest position in the range, over all trucks.", "所选时间内全部车辆的最高速度。"),
                Place(12, 0, 6, 4),
            ),
            Total(TruckPosition, "speed_kmh", "max", (IN_VILLAGE, THIS_DEVICE)),
            "speed_kmh",
            _SPEED,
        ),
        Stat(
            Frame(
                4,
                Words("Positions received", "收到定位"),
                Words("Positions stored in the range, those sent late included.", "所选时间内入库的定位数，含补传。"),
                Place(18, 0, 6, 4),
            ),
            Total(TruckPosition, "latitude", "count", (IN_VILLAGE, THIS_DEVICE)),
            "latitude",
        ),
        MapView(
            Frame(
                5,
                Words("Trucks now", "车辆位置"),
                Words(
                    "The newest position of each truck; hollow when it is older than five minutes.",
                    "每辆车最新位置；超过5分钟未更新的以空心显示。",
                ),
                Place(0, 4, 11, 13),
            ),
            (
                Layer(
                    Words("Truck", "渣土车"),
                    Latest(
                        TruckPosition,
                        ("latitude", "longitude", "speed_kmh", "load", "village"),
                        (IN_VILLAGE, THIS_DEVICE),
                    ),
                    "triangle",
                    "load",
                    LOADS,
                    State("neutral", "?", Words("Load unknown", "载荷未知")),
                    _STALE_AFTER_S,
                    ("speed_kmh", "village"),
                ),
            ),
        ),
        TimeSeries(
            Frame(
                6,
                Words("Speed: highest in each interval", "车速：各时段最高值"),
                Words("Highest speed of each truck in each interval.", "各车辆在每个时段内的最高速度。"),
                Place(11, 4, 13, 7),
            ),
            (Line(Trend(TruckPosition, "speed_kmh", "max", where=(IN_VILLAGE, THIS_DEVICE)), Words("Speed", "速度")),),
            _SPEED,
        ),
        TableView(
            Frame(
                7,
                Words("Newest position of each truck", "各车辆最新定位"),
                Words(
                    "What the terminal said last; a clock that is not synchronised makes the time worthless.",
                    "终端最近一次上报；时钟未同步时其时间不可信。",
                ),
                Place(11, 11, 13, 6),
            ),
            Latest(
                TruckPosition,
                ("speed_kmh", "load", "ignition", "satellites", "clock", "backfill", "village"),
                (IN_VILLAGE, THIS_DEVICE),
            ),
            (
                Cell("device", width=110),
                Cell("time", "time", width=158),
                Cell("speed_kmh", "number", scale=_SPEED, width=104),
                Cell("load", "state", LOADS, width=132),
                Cell("ignition", "state", YES_NO, width=98),
                Cell("satellites", "number", width=76),
                Cell("clock", "state", CLOCKS, width=124),
                Cell("backfill", "state", YES_NO, width=98),
                Cell("village"),
            ),
            sort=("-time",),
        ),
        status_timeline(8, Place(0, 17, 12, 8), "truck", IN_VILLAGE, THIS_DEVICE),
        status_table(9, Place(12, 17, 12, 8), "truck", IN_VILLAGE, THIS_DEVICE),
    ),
)
