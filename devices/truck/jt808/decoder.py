"""A recorded JT/T 808 stream, of terminals or of a platform, to messages and positions; nothing is answered."""

from __future__ import annotations

from datetime import datetime

from devices.events import Damaged, Event
from devices.truck.jt808.description import Edition
from devices.truck.jt808.frames import SUBPACKAGED, Deframer, Frame
from devices.truck.jt808.messages import assembled_message, decode_message, registered_edition
from devices.truck.jt808.parts import Parts
from devices.truck.jt808.positions import NoReport, positions_in

#: A stream of more terminals than this forgets which were of the 2011 edition, and takes them for 2013.
_MAX_TERMINALS = 10_000


class Jt808Decoder:
    """Every frame as a `Message`, then the positions it means; the rest as `Damaged` (`devices.events.Decoder`).

    Readings carry `device`, or where it is empty the terminal's phone without leading zeros. The 2019 edition shows in
    each header, 2011 in a terminal's registration; others are taken for 2013.
    """

    def __init__(self, device: str = "") -> None:
        self._device = device
        self._deframer = Deframer()
        self._parts = Parts()
        self._editions: dict[str, Edition] = {}

    def feed(self, data: bytes, received_at: datetime) -> list[Event]:
        """What is complete with these bytes; `received_at` only ends the wait for parts that stay away."""
        out: list[Event] = [*self._parts.expire(received_at)]
        for event in self._deframer.feed(data):
            if isinstance(event, Damaged):
                out.append(event)
            else:
                self._take(event, received_at, out)
        return out

    def finish(self, received_at: datetime) -> list[Event]:  # noqa: ARG002 - the protocol's form
        """An unfinished frame and messages whose parts did not all come, as damage."""
        return [*self._deframer.finish(), *self._parts.finish()]

    def _take(self, frame: Frame, received_at: datetime, out: list[Event]) -> None:
        edition = self._edition(frame)
        out.append(decode_message(frame, edition))
        if not frame.properties & SUBPACKAGED:
            self._interpret(frame, out)
            return
        for event in self._parts.add(frame, received_at):
            if isinstance(event, Damaged):
                out.append(event)
            else:
                out.append(assembled_message(event.frame, event.parts, edition))
                self._interpret(event.frame, out)

    def _interpret(self, frame: Frame, out: list[Event]) -> None:
        if frame.encryption:
            return
        try:
            out += positions_in(frame.id, frame.body, self._device or bare_phone(frame.phone))
        except NoReport as reason:
            out.append(Damaged(str(reason), frame.body))

    def _edition(self, frame: Frame) -> Edition:
        if frame.id == 0x0100 and not frame.properties & SUBPACKAGED:
            edition = registered_edition(frame)
            if len(self._editions) >= _MAX_TERMINALS:
                self._editions.clear()
            self._editions[frame.phone] = edition
            return edition
        return self._editions.get(frame.phone, 2013)


def bare_phone(phone: str) -> str:
    """The phone without the zeros that a header fills up with; editions and makers disagree on how many."""
    return phone.lstrip("0") or "0"
