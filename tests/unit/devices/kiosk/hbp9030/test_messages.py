from __future__ import annotations

from datetime import datetime

import pytest

from devices.events import Damaged
from devices.kiosk.hbp9030.frames import SIZE, Frame
from devices.kiosk.hbp9030.messages import Result, decode, encode_result
from tests.unit.devices.kiosk.hbp9030.monitor import IDENTITY, line

_TIME = datetime(2026, 3, 1, 8, 5)  # noqa: DTZ001 - the device's local time

BOTH_WAYS = [
    (Result(_TIME, "", 0, 132, 84, 71, 0), line()),
    (Result(_TIME, "p-abcdefgh2", 0, 260, 215, 180, 9), line("260,215,180", subject="p-abcdefgh2", end="0,{},9")),
    (Result(_TIME, "", 5, None, None, None, 1), line("   ,   ,   ", end="5,{},1")),
    (Result(_TIME, "", 0, 90, 60, 55, None), line("090,060,055", end="0,{}, ")),
]


@pytest.mark.parametrize(("meaning", "wire"), BOTH_WAYS)
def test_a_result_is_read_and_written(meaning, wire):
    assert decode(Frame(wire[:SIZE])) == meaning
    assert encode_result(meaning) == wire


@pytest.mark.parametrize("time", ["2026,13,01,08,05", "2026,02,30,08,05", "0000,01,01,00,00", "2026,03,01,24,00"])
def test_a_time_that_does_not_exist_is_damage_without_the_id(time):
    damaged = decode(Frame(line(time=time, subject=IDENTITY)[:SIZE]))
    assert isinstance(damaged, Damaged)
    assert damaged.reason == f"time {time}"
    assert IDENTITY.encode() not in damaged.data


@pytest.mark.parametrize("subject", ["x" * 21, "a,b", "名", "a\nb"])
def test_an_id_that_the_line_cannot_hold_is_refused(subject):
    with pytest.raises(ValueError, match="20 printable"):
        encode_result(Result(_TIME, subject, 0, 132, 84, 71, 0))
