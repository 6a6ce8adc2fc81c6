"""Accidents on the line, thousands of them: nothing raises, nothing damaged is believed, the next frame is read."""

from __future__ import annotations

from random import Random

import pytest

from devices.contract import TruckPosition
from devices.events import Answer, Message
from devices.truck.jt808 import Edition, Jt808Decoder, Jt808Session, Jt808Terminal, encode_message, keyed_codes
from devices.truck.jt808.description import EDITIONS
from devices.truck.jt808.frames import encode_frame, make_frame
from devices.truck.jt808.messages import MESSAGES
from devices.truck.jt808.positions import read_position
from tests.unit.devices.truck.jt808.streams import NOW, PHONE, believable, mutated, position

CODES = keyed_codes(b"a key of sixteen")


def originals(chance: Random) -> list[bytes]:
    """One frame of everything: the messages of a terminal's day, and every id of the table with a random body."""
    frames: list[bytes] = []
    for edition in EDITIONS:
        terminal = Jt808Terminal(PHONE, edition, code=CODES(PHONE))
        frames += [terminal.register(), terminal.authenticate(), terminal.heartbeat(), terminal.report(position())]
        frames += [terminal.report_many([position()] * 5)] * 3 + [terminal.report(position(speed_kmh=12.6))] * 3
    for message in MESSAGES:
        frames.append(
            encode_frame(make_frame(message, chance.randbytes(chance.randint(0, 90)), PHONE, 1, is_2019=False))
        )
        piece = chance.randbytes(40)
        frames.append(encode_frame(make_frame(message, piece, PHONE, 2, is_2019=True, total=3, part=2)))
    return frames


def bodies(content: bytes) -> list[bytes]:
    """Where the location reports of a frame's content could stand, for a judge that does not know headers."""
    return [content[at:-1] for at in range(12, len(content) - 28)]


def judge(data: bytes, intact: bytes) -> None:
    """One mutated frame and then an intact one, through the decoder."""
    decoder = Jt808Decoder("truck-1")
    events = [*decoder.feed(data, NOW), *decoder.feed(intact, NOW)]
    message, last = events[-2:]
    assert isinstance(message, Message)
    assert encode_message({"id": message.id, **message.header, "fields": message.fields}) == intact
    assert last == position()
    believed = believable(data + intact)
    messages = [event for event in events if isinstance(event, Message) and "parts" not in event.header]
    assert len(messages) <= len(believed)
    possible = {
        (found.at, found.latitude, found.longitude)
        for content in believed
        for body in bodies(content)
        if (found := read_position(body, "truck-1")) is not None
    }
    for event in events:
        if isinstance(event, TruckPosition):
            assert (event.at, event.latitude, event.longitude) in possible


def through_session(data: bytes, edition: Edition) -> None:
    """The same to a session: an authenticated terminal is still served, unless it is believed to have left."""
    believed = {content[:2] for content in believable(b"\x7e" + data + b"\x7e")}
    terminal = Jt808Terminal(PHONE, edition, code=CODES(PHONE))
    session = Jt808Session({PHONE: "truck-1"}.get, CODES, messages=False)
    session.feed(terminal.authenticate(), NOW)
    events = session.feed(data + terminal.report(position()), NOW)
    if b"\x00\x03" in believed:
        return
    assert isinstance(events[-1], Answer)
    # An intact 0102 of the same truck under another edition's header takes the line over.
    assert events[-2] == position() or b"\x01\x02" in believed


def mutate(count: int, seed: int) -> None:
    chance = Random(seed)
    frames = originals(chance)
    intact = Jt808Terminal(PHONE, 2013).report(position())
    for number in range(count):
        data = mutated(chance.choice(frames), chance)
        try:
            judge(data, intact)
            through_session(data, EDITIONS[number % 3])
        except Exception as error:
            raise AssertionError(f"seed {seed}, number {number}: {data.hex()}") from error


def test_3_000_mutated_frames_do_no_harm() -> None:
    mutate(3_000, seed=808)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_100_000_mutated_frames_do_no_harm() -> None:
    mutate(100_000, seed=2019)
