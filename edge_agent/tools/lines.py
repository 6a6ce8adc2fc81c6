"""The JSON Lines of `decode` and `encode`: one event of a codec on each line.

    {"type":"reading","kind":"truck_position","device":"truck-12","at":"2026-03-01T02:03:04Z","latitude":30.1,...}
    {"type":"message","protocol":"jt808","id":"0x0002","version":2013,"phone":"012345678901","serial":7,"fields":{}}
    {"type":"damaged","reason":"wrong checksum","bytes":"7e0002..."}
    {"type":"answer","bytes":"7e8001..."}
    {"type":"hangup","reason":"..."}

A message's header stands beside its type; `answer` is what the device would be sent.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from devices.contract.readings import WireReading
from devices.events import Answer, Damaged, Event, Hangup, Message


class BadLine(ValueError):
    """A line that cannot be encoded; the text says why."""


_encoder = msgspec.json.Encoder()


def write_line(event: Event) -> bytes:
    """The event's line, without its end."""
    match event:
        case Message():
            head = {"type": "message", "protocol": event.protocol, "id": event.id}
            return _encoder.encode(head | dict(event.header) | head | {"fields": event.fields})
        case Damaged():
            return _encoder.encode({"type": "damaged", "reason": event.reason, "bytes": event.data.hex()})
        case Answer():
            return _encoder.encode({"type": "answer", "bytes": event.data.hex()})
        case Hangup():
            return _encoder.encode({"type": "hangup", "reason": event.reason})
        case _:
            return b'{"type":"reading",' + _encoder.encode(event)[1:]


def read_line(line: bytes) -> dict[str, Any]:
    """A line as an object with a `type`. Raises BadLine."""
    try:
        found = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadLine(str(error)) from error
    if not isinstance(found, dict) or not isinstance(found.get("type"), str):
        raise BadLine("not an object with a `type`")
    return found


def reading_of(line: dict[str, Any]) -> WireReading:
    """The reading on a line, checked against the contract. Raises BadLine, naming the field."""
    try:
        reading: WireReading = msgspec.convert({key: line[key] for key in line if key != "type"}, WireReading)
    except msgspec.ValidationError as error:
        raise BadLine(str(error)) from error
    return reading


def time_of(text: object) -> datetime:
    """An aware time in a message's header. Raises BadLine."""
    try:
        at = datetime.fromisoformat(str(text))
    except ValueError as error:
        raise BadLine(f"at: {text!r} is not a time") from error
    if at.tzinfo is None:
        raise BadLine(f"at: {text!r} has no time zone")
    return at
