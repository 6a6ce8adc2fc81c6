"""The terminal's side: what it sends is the table's, and it knows what is not answered yet."""

from __future__ import annotations

import pytest

from devices.events import Damaged, Message
from devices.truck.jt808 import Answered, Deframer, Edition, Frame, Jt808Terminal, Nameplate, encode_frame
from devices.truck.jt808.description import EDITIONS
from devices.truck.jt808.frames import make_frame
from devices.truck.jt808.messages import decode_body, encode_body
from tests.unit.devices.truck.jt808.streams import PHONE, position


def answer(terminal: Jt808Terminal, serial: int, message: str, result: int) -> bytes:
    body = encode_body(0x8001, {"answered_serial": serial, "answered_id": message, "result": result}, 2013)
    return encode_frame(make_frame(0x8001, body, terminal.phone, 0, is_2019=terminal.edition == 2019))


def only_frame(data: bytes) -> Frame:
    (frame,) = Deframer().feed(data)
    assert isinstance(frame, Frame)
    return frame


@pytest.mark.parametrize("edition", EDITIONS)
def test_a_registration_says_what_the_terminal_is(edition: Edition) -> None:
    plate = Nameplate(33, 122, "ABCDE", "M-8", "T000001", 2, "浙A12345")
    frame = only_frame(Jt808Terminal(PHONE, edition, plate).register())
    assert decode_body(0x0100, frame.body, edition) == plate._asdict()


def test_the_2019_edition_sends_imei_and_software_with_its_code() -> None:
    frame = only_frame(Jt808Terminal(PHONE, 2019, code="C0DE").authenticate())
    assert decode_body(0x0102, frame.body, 2019) == {"code": "C0DE", "imei": "0" * 15, "software": "1.0"}


def test_a_report_waits_until_it_is_accepted() -> None:
    terminal = Jt808Terminal(PHONE, 2013)
    first, second = terminal.report(position()), terminal.report_many([position()])
    assert terminal.unanswered() == [first, second]
    assert terminal.receive(answer(terminal, 0, "0x0200", 0)) == [Answered(0x0200, 0, 0)]
    assert terminal.unanswered() == [second]
    assert terminal.receive(answer(terminal, 1, "0x0704", 1)) == [Answered(0x0704, 1, 1)]
    assert terminal.unanswered() == [second]


def test_heartbeats_are_not_sent_again() -> None:
    terminal = Jt808Terminal(PHONE, 2013)
    terminal.heartbeat()
    assert terminal.unanswered() == []


def test_reports_survive_a_lost_connection_and_authentication_does_not() -> None:
    terminal = Jt808Terminal(PHONE, 2013, code="C0DE")
    terminal.authenticate()
    terminal.receive(answer(terminal, 0, "0x0102", 0))
    assert terminal.authenticated
    sent = terminal.report(position())
    terminal.receive(b"\x7e\x80\x01")
    terminal.connected()
    assert not terminal.authenticated
    assert terminal.unanswered() == [sent]
    assert terminal.receive(answer(terminal, 1, "0x0200", 0)) == [Answered(0x0200, 1, 0)]


def test_a_refused_registration_gives_no_code() -> None:
    terminal = Jt808Terminal(PHONE, 2013)
    terminal.register()
    body = encode_body(0x8100, {"answered_serial": 0, "result": 4, "code": ""}, 2013)
    assert terminal.receive(encode_frame(make_frame(0x8100, body, PHONE, 0, is_2019=False))) == [Answered(0x100, 0, 4)]
    assert terminal.code == ""


def test_an_answer_to_nothing_is_told_apart() -> None:
    terminal = Jt808Terminal(PHONE, 2013)
    assert terminal.receive(answer(terminal, 9, "0x0200", 0)) == [Answered(0, 9, 0)]


def test_commands_and_damage_come_through_as_they_are() -> None:
    terminal = Jt808Terminal(PHONE, 2013)
    command = encode_frame(make_frame(0x8104, b"", PHONE, 3, is_2019=False))
    empty = encode_frame(make_frame(0x8001, b"", PHONE, 3, is_2019=False))
    message, odd, damage = terminal.receive(command + empty + b"\x55\x7e")
    assert isinstance(message, Message)
    assert message.id == "0x8104"
    assert isinstance(odd, Message)
    assert isinstance(damage, Damaged)


def test_serials_run_on_and_start_again_after_65535() -> None:
    terminal = Jt808Terminal(PHONE, 2013)
    serials = [only_frame(terminal.heartbeat()).serial for _ in range(0x10001)]
    assert serials[:2] == [0, 1]
    assert serials[-2:] == [0xFFFF, 0]


def test_more_positions_than_fit_in_a_frame_are_refused() -> None:
    terminal = Jt808Terminal(PHONE, 2013)
    assert terminal.report_many([position()] * 26)
    with pytest.raises(ValueError, match="split it"):
        terminal.report_many([position()] * 30)
    assert len(terminal.unanswered()) == 1
