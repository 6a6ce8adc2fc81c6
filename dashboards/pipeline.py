"""The ingest on itself: rate, errors, duration; is what is sent stored, and how late."""

from __future__ import annotations

from cloud_ingest.stores.query import Latest, Total, Trend
from dashboards.panels import Cell, Dashboard, Frame, Line, Place, Scale, Stat, Step, TableView, TimeSeries
from dashboards.states import REACHABLE, Words
from devices.contract.readings import PipelineHealth

_LAG = Scale("ms", 0, (Step(None, "good"), Step(2000, "warning"), Step(30_000, "critical")))
_ANY = Scale(steps=(Step(None, "good"), Step(1, "warning")))

PIPELINE = Dashboard(
    uid="county-pipeline",
    title=Words("Pipeline", "数据管道"),
    about=Words("Is what the gateways send stored, how fast and how late.", "网关上报的数据是否入库、速率与延迟。"),
    span="1h",
    panels=(
        Stat(
            Frame(
                1,
                Words("Store", "存储"),
                Words("Whether the ingest reaches the store.", "采集服务能否写入存储。"),
                Place(0, 0, 5, 4),
                look_back="1h",
            ),
            Latest(PipelineHealth, ("store_up",)),
            "store_up",
            states=REACHABLE,
        ),
        Stat(
            Frame(
                2,
                Words("Readings per second", "每秒读数"),
                Words("Over all ingest processes.", "全部采集进程合计。"),
                Place(5, 0, 5, 4),
                look_back="1h",
            ),
            Latest(PipelineHealth, ("readings_per_s",)),
            "readings_per_s",
            Scale("/s", 1),
            reduce="sum",
        ),
        Stat(
            Frame(
                3,
                Words("Lag, 99th percentile", "延迟（99分位）"),
                Words(
                    "From a reading's time at the device to its place in the store: the worst in the range.",
                    "从设备时间到入库的延迟：所选时间内最差值。",
                ),
                Place(10, 0, 5, 4),
            ),
            Total(PipelineHealth, "lag_p99_ms", "max"),
            "lag_p99_ms",
            _LAG,
        ),
        Stat(
            Frame(
                4,
                Words("Quarantined", "已隔离"),
                Words(
                    "Messages and readings that broke the contract since the ingest started.",
                    "采集服务启动以来违反契约的消息与读数。",
                ),
                Place(15, 0, 5, 4),
                look_back="1h",
            ),
            Latest(PipelineHealth, ("quarantined",)),
            "quarantined",
            _ANY,
            reduce="sum",
        ),
        Stat(
            Frame(
                5,
                Words("Missing messages", "缺失消息"),
                Words("Sequence numbers not seen yet, over all gateways.", "尚未收到的序号，全部网关合计。"),
                Place(20, 0, 4, 4),
                look_back="1h",
            ),
            Latest(PipelineHealth, ("gaps",)),
            "gaps",
            _ANY,
            reduce="sum",
        ),
        TimeSeries(
            Frame(
                6,
                Words("Readings per second over time", "读数速率变化"),
                Words("Each ingest process by itself.", "各采集进程分别显示。"),
                Place(0, 4, 12, 7),
            ),
            (Line(Trend(PipelineHealth, "readings_per_s", "mean"), Words("Readings", "读数")),),
            Scale("/s", 1),
        ),
        TimeSeries(
            Frame(
                7,
                Words("Lag from device to store", "从设备到入库的延迟"),
                Words(
                    "Half of the readings are faster than p50, 99 of 100 faster than p99.",
                    "半数读数快于p50，99%快于p99。",
                ),
                Place(12, 4, 12, 7),
            ),
            (
                Line(Trend(PipelineHealth, "lag_p50_ms", "max", by=()), Words("p50", "p50")),
                Line(Trend(PipelineHealth, "lag_p99_ms", "max", by=()), Words("p99", "p99")),
            ),
            _LAG,
        ),
        TimeSeries(
            Frame(
                8,
                Words("Messages in flight", "处理中消息"),
                Words("Received and not yet stored; bounded.", "已接收尚未入库；有上限。"),
                Place(0, 11, 8, 7),
            ),
            (Line(Trend(PipelineHealth, "in_flight", "max"), Words("In flight", "处理中")),),
        ),
        TimeSeries(
            Frame(
                9,
                Words("Quarantined, duplicates, missing", "隔离、重复、缺失"),
                Words("Counters since the start of the ingest.", "自采集服务启动以来的计数。"),
                Place(8, 11, 8, 7),
            ),
            (
                Line(Trend(PipelineHealth, "quarantined", "max", by=()), Words("Quarantined", "隔离")),
                Line(Trend(PipelineHealth, "duplicates", "max", by=()), Words("Duplicates", "重复")),
                Line(Trend(PipelineHealth, "gaps", "max", by=()), Words("Missing", "缺失")),
            ),
        ),
        TimeSeries(
            Frame(
                10,
                Words("Memory of the ingest", "采集进程内存"),
                Words("Bounded even while the store is down.", "存储不可用期间也有上限。"),
                Place(16, 11, 8, 7),
            ),
            (Line(Trend(PipelineHealth, "memory_mb", "max"), Words("Memory", "内存")),),
            Scale("MBy", 0),
        ),
        TableView(
            Frame(
                11,
                Words("Ingest processes", "采集进程"),
                Words("The newest report of each; counters run since its start.", "各进程最新自检；计数自启动起累计。"),
                Place(0, 18, 24, 7),
                look_back="24h",
            ),
            Latest(
                PipelineHealth,
                (
                    "store_up",
                    "received_messages",
                    "received_readings",
                    "stored",
                    "quarantined",
                    "duplicates",
                    "gaps",
                    "in_flight",
                    "alerts",
                    "lag_p50_ms",
                    "lag_p99_ms",
                    "memory_mb",
                ),
            ),
            (
                Cell("device", width=140),
                Cell("time", "time", width=158),
                Cell("store_up", "state", REACHABLE, width=150),
                Cell("received_messages", "number"),
                Cell("received_readings", "number"),
                Cell("stored", "number"),
                Cell("quarantined", "number", scale=_ANY),
                Cell("duplicates", "number"),
                Cell("gaps", "number", scale=_ANY),
                Cell("in_flight", "number"),
                Cell("alerts", "number"),
                Cell("lag_p50_ms", "number"),
                Cell("lag_p99_ms", "number", scale=_LAG),
                Cell("memory_mb", "number"),
            ),
            sort=("device",),
        ),
    ),
)
