"""The alert panels that several dashboards show: the open ones, worst and oldest first, and what happened lately."""

from __future__ import annotations

from cloud_ingest.stores.query import CountLatest, Latest, Rows, Variable, Where
from dashboards.panels import Cell, Frame, LookBack, Place, Scale, Stat, Step, TableView
from dashboards.states import ALERT_STATES, SEVERITIES, Words
from devices.contract.readings import Alert

#: An alert stays in sight for a week, whatever range the viewer chose.
OPEN_FOR: LookBack = "7d"
OPEN = Where("state", "=", "raised")
IN_VILLAGE = Where("village", "=", Variable("village"))

NONE_OPEN = Words("No open alert", "无未解除告警")
_SINCE = Words("Since", "开始时间")


def open_count(id_: int, place: Place, link: str = "", *where: Where) -> Stat:
    """How many alerts are open."""
    return Stat(
        Frame(
            id_,
            Words("Open alerts", "未解除告警"),
            Words(
                "Alerts raised in the last 7 days that have not cleared, one per device and rule.",
                "近7天内触发且尚未解除的告警，每台设备每条规则计一条。",
            ),
            place,
            look_back=OPEN_FOR,
            link=link,
        ),
        CountLatest(Alert, "state", (OPEN, *where)),
        "count",
        Scale(steps=(Step(None, "good"), Step(1, "critical"))),
    )


def open_table(id_: int, place: Place, device_page: str, *where: Where) -> TableView:
    """Open alerts, by severity, then the oldest first: what has waited longest stands highest."""
    return TableView(
        Frame(
            id_,
            Words("Open alerts: most severe, then longest waiting", "未解除告警：先按级别，再按等待时间"),
            Words(
                "Every alert of the last 7 days that has not cleared; the time says since when it is open.",
                "近7天内触发且尚未解除的告警；时间为告警开始时间。",
            ),
            place,
            look_back=OPEN_FOR,
            no_value=NONE_OPEN,
        ),
        Latest(Alert, ("severity", "message_zh", "message_en", "value", "limit", "village"), (OPEN, *where)),
        (
            Cell("severity", "state", SEVERITIES, width=136),
            Cell("time", "time", width=158, title=_SINCE),
            Cell("device", link=device_page, width=120),
            Cell("message_zh"),
            Cell("message_en"),
            Cell("village", width=110),
        ),
        sort=("severity", "time"),
    )


def recent_table(id_: int, place: Place, *where: Where) -> TableView:
    """The newest alerts, open or cleared."""
    return TableView(
        Frame(
            id_,
            Words("Recent alerts", "近期告警"),
            Words("The newest 50 alerts of the range, open or cleared.", "所选时间内最新的50条告警，含已解除。"),
            place,
            no_value=Words("No alert in this range", "所选时间内无告警"),
        ),
        Rows(Alert, ("severity", "state", "message_zh", "message_en", "value", "limit", "village"), where, limit=50),
        (
            Cell("time", "time", width=158, title=_SINCE),
            Cell("severity", "state", SEVERITIES, width=136),
            Cell("state", "state", ALERT_STATES, width=146),
            Cell("device", width=120),
            Cell("message_zh"),
            Cell("message_en"),
        ),
        sort=("-time",),
    )
