"""Messages: every body of the table both ways, and any frame back to the same bytes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from devices.events import Message
from devices.truck.jt808.description import EDITIONS, Edition
from devices.truck.jt808.fields import Unwritable
from devices.truck.jt808.frames import Deframer, Frame, encode_frame, make_frame
from devices.truck.jt808.messages import (
    MESSAGES,
    assembled_message,
    decode_body,
    decode_message,
    encode_body,
    encode_message,
    registered_edition,
)
from tests.unit.devices.truck.jt808.streams import PHONE, frames, report_body


def as_line(message: Message) -> dict[str, Any]:
    """As `edge-agent decode` prints it and `encode` reads it."""
    line = {"type": "message", "protocol": "jt808", "id": message.id, **message.header, "fields": message.fields}
    read: dict[str, Any] = json.loads(json.dumps(line))
    return read


HEARTBEAT = {"id": "0x0002", "version": 2013, "phone": PHONE, "serial": 1, "fields": {}}

BODIES: list[tuple[str, int, Edition, str, dict[str, Any]]] = [
    ("general answer", 0x0001, 2013, "007b 8103 00", {"answered_serial": 123, "answered_id": "0x8103", "result": 0}),
    ("heartbeat with battery and signal", 0x0002, 2013, "641f00", {"rest": "641f00"}),
    ("authentication before 2019", 0x0102, 2011, "414243", {"code": "ABC"}),
    (
        "authentication of 2019",
        0x0102,
        2019,
        "03414243" + "31" * 15 + "312e30" + "00" * 17,
        {"code": "ABC", "imei": "1" * 15, "software": "1.0"},
    ),
    ("registration refused: no code", 0x8100, 2013, "0001 04", {"answered_serial": 1, "result": 4, "code": ""}),
    ("driver leaves", 0x0702, 2013, "02 260301100304", {"status": 2, "time": "2026-03-01 10:03:04"}),
    (
        "parts again, 2013: a BYTE counts",
        0x8003,
        2013,
        "1000 02 0001 0005",
        {"first_serial": 0x1000, "count": 2, "parts": [1, 5]},
    ),
    (
        "parts again, 2019: a WORD counts",
        0x8003,
        2019,
        "1000 0002 0001 0005",
        {"first_serial": 0x1000, "count": 2, "parts": [1, 5]},
    ),
    ("text of 2019 has a type", 0x8300, 2019, "09 01 4869", {"flags": 9, "type": 1, "text": "Hi"}),
    ("media without a place, 2011", 0x0801, 2011, "00000001 00 00 00 01 ffd8", {
        "media": 1, "type": 0, "format": 0, "event": 0, "channel": 1, "data": "ffd8",
    }),
    ("parameters", 0x8103, 2013, "02 00000055 04 0000003c 0000f000 01 07", {
        "count": 2, "parameters": [{"id": "0x00000055", "max_speed_kmh": 60}, {"id": "0x0000f000", "hex": "07"}],
    }),
    ("a body that does not fit its description", 0x8001, 2013, "0001", {"hex": "0001"}),
    ("an id nobody knows", 0x6006, 2013, "0102", {"hex": "0102"}),
]  # fmt: skip


@pytest.mark.parametrize(("meaning", "message", "edition", "wire", "fields"), BODIES)
def test_a_body_is_read_and_written(
    meaning: str, message: int, edition: Edition, wire: str, fields: dict[str, Any]
) -> None:
    assert decode_body(message, bytes.fromhex(wire), edition) == fields, meaning
    assert encode_body(message, fields, edition) == bytes.fromhex(wire), meaning


def test_a_location_keeps_unknown_items_and_what_a_bad_item_leaves() -> None:
    body = report_body() + bytes.fromhex("e8027777 30 09 01")
    fields = decode_body(0x0200, body, 2013)
    assert fields["latitude_udeg"] == 30_270_000
    assert fields["items"] == [
        {"id": "0x01", "mileage_100m": 12345},
        {"id": "0x31", "satellites": 11},
        {"id": "0xe8", "hex": "7777"},
    ]
    assert fields["rest"] == "300901"
    assert encode_body(0x0200, fields, 2013) == body


def test_a_bad_location_among_many_is_hex_and_the_others_are_read() -> None:
    good = report_body()
    body = b"\0\x03\1" + b"".join(len(part).to_bytes(2, "big") + part for part in (good, b"\1\2", good))
    first, second, third = decode_body(0x0704, body, 2013)["locations"]
    assert first == third
    assert first["altitude_m"] == 12
    assert second == {"hex": "0102"}


@pytest.mark.parametrize(
    ("is_2019", "body_bytes", "edition"),
    [(True, 84, 2019), (False, 25 + 9, 2011), (False, 36, 2011), (False, 37, 2013), (False, 37 + 8, 2013)],
)
def test_a_registration_shows_its_edition(is_2019: bool, body_bytes: int, edition: Edition) -> None:
    assert registered_edition(make_frame(0x0100, bytes(body_bytes), PHONE, 0, is_2019=is_2019)) == edition


def test_the_header_says_only_what_is_not_usual() -> None:
    usual = make_frame(2, b"", PHONE, 7, is_2019=True)
    assert decode_message(usual, 2013).header == {"version": 2019, "phone": PHONE.zfill(20), "serial": 7}
    odd = usual._replace(properties=0xC400 | 9, protocol_version=3)
    assert decode_message(odd, 2013).header == {
        "version": 2019,
        "phone": PHONE.zfill(20),
        "serial": 7,
        "protocol_version": 3,
        "encryption": 1,
        "reserved": True,
        "declared_length": 9,
    }


def test_an_encrypted_body_and_a_part_are_hex() -> None:
    body = report_body()
    part = make_frame(0x0200, body, PHONE, 7, is_2019=False, total=2, part=1)
    assert decode_message(part, 2013).fields == {"hex": body.hex()}
    encrypted = make_frame(0x0200, body, PHONE, 7, is_2019=False)._replace(properties=len(body) | 0x400)
    assert decode_message(encrypted, 2013).fields == {"hex": body.hex()}


@given(frames(), st.sampled_from(EDITIONS))
@example(make_frame(0x0200, b"", PHONE, 0, is_2019=False), 2013)
@example(make_frame(0x1210, b"", PHONE, 0, is_2019=False), 2013)
def test_any_frame_is_encoded_again_to_the_same_bytes(frame: Frame, edition: Edition) -> None:
    assert encode_message(as_line(decode_message(frame, edition))) == encode_frame(frame)


@given(st.sampled_from(sorted(MESSAGES)), st.sampled_from(EDITIONS), st.integers(0, 255), st.integers(0, 200))
def test_every_message_of_the_table_survives_a_body_of_one_byte_over_and_over(
    message: int, edition: Edition, byte: int, length: int
) -> None:
    body = bytes([byte]) * length
    assert encode_body(message, decode_body(message, body, edition), edition) == body


def test_a_message_put_together_stands_for_no_bytes() -> None:
    whole = make_frame(0x0200, report_body(), PHONE, 7, is_2019=False)
    message = assembled_message(whole, 3, 2013)
    assert message.header["parts"] == 3
    assert message.fields["latitude_udeg"] == 30_270_000
    assert encode_message(as_line(message)) == b""


def test_an_encrypted_message_put_together_is_hex() -> None:
    whole = make_frame(0x0200, report_body(), PHONE, 7, is_2019=True)
    message = assembled_message(whole._replace(properties=whole.properties | 0x400), 2, 2013)
    assert message.header["version"] == 2019
    assert message.fields == {"hex": whole.body.hex()}


def test_a_short_phone_is_filled_up() -> None:
    (frame,) = Deframer().feed(encode_message(HEARTBEAT))
    assert isinstance(frame, Frame)
    assert frame.phone == PHONE.zfill(12)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"id": 2}, "id: 2"),
        ({"id": "heartbeat"}, "id: 'heartbeat'"),
        ({"id": "0x12345"}, "id: '0x12345'"),
        ({"version": 2016}, "version: 2016"),
        ({"phone": None}, "phone: None"),
        ({"phone": "1" * 13}, "phone: "),
        ({"phone": "12-34"}, "hexadecimal"),
        ({"serial": 65536}, "serial: 65536"),
        ({"encryption": 8}, "encryption: 8"),
        ({"fields": []}, "fields: "),
        ({"fields": {"hex": "xyz"}}, "hex: "),
        ({"id": "0x6006", "fields": {"text": "x"}}, "message 0x6006 is not known"),
        ({"id": "0x8001", "fields": {"answered_serial": 1, "answered_id": "0x0002", "result": 256}}, "result: 256"),
    ],
)
def test_a_line_that_is_no_frame_is_refused_by_its_field(change: dict[str, Any], complaint: str) -> None:
    with pytest.raises(Unwritable, match=complaint):
        encode_message(HEARTBEAT | change)
