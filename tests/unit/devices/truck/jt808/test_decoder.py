"""The decoder of recordings: every frame a message, then what it means; nothing believed that is damaged."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from devices.contract import TruckPosition
from devices.events import Damaged, Message
from devices.protocols import PROTOCOLS
from devices.truck.jt808 import Jt808Decoder, Jt808Terminal, encode_message
from devices.truck.jt808.frames import MAX_BODY, Frame, encode_frame, make_frame
from devices.truck.jt808.messages import encode_body
from devices.truck.jt808.parts import PATIENCE
from devices.truck.jt808.positions import report_fields
from tests.unit.devices.truck.jt808.streams import (
    NOW,
    PHONE,
    chunked,
    frames,
    noise,
    position,
    report_body,
)


def bulk_in_parts(count: int) -> list[bytes]:
    """A 0704 that is too long for one frame, as frames."""
    fields = {"type": 1, "locations": [report_fields(position()) for _ in range(count)]}
    body = encode_body(0x0704, fields, 2013)
    pieces = [body[at : at + MAX_BODY] for at in range(0, len(body), MAX_BODY)]
    return [
        encode_frame(make_frame(0x0704, piece, PHONE, 9 + number, is_2019=False, total=len(pieces), part=number))
        for number, piece in enumerate(pieces, 1)
    ]


def test_a_report_is_a_message_and_then_a_position() -> None:
    message, found = Jt808Decoder("truck-7").feed(Jt808Terminal(PHONE, 2013).report(position()), NOW)
    assert isinstance(message, Message)
    assert (message.protocol, message.id) == ("jt808", "0x0200")
    assert found == position(device="truck-7")


def test_without_a_device_the_phone_stands_for_it() -> None:
    (_, found) = Jt808Decoder().feed(Jt808Terminal(PHONE, 2019).report(position()), NOW)
    assert isinstance(found, TruckPosition)
    assert found.device == PHONE


def test_a_phone_of_zeros_is_still_an_id() -> None:
    (_, found) = Jt808Decoder().feed(Jt808Terminal("0", 2013).report(position()), NOW)
    assert isinstance(found, TruckPosition)
    assert found.device == "0"


def test_the_protocol_is_offered_by_its_name_and_keeps_to_gmt_8() -> None:
    decoder = PROTOCOLS["jt808"].decoder("truck-7", timedelta(hours=3))
    _, found = decoder.feed(Jt808Terminal(PHONE, 2013).report(position()), NOW)
    assert found == position(device="truck-7")


def test_a_registration_tells_the_edition_of_what_follows_from_that_terminal() -> None:
    decoder = Jt808Decoder()
    terminal, other = Jt808Terminal(PHONE, 2011), Jt808Terminal("13300002222", 2013)
    stream = terminal.register() + terminal.heartbeat() + other.heartbeat()
    versions = [event.header["version"] for event in decoder.feed(stream, NOW) if isinstance(event, Message)]
    assert versions == [2011, 2011, 2013]


def test_a_recording_of_very_many_terminals_is_read_in_bounded_memory() -> None:
    decoder = Jt808Decoder()
    first = Jt808Terminal("1", 2011)
    decoder.feed(first.register(), NOW)
    for number in range(2, 10_002):
        decoder.feed(Jt808Terminal(str(number), 2011).register(), NOW)
    (forgotten,) = decoder.feed(first.heartbeat(), NOW)
    assert isinstance(forgotten, Message)
    assert forgotten.header["version"] == 2013


def test_parts_are_messages_and_so_is_the_whole() -> None:
    decoder = Jt808Decoder("truck-1")
    events = [event for frame in bulk_in_parts(60) for event in decoder.feed(frame, NOW)]
    messages = [event for event in events if isinstance(event, Message)]
    assert [message.header.get("part") for message in messages] == [*range(1, len(messages)), None]
    assert messages[-1].header["parts"] == len(messages) - 1
    assert messages[-1].fields["count"] == 60
    assert events[-60:] == [position(backfill=True)] * 60


def test_parts_that_stay_away_are_damage() -> None:
    decoder = Jt808Decoder()
    decoder.feed(bulk_in_parts(60)[0], NOW)
    (damage,) = decoder.feed(b"", NOW + 2 * PATIENCE)
    assert isinstance(damage, Damaged)


def test_a_report_without_its_block_is_a_message_and_damage() -> None:
    message, damage = Jt808Decoder().feed(encode_frame(make_frame(0x0200, b"\1", PHONE, 0, is_2019=False)), NOW)
    assert isinstance(message, Message)
    assert damage == Damaged("1 bytes are no location report", b"\1")


def test_an_encrypted_report_is_no_position() -> None:
    body = report_body()
    frame = make_frame(0x0200, body, PHONE, 0, is_2019=False)._replace(properties=len(body) | 0x400)
    (message,) = Jt808Decoder().feed(encode_frame(frame), NOW)
    assert isinstance(message, Message)


def test_the_end_of_the_stream_shows_what_was_held_back() -> None:
    decoder = Jt808Decoder()
    decoder.feed(bulk_in_parts(60)[0] + bulk_in_parts(60)[1][:40], NOW)
    frame, parts = decoder.finish(NOW)
    assert isinstance(frame, Damaged)
    assert isinstance(parts, Damaged)


@given(st.lists(st.one_of(frames().map(encode_frame), noise), max_size=5).map(b"".join), st.integers(1, 60))
def test_chunks_make_no_difference(stream: bytes, size: int) -> None:
    whole, pieces = Jt808Decoder(), Jt808Decoder()
    events = [event for chunk in chunked(stream, [size]) for event in pieces.feed(chunk, NOW)]
    assert [*events, *pieces.finish(NOW)] == [*whole.feed(stream, NOW), *whole.finish(NOW)]


@given(st.lists(frames(), max_size=5))
def test_decoding_and_encoding_a_stream_gives_the_same_bytes(sent: list[Frame]) -> None:
    stream = b"".join(encode_frame(frame) for frame in sent)
    messages = [event for event in Jt808Decoder().feed(stream, NOW) if isinstance(event, Message)]
    again = [encode_message({"id": message.id, **message.header, "fields": message.fields}) for message in messages]
    assert b"".join(again) == stream
