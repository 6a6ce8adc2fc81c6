"""Settlement cameras: is each one there, and is its picture worth looking at."""

from __future__ import annotations

from cloud_ingest.stores.query import CountLatest, Latest, States, Trend, Where
from dashboards.device_states import IN_VILLAGE, THIS_DEVICE, device_choice, status_layer, village_choice
from dashboards.panels import (
    Cell,
    Dashboard,
    Frame,
    Line,
    MapView,
    Place,
    Scale,
    Stat,
    StateTimeline,
    Step,
    TableView,
    TimeSeries,
)
from dashboards.states import CAMERA_STATES, Level, Words
from devices.contract.readings import CameraHealth

_CHOSEN = (IN_VILLAGE, THIS_DEVICE)
_FRAMES = Scale("/s", 1, (Step(None, "critical"), Step(1, "warning"), Step(5, "good")))
_COUNTED: tuple[tuple[str, Level, Words], ...] = (
    ("online", "good", Words("Picture there and usable.", "画面正常可用。")),
    ("offline", "critical", Words("The camera cannot be reached.", "无法连接摄像机。")),
    ("stalled", "critical", Words("Connected, but no picture comes.", "已连接但无画面。")),
    ("frozen", "warning", Words("The same picture again and again.", "画面静止不变。")),
    ("dark", "warning", Words("Too dark to see: covered, or the night lamp failed.", "画面过暗：被遮挡或补光失效。")),
    ("blurred", "notice", Words("Out of focus, dirty or fogged.", "失焦、脏污或起雾。")),
)

CAMERAS = Dashboard(
    uid="county-cameras",
    title=Words("Settlement cameras", "村居摄像机"),
    about=Words("Is each camera there, and can anything be seen in its picture.", "各摄像机是否在线、画面是否可用。"),
    span="6h",
    choices=(village_choice(), device_choice("camera")),
    panels=(
        *(
            Stat(
                Frame(1 + position, CAMERA_STATES[name].words, about, Place(position * 4, 0, 4, 4), look_back="1h"),
                CountLatest(CameraHealth, "state", (Where("state", "=", name), *_CHOSEN)),
                "count",
                Scale(steps=(Step(None, "absent" if name == "online" else "neutral"), Step(1, level))),
            )
            for position, (name, level, about) in enumerate(_COUNTED)
        ),
        StateTimeline(
            Frame(
                7,
                Words("Picture state over time", "画面状态变化"),
                Words("What each camera's picture was worth, and when.", "各摄像机画面质量随时间的变化。"),
                Place(0, 4, 14, 11),
            ),
            States(CameraHealth, "state", _CHOSEN),
            CAMERA_STATES,
        ),
        MapView(
            Frame(
                8,
                Words("Cameras in the county", "摄像机分布"),
                Words("Each camera at its place, coloured by its state.", "各摄像机位置及其状态。"),
                Place(14, 4, 10, 11),
                look_back="1h",
            ),
            (status_layer("camera", "circle", *_CHOSEN),),
        ),
        TableView(
            Frame(
                9,
                Words("Pictures now", "当前画面质量"),
                Words(
                    "The newest figures of each camera's picture, the worst first.", "各摄像机最新画面指标，异常在前。"
                ),
                Place(0, 15, 14, 10),
                look_back="1h",
            ),
            Latest(
                CameraHealth,
                (
                    "state",
                    "frames_per_s",
                    "luminance",
                    "contrast",
                    "sharpness",
                    "decoder_restarts",
                    "village",
                    "reason",
                ),
                _CHOSEN,
            ),
            (
                Cell("state", "state", CAMERA_STATES, width=172),
                Cell("device", width=100),
                Cell("time", "time", width=158),
                Cell("frames_per_s", "number", scale=_FRAMES, width=80),
                Cell("luminance", "number", width=80),
                Cell("contrast", "number", width=80),
                Cell("sharpness", "number", width=80),
                Cell("decoder_restarts", "number", width=100),
                Cell("village", width=100),
                Cell("reason"),
            ),
            sort=("state", "device"),
        ),
        TimeSeries(
            Frame(
                10,
                Words("Frames per second", "帧率"),
                Words("What arrives from each camera.", "各摄像机实际到达的帧率。"),
                Place(14, 15, 10, 5),
            ),
            (Line(Trend(CameraHealth, "frames_per_s", "mean", where=_CHOSEN), Words("Frames", "帧率")),),
            Scale("/s", 1),
        ),
        TimeSeries(
            Frame(
                11,
                Words("Luminance", "画面亮度"),
                Words(
                    "Mean grey level (0 to 255); a covered lens falls to nothing.",
                    "平均灰度（0–255）；镜头被遮挡时骤降。",
                ),
                Place(14, 20, 10, 5),
            ),
            (Line(Trend(CameraHealth, "luminance", "mean", where=_CHOSEN), Words("Luminance", "亮度")),),
            Scale("", 0, highest=255),
        ),
    ),
)
