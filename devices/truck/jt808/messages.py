"""What a frame says, field by field, and back: `decode_message` and `encode_message` are inverses.

    {"type":"message","protocol":"jt808","id":"0x0200","version":2013,"phone":"012345678901","serial":7,"fields":{...}}

Field values are the wire's own numbers, their unit in the name (`latitude_udeg`: micro-degrees; `speed_100m_h`:
0.1 km/h); what they mean to the county is in the readings. `fields` is `{"hex": ...}` for the body of an unknown id, of
a part of a sub-packaged message, of an encrypted message, and for one that does not fit its description.

Header names that appear only where they are needed to make the same bytes again: `protocol_version` (other than 1 in
the 2019 edition), `encryption`, `reserved`, `declared_length` (other than the body's), `total` and `part`. A message
put together from its parts has `parts` instead; the parts came out before it, so it stands for no bytes.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from typing import Any

from devices.events import Message
from devices.truck.jt808.description import EDITIONS, Described, Edition
from devices.truck.jt808.fields import Malformed, Unwritable, Value
from devices.truck.jt808.frames import (
    EDITION_2019,
    MAX_BODY,
    RESERVED,
    SUBPACKAGED,
    Frame,
    encode_frame,
)
from devices.truck.jt808.platform_messages import PLATFORM_MESSAGES
from devices.truck.jt808.terminal_messages import TERMINAL_MESSAGES

MESSAGES: dict[int, Described] = {**TERMINAL_MESSAGES, **PLATFORM_MESSAGES}

_ID = re.compile("0x[0-9a-fA-F]{4}")
#: A 2013 registration is at least this long; a 2011 one is 12 bytes shorter, and no plate has 12 bytes.
_REGISTRATION_2013 = 37


def registered_edition(frame: Frame) -> Edition:
    """The edition that a registration (0100) shows itself to be of."""
    if frame.is_2019:
        return 2019
    return 2013 if len(frame.body) >= _REGISTRATION_2013 else 2011


def edition_of(frame: Frame, registered: Edition) -> Edition:
    """The edition of a frame: 2019 if its header says so; else what its terminal registered as, or 2013."""
    if frame.is_2019:
        return 2019
    return 2011 if registered == 2011 else 2013


def decode_body(message: int, body: bytes, edition: Edition) -> dict[str, Value]:
    """A plain, whole body's fields; `{"hex": ...}` where they cannot be told."""
    described = MESSAGES.get(message)
    if described is not None:
        try:
            fields, stop = described.body(edition).read(body, 0, len(body), {})
        except Malformed:
            stop = -1
        if stop == len(body):
            return dict(fields)
    return {"hex": body.hex()}


def encode_body(message: int, fields: Mapping[str, Value], edition: Edition) -> bytes:
    """The body with these fields. Raises Unwritable, naming the field."""
    if fields.keys() == {"hex"}:
        try:
            return bytes.fromhex(fields["hex"])
        except (TypeError, ValueError):
            raise Unwritable(f"hex: {fields['hex']!r} is not hex") from None
    described = MESSAGES.get(message)
    if described is None:
        raise Unwritable(f"message 0x{message:04x} is not known: give its body as hex")
    out = bytearray()
    described.body(edition).write(fields, out, {})
    return bytes(out)


def decode_message(frame: Frame, edition: Edition) -> Message:
    """The frame as a message; `edition` is the terminal's where the header is not that of 2019."""
    edition = edition_of(frame, edition)
    header: dict[str, Any] = {"version": edition, "phone": frame.phone, "serial": frame.serial}
    if frame.is_2019 and frame.protocol_version != 1:
        header["protocol_version"] = frame.protocol_version
    if frame.encryption:
        header["encryption"] = frame.encryption
    if frame.properties & RESERVED:
        header["reserved"] = True
    if frame.declared_length != len(frame.body):
        header["declared_length"] = frame.declared_length
    subpackaged = frame.properties & SUBPACKAGED
    if subpackaged:
        header |= {"total": frame.total, "part": frame.part}
    hidden = subpackaged or frame.encryption
    fields = {"hex": frame.body.hex()} if hidden else decode_body(frame.id, frame.body, edition)
    return Message("jt808", f"0x{frame.id:04x}", header, fields)


def assembled_message(frame: Frame, parts: int, edition: Edition) -> Message:
    """A whole message that came in parts; `frame` carries the last part's header and the body of all."""
    edition = edition_of(frame, edition)
    header = {"version": edition, "phone": frame.phone, "serial": frame.serial, "parts": parts}
    fields = {"hex": frame.body.hex()} if frame.encryption else decode_body(frame.id, frame.body, edition)
    return Message("jt808", f"0x{frame.id:04x}", header, fields)


def encode_message(line: Mapping[str, Any]) -> bytes:
    """The frame that a message line (as `edge-agent decode jt808` prints it) was decoded from, marks included.

    No bytes for a message put together from parts. Raises Unwritable (a ValueError), naming the field.
    """
    if "parts" in line:
        return b""
    edition = _edition(line.get("version"))
    message = _message_id(line.get("id"))
    fields = line.get("fields")
    if not isinstance(fields, Mapping):
        raise Unwritable(f"fields: {fields!r} is not an object")
    body = encode_body(message, fields, edition)
    properties = _number(line, "declared_length", len(body), MAX_BODY)
    properties |= _number(line, "encryption", 0, 7) << 10
    properties |= EDITION_2019 if edition == 2019 else 0
    properties |= SUBPACKAGED if "total" in line else 0
    properties |= RESERVED if line.get("reserved") else 0
    frame = Frame(
        message,
        properties,
        _number(line, "protocol_version", 1, 255) if edition == 2019 else 0,
        _phone(line.get("phone"), 20 if edition == 2019 else 12),
        _number(line, "serial", 0, 0xFFFF),
        _number(line, "total", 0, 0xFFFF),
        _number(line, "part", 0, 0xFFFF),
        body,
    )
    try:
        return encode_frame(frame)
    except (ValueError, struct.error) as error:
        raise Unwritable(str(error)) from None


def _edition(number: object) -> Edition:
    for edition in EDITIONS:
        if number == edition:
            return edition
    raise Unwritable(f"version: {number!r} is not 2011, 2013 or 2019")


def _message_id(text: object) -> int:
    if isinstance(text, str) and _ID.fullmatch(text):
        return int(text, 16)
    raise Unwritable(f"id: {text!r} is not like 0x0200")


def _phone(text: object, digits: int) -> str:
    if isinstance(text, str) and len(text) <= digits:
        return text.zfill(digits)
    raise Unwritable(f"phone: {text!r} is not up to {digits} digits")


def _number(line: Mapping[str, Any], name: str, default: int, most: int) -> int:
    value = line.get(name, default)
    if not isinstance(value, int) or not 0 <= value <= most:
        raise Unwritable(f"{name}: {value!r} is not within 0-{most}")
    return value
