"""Sessions: who gets in, what comes out, and what a terminal is answered."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from devices.contract import TruckPosition
from devices.contract.readings import Reading
from devices.events import Answer, Damaged, Event, Hangup, Message
from devices.truck.jt808 import Answered, Edition, Jt808Session, Jt808Terminal, keyed_codes
from devices.truck.jt808.description import EDITIONS
from devices.truck.jt808.frames import MAX_BODY, Deframer, Frame, encode_frame, make_frame
from devices.truck.jt808.messages import decode_body, encode_body
from devices.truck.jt808.parts import PATIENCE
from devices.truck.jt808.positions import report_fields
from devices.truck.jt808.session import DAMAGE_LIMIT_BYTES, REFUSAL_LIMIT
from tests.unit.devices.truck.jt808.streams import NOW, PHONE, position

TERMINALS = {PHONE: "truck-1"}
CODES = keyed_codes(b"a key of sixteen")


class Line:
    """A terminal and a session on one line; what the session says is in `events`, its answers reach the terminal."""

    def __init__(self, edition: Edition = 2013, phone: str = PHONE, terminals: dict[str, str] = TERMINALS) -> None:
        self.terminal = Jt808Terminal(phone, edition)
        self.session = Jt808Session(terminals.get, CODES)
        self.events: list[Event] = []

    def say(self, data: bytes, *, after: timedelta = timedelta(0)) -> list[Event]:
        events = self.session.feed(data, NOW + after)
        self.events += events
        return events

    def ask(self, data: bytes) -> Answered:
        """Send, and give the one answer as the terminal sees it."""
        (answer,) = [event for event in self.say(data) if isinstance(event, Answer)]
        (answered,) = self.terminal.receive(answer.data)
        assert isinstance(answered, Answered)
        return answered

    def send(self, message: int, body: bytes, **header: Any) -> Answered:
        return self.ask(encode_frame(make_frame(message, body, self.terminal.phone, 77, is_2019=False, **header)))

    @property
    def readings(self) -> list[Reading]:
        return [event for event in self.events if isinstance(event, Reading)]

    def let_in(self) -> Line:
        assert self.ask(self.terminal.register()).result == 0
        assert self.ask(self.terminal.authenticate()).result == 0
        self.events.clear()
        return self


@pytest.mark.parametrize("edition", EDITIONS)
def test_a_terminal_of_any_edition_registers_authenticates_reports_and_leaves(edition: Edition) -> None:
    line = Line(edition)
    assert line.ask(line.terminal.register()) == Answered(0x0100, 0, 0)
    assert line.ask(line.terminal.authenticate()) == Answered(0x0102, 1, 0)
    assert line.ask(line.terminal.heartbeat()) == Answered(0x0002, 2, 0)
    assert line.ask(line.terminal.report(position())) == Answered(0x0200, 3, 0)
    assert line.ask(line.terminal.report_many([position(), position()])) == Answered(0x0704, 4, 0)
    assert line.ask(line.terminal.logout()) == Answered(0x0003, 5, 0)
    assert line.readings == [position(), position(backfill=True), position(backfill=True)]
    assert line.events[-1] == Hangup("the terminal logged out")
    assert {event.header["version"] for event in line.events if isinstance(event, Message)} == {edition}


def test_the_session_knows_its_device_from_authentication_on() -> None:
    line = Line()
    line.ask(line.terminal.register())
    assert line.session.device is None
    line.ask(line.terminal.authenticate())
    assert line.session.device == "truck-1"


def test_readings_come_before_the_answer_that_promises_them() -> None:
    line = Line().let_in()
    kinds = [type(event) for event in line.say(line.terminal.report_many([position(), position()]))]
    assert kinds == [Message, TruckPosition, TruckPosition, Answer]


def test_readings_of_the_terminal_carry_the_registered_device() -> None:
    line = Line(terminals={PHONE: "muck-77"}).let_in()
    line.say(line.terminal.report(position()))
    assert [reading.device for reading in line.readings] == ["muck-77"]


def test_without_messages_only_readings_and_answers_come_out() -> None:
    session = Jt808Session(TERMINALS.get, CODES, messages=False)
    terminal = Jt808Terminal(PHONE, 2013, code=CODES(PHONE))
    events = session.feed(terminal.authenticate() + terminal.report(position()), NOW)
    assert [type(event) for event in events] == [Answer, TruckPosition, Answer]


def test_an_unknown_terminal_is_told_so_and_gets_no_code() -> None:
    line = Line(phone="13300009999")
    assert line.ask(line.terminal.register()).result == 4
    assert line.terminal.code == ""


@pytest.mark.parametrize("request_", ["heartbeat", "logout", "report"])
def test_before_authentication_everything_fails_and_no_reading_comes_out(request_: str) -> None:
    line = Line()
    line.ask(line.terminal.register())
    sent = line.terminal.report(position()) if request_ == "report" else getattr(line.terminal, request_)()
    assert line.ask(sent).result == 1
    assert line.readings == []
    assert not any(isinstance(event, Hangup) for event in line.events)


def test_a_wrong_code_does_not_let_in() -> None:
    line = Line()
    line.terminal.code = "GUESSED"
    assert line.ask(line.terminal.authenticate()).result == 1
    assert line.session.device is None


def test_the_code_of_another_terminal_does_not_let_in() -> None:
    line = Line(phone="13300009999", terminals={PHONE: "truck-1", "13300009999": "truck-2"})
    line.terminal.code = CODES(PHONE)
    assert line.ask(line.terminal.authenticate()).result == 1


def test_a_terminal_struck_from_the_list_is_not_let_in_with_its_old_code() -> None:
    line = Line(terminals={})
    line.terminal.code = CODES(PHONE)
    assert line.ask(line.terminal.authenticate()).result == 1


def test_after_a_restart_a_terminal_may_go_straight_to_authentication() -> None:
    first = Line().let_in()
    second = Line()
    second.terminal = first.terminal
    second.terminal.connected()
    assert second.ask(second.terminal.authenticate()).result == 0
    second.say(second.terminal.report(position()))
    assert second.readings == [position()]


@pytest.mark.parametrize("ending", [b"\0", b"\0\0\0", b" "])
def test_a_code_may_end_as_it_did_in_the_terminals_memory(ending: bytes) -> None:
    assert Line().send(0x0102, CODES(PHONE).encode() + ending).result == 0


def test_a_code_that_is_no_text_does_not_let_in() -> None:
    assert Line().send(0x0102, b"\xff\xff").result == 1
    assert Line().send(0x0102, b"").result == 1


@pytest.mark.parametrize(
    ("edition", "listed"),
    [
        (2013, PHONE),
        (2013, PHONE.zfill(12)),
        (2019, PHONE),
        (2019, PHONE.zfill(12)),
        (2019, PHONE.zfill(20)),
    ],
)
def test_a_terminal_is_known_with_and_without_leading_zeros(edition: Edition, listed: str) -> None:
    line = Line(edition, terminals={listed: "truck-1"})
    assert line.ask(line.terminal.register()).result == 0


def test_another_phone_on_the_line_must_authenticate_for_itself() -> None:
    line = Line().let_in()
    other = Jt808Terminal("13300009999", 2013)
    line.say(other.report(position()))
    assert line.readings == []


def test_answers_are_numbered_one_by_one() -> None:
    line = Line().let_in()
    line.say(line.terminal.heartbeat() * 3)
    frames = Deframer().feed(b"".join(event.data for event in line.events if isinstance(event, Answer)))
    assert [frame.serial for frame in frames if isinstance(frame, Frame)] == [2, 3, 4]


def test_the_number_of_an_answer_starts_again_after_65535() -> None:
    line = Line().let_in()
    (*_, before, after) = [line.say(line.terminal.heartbeat())[-1] for _ in range(0xFFFF)]
    assert isinstance(before, Answer)
    assert isinstance(after, Answer)
    serials = [frame.serial for frame in Deframer().feed(before.data + after.data) if isinstance(frame, Frame)]
    assert serials == [0xFFFF, 0]


def test_an_unknown_message_is_unsupported() -> None:
    line = Line().let_in()
    assert line.send(0x0F01, b"\1\2").result == 3
    assert line.readings == []


def test_an_encrypted_message_is_unsupported() -> None:
    line = Line().let_in()
    frame = make_frame(0x0200, b"\0" * 28, PHONE, 5, is_2019=False)._replace(properties=28 | 0x400)
    assert line.ask(encode_frame(frame)).result == 3


def test_the_terminals_own_answers_are_not_answered() -> None:
    line = Line().let_in()
    sent = line.terminal.send(0x0001, {"answered_serial": 1, "answered_id": "0x8103", "result": 0})
    assert [type(event) for event in line.say(sent)] == [Message]


@pytest.mark.parametrize("message", [0x0200, 0x0704])
def test_a_report_that_is_too_short_is_a_bad_message(message: int) -> None:
    line = Line().let_in()
    assert line.send(message, b"\1").result == 2
    assert line.events[-2] == Damaged(
        "1 bytes are no location report" if message == 0x0200 else "1 bytes are no list of locations", b"\1"
    )


def test_a_report_without_a_fix_is_accepted_but_is_no_reading() -> None:
    line = Line().let_in()
    fields = report_fields(position()) | {"status": 1}
    assert line.send(0x0200, encode_body(0x0200, fields, 2013)).result == 0
    assert line.readings == []


def test_a_bad_location_in_bulk_costs_only_itself() -> None:
    line = Line().let_in()
    good = encode_body(0x0200, report_fields(position()), 2013)
    body = b"\0\2\1" + b"\0\1x" + len(good).to_bytes(2, "big") + good
    assert line.send(0x0704, body).result == 0
    assert line.readings == [position(backfill=True)]


def parts_of(count: int) -> list[bytes]:
    body = encode_body(0x0704, {"type": 1, "locations": [report_fields(position())] * count}, 2013)
    pieces = [body[at : at + MAX_BODY] for at in range(0, len(body), MAX_BODY)]
    return [
        encode_frame(make_frame(0x0704, piece, PHONE, 500 + number, is_2019=False, total=len(pieces), part=number))
        for number, piece in enumerate(pieces, 1)
    ]


def test_every_part_is_answered_and_the_last_one_after_the_readings() -> None:
    line = Line().let_in()
    first, second, third = parts_of(60)
    assert line.ask(first) == Answered(0, 501, 0)
    assert line.ask(second) == Answered(0, 502, 0)
    assert line.readings == []
    events = line.say(third)
    assert [type(event) for event in events] == [Message, Message, *[TruckPosition] * 60, Answer]


def test_a_message_whose_parts_stay_away_is_damage() -> None:
    line = Line().let_in()
    line.say(parts_of(60)[0])
    (damage,) = line.say(b"", after=2 * PATIENCE)
    assert isinstance(damage, Damaged)
    assert "1 of 3 parts" in damage.reason


def test_an_impossible_part_is_a_bad_message() -> None:
    assert Line().let_in().send(0x0704, b"x", total=2, part=3).result == 2


def test_parts_of_what_we_do_not_read_are_unsupported_and_not_kept() -> None:
    line = Line().let_in()
    assert line.send(0x0801, bytes(1000), total=2, part=1).result == 3
    assert line.session.finish(NOW) == []


def test_damaged_frames_are_never_answered() -> None:
    line = Line().let_in()
    broken = bytearray(line.terminal.report(position()))
    broken[20] ^= 1
    (damage,) = line.say(bytes(broken))
    assert isinstance(damage, Damaged)
    assert line.ask(line.terminal.heartbeat()).result == 0


def test_too_much_damage_without_a_frame_hangs_up() -> None:
    line = Line()
    line.say(b"GET / HTTP/1.1\r\n" * (DAMAGE_LIMIT_BYTES // 16 * 2))
    assert isinstance(line.events[-1], Hangup)
    assert sum(isinstance(event, Hangup) for event in line.events) == 1


def test_damage_between_frames_on_a_bad_line_does_not_hang_up() -> None:
    line = Line().let_in()
    for _ in range(40):
        line.say(b"\x7e" + b"\x55" * 1000 + b"\x7e" + line.terminal.heartbeat())
    assert not any(isinstance(event, Hangup) for event in line.events)


@pytest.mark.parametrize("request_", ["register", "authenticate", "heartbeat"])
def test_who_goes_on_without_being_let_in_is_hung_up(request_: str) -> None:
    line = Line(phone="13300009999")
    for _ in range(REFUSAL_LIMIT):
        line.say(getattr(line.terminal, request_)())
    assert line.events[-1] == Hangup(f"{REFUSAL_LIMIT} messages refused")


def test_nothing_comes_out_after_a_hang_up() -> None:
    line = Line().let_in()
    events = line.say(line.terminal.logout() + line.terminal.report(position()))
    assert isinstance(events[-1], Hangup)
    assert line.say(line.terminal.report(position())) == []
    assert line.session.finish(NOW) == []


def test_the_end_of_the_connection_shows_what_was_held_back() -> None:
    line = Line().let_in()
    line.say(parts_of(60)[0] + line.terminal.heartbeat()[:9])
    kinds = [type(event) for event in line.session.finish(NOW)]
    assert kinds == [Damaged, Damaged]


def test_registration_says_which_serial_it_answers() -> None:
    line = Line()
    line.terminal.heartbeat()
    (answer,) = [event for event in line.say(line.terminal.register()) if isinstance(event, Answer)]
    (frame,) = Deframer().feed(answer.data)
    assert isinstance(frame, Frame)
    assert decode_body(frame.id, frame.body, 2013) == {"answered_serial": 1, "result": 0, "code": CODES(PHONE)}
