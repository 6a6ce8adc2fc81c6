"""The panels on what the county knows of its devices: counts by state, a list, a timeline; for one kind or for all."""

from __future__ import annotations

from cloud_ingest.stores.query import CountLatest, Latest, States, Variable, Where
from dashboards.panels import Cell, Choice, Frame, Layer, Place, Scale, Shape, Stat, StateTimeline, Step, TableView
from dashboards.states import DEVICE_KINDS, DEVICE_STATES, Level, Words
from devices.contract.readings import DeviceStatus

IN_VILLAGE = Where("village", "=", Variable("village"))
THIS_DEVICE = Where("device", "=", Variable("device"))
#: The ingest writes every device's status each minute; one that is older says nothing of now.
STATUS_HOLDS_S = 180

_COUNTED: tuple[tuple[str, Level, Words], ...] = (
    (
        "online",
        "good",
        Words("Devices heard from within their due time.", "在应报时间内有上报的设备。"),
    ),
    (
        "silent",
        "warning",
        Words("Devices that are due but have not been heard.", "超过应报时间仍无上报的设备。"),
    ),
    (
        "offline",
        "critical",
        Words(
            "Devices that said themselves, or whose gateway said, that they are gone.", "自报或由网关报告离线的设备。"
        ),
    ),
    (
        "trouble",
        "critical",
        Words("Devices that report, but report a fault.", "有上报但报告故障的设备。"),
    ),
    (
        "never",
        "absent",
        Words("Registered devices that have not been heard once.", "已登记但从未上报的设备。"),
    ),
)


def of_kind(kind: str) -> Where:
    """Only devices of one kind."""
    return Where("device_kind", "=", kind)


def state_counts(first_id: int, at: tuple[int, int], size: tuple[int, int], *where: Where) -> tuple[Stat, ...]:
    """One large number per state, side by side from `at` (column, row), each `size` (columns, rows) large."""
    (left, top), (width, height) = at, size
    return tuple(
        Stat(
            Frame(
                first_id + position,
                DEVICE_STATES[name].words,
                about,
                Place(left + position * width, top, width, height),
                look_back="1h",
            ),
            CountLatest(DeviceStatus, "state", (Where("state", "=", name), *where)),
            "count",
            Scale(steps=(Step(None, "absent" if name == "online" else "neutral"), Step(1, level))),
        )
        for position, (name, level, about) in enumerate(_COUNTED)
    )


def status_table(id_: int, place: Place, kind: str, *where: Where) -> TableView:
    """Every device of a kind with its state, those in need of a person first."""
    return TableView(
        Frame(
            id_,
            Words("Devices", "设备列表"),
            Words(
                "What is known of each device now: trouble first, then offline, silent, never seen, online.",
                "各设备当前状态：故障、离线、失联、从未上线、在线依次排列。",
            ),
            place,
            look_back="1h",
        ),
        Latest(
            DeviceStatus,
            ("state", "name_zh", "name_en", "last_seen_ms", "village", "reason"),
            (of_kind(kind), *where),
        ),
        (
            Cell("state", "state", DEVICE_STATES, width=186),
            Cell("device", width=130),
            Cell("name_zh"),
            Cell("name_en"),
            Cell("last_seen_ms", "time", width=158, title=Words("Last seen", "最后上报")),
            Cell("village", width=110),
            Cell("reason"),
        ),
        sort=("state", "device"),
    )


def status_timeline(id_: int, place: Place, kind: str, *where: Where) -> StateTimeline:
    """When each device of a kind was there, and when not."""
    return StateTimeline(
        Frame(
            id_,
            Words("Availability", "在线情况"),
            Words(
                "Each device's state over time, as the county saw it.", "各设备状态随时间的变化（以县平台所见为准）。"
            ),
            place,
        ),
        States(DeviceStatus, "state", (of_kind(kind), *where)),
        DEVICE_STATES,
        STATUS_HOLDS_S,
    )


def status_layer(kind: str, shape: Shape, *where: Where) -> Layer:
    """A map layer of the devices of a kind, coloured by state."""
    return Layer(
        DEVICE_KINDS[kind].words,
        Latest(
            DeviceStatus,
            ("latitude", "longitude", "state", "name_zh", "name_en", "last_seen_ms", "village"),
            (of_kind(kind), *where),
        ),
        shape,
        "state",
        DEVICE_STATES,
        stale_after_s=STATUS_HOLDS_S,
        details=("name_zh", "name_en", "last_seen_ms", "village"),
    )


def village_choice() -> Choice:
    """Choose one village, or all."""
    return Choice("village", Words("Village", "村庄"), Latest(DeviceStatus, ("village",)), "village")


def device_choice(kind: str) -> Choice:
    """Choose one device of a kind, or all."""
    return Choice("device", Words("Device", "设备"), Latest(DeviceStatus, ("device_kind",), (of_kind(kind),)), "device")
