from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given

from devices.contract import TruckPosition
from devices.events import Answer, Damaged, Hangup, Message
from edge_agent.tools.lines import BadLine, read_line, reading_of, time_of, write_line
from tests.strategies import wire_readings

EVENTS = [
    (
        TruckPosition(device="t", at=datetime(2026, 3, 1, tzinfo=UTC), latitude=30.5, longitude=120.0),
        {"type": "reading", "kind": "truck_position", "device": "t", "at": "2026-03-01T00:00:00Z"}
        | {"latitude": 30.5, "longitude": 120.0},
    ),
    (
        Message("jt808", "0x0002", {"phone": "1", "serial": 7}, {"a": [1]}),
        {"type": "message", "protocol": "jt808", "id": "0x0002", "phone": "1", "serial": 7, "fields": {"a": [1]}},
    ),
    (Damaged("wrong checksum", b"\x00\xff"), {"type": "damaged", "reason": "wrong checksum", "bytes": "00ff"}),
    (Answer(b"\x7e"), {"type": "answer", "bytes": "7e"}),
    (Hangup("no login"), {"type": "hangup", "reason": "no login"}),
]


@pytest.mark.parametrize(("event", "line"), EVENTS, ids=[row[1]["type"] for row in EVENTS])
def test_an_event_is_one_line_of_json(event, line):
    written = write_line(event)
    assert b"\n" not in written
    assert json.loads(written) == line == read_line(written)
    assert next(iter(json.loads(written))) == "type"


def test_a_header_cannot_hide_what_a_line_is():
    line = json.loads(write_line(Message("jt808", "0x0002", {"type": "reading", "id": "x"}, {})))
    assert (line["type"], line["id"]) == ("message", "0x0002")


@given(wire_readings())
def test_a_reading_on_a_line_is_that_reading(reading):
    assert reading_of(read_line(write_line(reading))) == reading


@pytest.mark.parametrize("line", [b"{", b"[]", b"{}", b'{"type":1}', b"\xff", b'"reading"'])
def test_what_is_no_line_of_ours_is_refused(line):
    with pytest.raises(BadLine):
        read_line(line)


def test_a_reading_that_breaks_the_contract_is_refused_by_its_field():
    line = read_line(write_line(EVENTS[0][0])) | {"latitude": 91}
    with pytest.raises(BadLine, match=r"latitude"):
        reading_of(line)


@pytest.mark.parametrize("text", ["yesterday", None, "2026-03-01T00:00:00"])
def test_a_time_without_zone_is_none(text):
    with pytest.raises(BadLine, match="at:"):
        time_of(text)
