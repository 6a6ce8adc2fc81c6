"""The other end of `session`: a terminal that registers, authenticates, reports and knows what is not answered yet.

It does no I/O: each method gives the bytes to send, `receive` takes the platform's. For simulators and tests.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from devices.contract.readings import TruckPosition
from devices.events import Damaged, Message
from devices.truck.jt808.description import Edition
from devices.truck.jt808.frames import Deframer, Frame, encode_frame, make_frame
from devices.truck.jt808.messages import decode_body, decode_message, encode_body
from devices.truck.jt808.positions import report_fields

_DATA = (0x0200, 0x0704)


class Nameplate(NamedTuple):
    """What a terminal says of itself in its registration; province and city are GB/T 2260 codes."""

    province: int = 33
    city: int = 100
    maker: str = "CNTY"
    model: str = "MUCK-1"
    terminal: str = "0000001"
    plate_colour: int = 2
    plate: str = "测A00001"


class Answered(NamedTuple):
    """The platform answered our message; `result` 0 is success (8001, or 8100 for the registration)."""

    id: int
    serial: int
    result: int


class Jt808Terminal:
    """A terminal of one edition. Its serials run on over reconnections; `code` comes with registration, or is given."""

    def __init__(self, phone: str, edition: Edition, nameplate: Nameplate | None = None, code: str = "") -> None:
        self.phone = phone
        self.edition = edition
        self.code = code
        self.authenticated = False
        self._nameplate = nameplate or Nameplate()
        self._serial = 0
        self._waiting: dict[int, tuple[int, bytes]] = {}
        self._deframer = Deframer()

    def connected(self) -> None:
        """A new connection: not authenticated, nothing half received; data not answered yet is still to be sent."""
        self.authenticated = False
        self._deframer = Deframer()
        self._waiting = {serial: sent for serial, sent in self._waiting.items() if sent[0] in _DATA}

    def register(self) -> bytes:
        """0100."""
        return self.send(0x0100, self._nameplate._asdict())

    def authenticate(self) -> bytes:
        """0102 with the code that we have."""
        more = {"imei": "0" * 15, "software": "1.0"} if self.edition == 2019 else {}
        return self.send(0x0102, {"code": self.code, **more})

    def heartbeat(self) -> bytes:
        """0002."""
        return self.send(0x0002, {})

    def logout(self) -> bytes:
        """0003."""
        return self.send(0x0003, {})

    def report(self, position: TruckPosition) -> bytes:
        """0200, one position as it happens."""
        return self.send(0x0200, report_fields(position))

    def report_many(self, positions: Iterable[TruckPosition], *, backfill: bool = True) -> bytes:
        """0704, positions kept in a dead zone (`backfill`) or gathered. About 28 of them fit; raises ValueError."""
        locations = [report_fields(position) for position in positions]
        return self.send(0x0704, {"type": int(backfill), "locations": locations})

    def send(self, message: int, fields: Mapping[str, Any]) -> bytes:
        """Any message of the table; the platform's answer to it is waited for. Raises Unwritable naming the field."""
        body = encode_body(message, fields, self.edition)
        serial = self._serial
        self._serial = (serial + 1) & 0xFFFF
        frame = make_frame(message, body, self.phone, serial, is_2019=self.edition == 2019)
        data = encode_frame(frame)
        self._waiting[serial] = (message, data)
        return data

    def unanswered(self) -> list[bytes]:
        """The position reports that the platform has not accepted, oldest first: what to send again."""
        return [data for message, data in self._waiting.values() if message in _DATA]

    def receive(self, data: bytes) -> list[Answered | Message | Damaged]:
        """The platform's bytes: answers matched with what was sent; anything else as it is."""
        return [event if isinstance(event, Damaged) else self._take(event) for event in self._deframer.feed(data)]

    def _take(self, frame: Frame) -> Answered | Message:
        fields = decode_body(frame.id, frame.body, self.edition)
        if frame.id not in (0x8001, 0x8100) or "result" not in fields:
            return decode_message(frame, self.edition)
        serial, result = fields["answered_serial"], fields["result"]
        message, _ = self._waiting.get(serial, (0, b""))
        if result == 0 or message not in _DATA:
            self._waiting.pop(serial, None)
        if result == 0 and frame.id == 0x8100:
            self.code = str(fields["code"])
        if result == 0 and message == 0x0102:
            self.authenticated = True
        return Answered(message, serial, result)
