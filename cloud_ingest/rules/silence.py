"""A registered device that has not been heard for longer than it may be quiet.

Silence is measured in received time, and only while the county itself was listening: an ingest that was down, or had
no broker, does not blame the devices. An alert begins when the device was last heard.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from cloud_ingest.registry import Device
from cloud_ingest.rules.rule import NOTHING, alert_id, evidence, milliseconds
from devices.contract.readings import Alert

NAME = "device-silent"
SOURCE = "Registry: silent_after_s of the device"


class Hearing(Struct, frozen=True):
    """When a device was last heard (received time), and since when it is called silent."""

    heard: datetime | None = None
    silent_since: datetime | None = None


def hear(state: Hearing, now: datetime) -> Hearing:
    """Something of the device has just been received. `tick` says so if it was silent."""
    return Hearing(now, state.silent_since)


def tick(state: Hearing, now: datetime, listening_since: datetime, device: Device) -> tuple[Hearing, Sequence[Alert]]:
    """Look at one registered device: the alert that begins or ends now, if one does.

    `listening_since` is when the ingest began to hear without a break.
    """
    if state.silent_since is not None:
        if state.heard is None or state.heard <= state.silent_since:
            return state, NOTHING
        alert = _alert(device, state.silent_since, ended=state.heard)
        return Hearing(state.heard, None), (alert,)
    reference = listening_since if state.heard is None else max(state.heard, listening_since)
    if (now - reference).total_seconds() <= device.patience_s:
        return state, NOTHING
    begin = state.heard or reference
    return Hearing(state.heard, begin), (_alert(device, begin, ended=None),)


def again(state: Hearing, device: Device) -> Sequence[Alert]:
    """The alert that stands, if one does: for a restart, which cannot know whether it was stored."""
    return NOTHING if state.silent_since is None else (_alert(device, state.silent_since, ended=None),)


def _alert(device: Device, begin: datetime, ended: datetime | None) -> Alert:
    minutes = device.patience_s / 60
    return Alert(
        device=device.id,
        at=begin,
        rule=NAME,
        alert=alert_id(NAME, device.id, begin),
        severity="warning",
        state="raised" if ended is None else "cleared",
        limit=device.patience_s,
        ended_at_ms=None if ended is None else milliseconds(ended),
        message_en=f"Not heard for more than {minutes:g} min" if ended is None else "Heard again",
        message_zh=f"超过{minutes:g}分钟未上报" if ended is None else "已恢复上报",
        evidence=evidence(source=SOURCE, last_heard=begin, heard_again=ended, silent_after_s=device.patience_s),
    )
