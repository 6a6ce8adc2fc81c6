"""The county on one screen: is everything there, what needs a person now, and where."""

from __future__ import annotations

from cloud_ingest.stores.query import Latest, Trend
from dashboards.alerts import IN_VILLAGE, open_count, open_table, recent_table
from dashboards.device_states import state_counts, status_layer, village_choice
from dashboards.panels import Dashboard, Frame, Line, MapView, Place, Scale, Stat, TimeSeries
from dashboards.states import Words
from devices.contract.readings import PipelineHealth

OVERVIEW = Dashboard(
    uid="county-overview",
    title=Words("County overview", "全县总览"),
    about=Words(
        "Is every device there, what needs a person now, and where is it.",
        "设备是否都在线、哪里需要立即处置、位置在哪。",
    ),
    span="1h",
    choices=(village_choice(),),
    panels=(
        *state_counts(1, (0, 0), (3, 4), IN_VILLAGE),
        open_count(6, Place(15, 0, 4, 4), "county-overview", IN_VILLAGE),
        Stat(
            Frame(
                7,
                Words("Readings per second", "每秒读数"),
                Words("What arrives from all gateways now.", "当前所有网关上报的读数速率。"),
                Place(19, 0, 5, 4),
                look_back="1h",
                link="county-pipeline",
            ),
            Latest(PipelineHealth, ("readings_per_s",)),
            "readings_per_s",
            Scale("/s", 1),
            reduce="sum",
        ),
        MapView(
            Frame(
                8,
                Words("The county now", "全县态势"),
                Words(
                    "Every device with a place, shaped by its kind and coloured by its state.",
                    "所有有位置的设备：形状表示类别，颜色与文字表示状态。",
                ),
                Place(0, 4, 12, 14),
                look_back="1h",
            ),
            (
                status_layer("truck", "triangle", IN_VILLAGE),
                status_layer("kiosk", "square", IN_VILLAGE),
                status_layer("camera", "circle", IN_VILLAGE),
                status_layer("gateway", "diamond", IN_VILLAGE),
            ),
        ),
        open_table(9, Place(12, 4, 12, 14), "", IN_VILLAGE),
        TimeSeries(
            Frame(
                10,
                Words("Readings per second over time", "读数速率变化"),
                Words("A fall to nothing means that the whole county is deaf.", "速率归零意味着全县数据中断。"),
                Place(0, 18, 12, 7),
                link="county-pipeline",
            ),
            (Line(Trend(PipelineHealth, "readings_per_s", "mean"), Words("Readings", "读数")),),
            Scale("/s", 1),
        ),
        recent_table(11, Place(12, 18, 12, 7), IN_VILLAGE),
    ),
)
