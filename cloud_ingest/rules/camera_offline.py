"""A camera that gives no picture: offline (no stream) or stalled (a stream without new frames), until it is back.

A picture that is there but worth little (frozen, dark, blurred) is trouble on the dashboard, not this alert.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from cloud_ingest.registry import Device
from cloud_ingest.rules.rule import NOTHING, alert_id, evidence, milliseconds
from cloud_ingest.rules.runs import Criterion, Finding, Track, append, observe, quiet
from devices.contract.readings import Alert, CameraHealth

SOURCE = "Camera health: state offline or stalled"
_NO_PICTURE = frozenset(("offline", "stalled"))
#: Above a half is without picture. A camera that is cut off with its gateway has not come back: any gap is bridged.
_CRITERION = Criterion(0.5, timedelta(0), timedelta(days=3650))


class CameraOffline:
    """The rule: runs of states without a picture, in event time."""

    name = "camera-offline"
    reads = CameraHealth
    state = Track

    def step(
        self,
        state: Track,
        reading: CameraHealth,
        device: Device | None,  # noqa: ARG002 - every camera is judged alike
    ) -> tuple[Track, Sequence[Alert]]:
        """Take one state of a camera."""
        value = 1.0 if reading.state in _NO_PICTURE else 0.0
        if quiet(state.present, reading.at, value, _CRITERION.threshold):
            append(state.present, reading.at, value, _CRITERION)
            return state, NOTHING
        findings = observe(state, reading.at, value, _CRITERION)
        return state, [_alert(self.name, reading.device, finding) for finding in findings]


def _alert(rule: str, device: str, finding: Finding) -> Alert:
    run = finding.run
    ended = run.begin if finding.withdrawn else run.closed
    if finding.withdrawn:
        message_en, message_zh = (
            "Withdrawn: late reports show that it began earlier",
            "已撤销：补传数据表明开始时间更早",
        )
    elif ended is None:
        message_en, message_zh = "The camera gives no picture", "摄像头无画面"
    else:
        message_en, message_zh = "The camera's picture is back", "摄像头画面已恢复"
    return Alert(
        device=device,
        at=run.begin,
        rule=rule,
        alert=alert_id(rule, device, run.begin),
        severity="info" if finding.withdrawn else "warning",
        state="raised" if ended is None else "cleared",
        ended_at_ms=None if ended is None else milliseconds(ended),
        message_en=message_en,
        message_zh=message_zh,
        evidence=evidence(source=SOURCE, begin=run.begin, end=ended),
    )
