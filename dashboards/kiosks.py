"""Health kiosks: are they used, are they there, how many need care. Never one person: counts and county-wide means.

No panel names a patient, lists measurements or draws a mean of fewer than five; counts below five are shown as "< 5"
(facts on privacy: county roles see aggregates only).
"""

from __future__ import annotations

from cloud_ingest.stores.query import CountLatest, Total, Trend, Where
from dashboards.device_states import IN_VILLAGE, of_kind, status_layer, status_table, status_timeline, village_choice
from dashboards.panels import Dashboard, Frame, Line, MapView, Place, Scale, Stat, Step, TimeSeries
from dashboards.states import Words
from devices.contract.readings import BloodPressure, DeviceStatus

_SMALL = 5
_HOUR_S = 3600

KIOSKS = Dashboard(
    uid="county-kiosks",
    title=Words("Health kiosks", "健康小屋"),
    about=Words(
        "Whether village clinics' kiosks are there and used; aggregates only.",
        "村卫生室健康小屋是否在线、是否使用；仅显示汇总数据。",
    ),
    span="24h",
    choices=(village_choice(),),
    panels=(
        Stat(
            Frame(
                1,
                Words("Kiosks online", "在线小屋"),
                Words("Kiosks heard from within their due time.", "在应报时间内有上报的健康小屋。"),
                Place(0, 0, 6, 4),
                look_back="1h",
            ),
            CountLatest(DeviceStatus, "state", (of_kind("kiosk"), Where("state", "=", "online"), IN_VILLAGE)),
            "count",
            Scale(steps=(Step(None, "neutral"), Step(1, "good"))),
        ),
        Stat(
            Frame(
                2,
                Words("Measurements", "测量次数"),
                Words("Blood-pressure measurements in the range.", "所选时间内的血压测量次数。"),
                Place(6, 0, 6, 4),
            ),
            Total(BloodPressure, "systolic_mmhg", "count", (IN_VILLAGE,)),
            "systolic_mmhg",
            Scale(small_cell=_SMALL),
        ),
        Stat(
            Frame(
                3,
                Words("Systolic 180 or more", "收缩压≥180"),
                Words(
                    "Measurements of 180 mmHg systolic or more in the range; fewer than five are not counted out.",
                    "所选时间内收缩压不低于180 mmHg的测量次数；少于5次不显示具体数。",
                ),
                Place(12, 0, 6, 4),
            ),
            Total(BloodPressure, "systolic_mmhg", "count", (Where("systolic_mmhg", ">=", 180), IN_VILLAGE)),
            "systolic_mmhg",
            Scale(steps=(Step(None, "good"), Step(1, "warning"), Step(20, "critical")), small_cell=_SMALL),
        ),
        Stat(
            Frame(
                4,
                Words("Diastolic 110 or more", "舒张压≥110"),
                Words(
                    "Measurements of 110 mmHg diastolic or more in the range; fewer than five are not counted out.",
                    "所选时间内舒张压不低于110 mmHg的测量次数；少于5次不显示具体数。",
                ),
                Place(18, 0, 6, 4),
            ),
            Total(BloodPressure, "diastolic_mmhg", "count", (Where("diastolic_mmhg", ">=", 110), IN_VILLAGE)),
            "diastolic_mmhg",
            Scale(steps=(Step(None, "good"), Step(1, "warning"), Step(20, "critical")), small_cell=_SMALL),
        ),
        TimeSeries(
            Frame(
                5,
                Words("Measurements in six hours, by kiosk", "各小屋每6小时测量次数"),
                Words(
                    "How much each kiosk is used; fewer than five in six hours are not drawn.",
                    "各健康小屋的使用情况；6小时内不足5次的不显示。",
                ),
                Place(0, 4, 12, 7),
            ),
            (Line(Trend(BloodPressure, "systolic_mmhg", "count", where=(IN_VILLAGE,)), Words("Measured", "测量")),),
            Scale(),
            style="bars",
            least_bucket_s=6 * _HOUR_S,
            least_group=_SMALL,
        ),
        TimeSeries(
            Frame(
                6,
                Words("Mean blood pressure of the county, by hour", "全县平均血压（按小时）"),
                Words(
                    "Mean over all kiosks; an hour with fewer than five measurements is not drawn.",
                    "全部健康小屋平均值；不足5次测量的时段不显示。",
                ),
                Place(12, 4, 12, 7),
            ),
            (
                Line(Trend(BloodPressure, "systolic_mmhg", "mean", by=()), Words("Systolic", "收缩压")),
                Line(Trend(BloodPressure, "diastolic_mmhg", "mean", by=()), Words("Diastolic", "舒张压")),
            ),
            Scale("mmHg", lowest=40),
            least_bucket_s=_HOUR_S,
            least_group=_SMALL,
        ),
        MapView(
            Frame(
                7,
                Words("Kiosks in the county", "健康小屋分布"),
                Words("Each kiosk at its clinic, coloured by its state.", "各健康小屋所在卫生室及其状态。"),
                Place(0, 11, 12, 14),
                look_back="1h",
            ),
            (status_layer("kiosk", "square", IN_VILLAGE),),
        ),
        status_timeline(8, Place(12, 11, 12, 7), "kiosk", IN_VILLAGE),
        status_table(9, Place(12, 18, 12, 7), "kiosk", IN_VILLAGE),
    ),
)
