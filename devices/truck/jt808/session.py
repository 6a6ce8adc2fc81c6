"""One terminal's connection, seen from the platform: who it is, what it reported, and the answers it must have.

    terminal                    platform
    0100 registration     ->
                          <-    8100 result, authentication code
    0102 authentication   ->                                        (a terminal that has its code starts here)
                          <-    8001 ok
    0200, 0704, 0002      ->
                          <-    8001 ok, once the readings before it are on disk
    0003 logout           ->
                          <-    8001 ok, and hang up

Until 0102 succeeds everything else is answered with 8001 "failed" and no reading comes out (2013 section 8.5). A part
of a sub-packaged message is answered when it comes, for terminals wait for that before they send the next: only the
last part's answer stands behind the readings, so that a message cut off by a crash between its parts is for the
terminal to send again.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from datetime import datetime, timedelta
from enum import IntEnum
from struct import Struct

from devices.events import Answer, Damaged, Event, Hangup
from devices.truck.jt808.decoder import bare_phone
from devices.truck.jt808.description import Edition
from devices.truck.jt808.frames import ENCRYPTION, SUBPACKAGED, Deframer, Frame, encode_frame, make_frame
from devices.truck.jt808.messages import (
    assembled_message,
    decode_body,
    decode_message,
    edition_of,
    encode_body,
    registered_edition,
)
from devices.truck.jt808.parts import Parts
from devices.truck.jt808.positions import NoReport, positions_in, read_position

#: Silence after which a connection is dead: three heartbeats of the usual minute.
IDLE_TIMEOUT = timedelta(seconds=180)
#: This much damage without an intact frame in between is no terminal.
DAMAGE_LIMIT_BYTES = 16 * 1024
#: Nor is one that goes on without authentication, or tries one code after the other.
REFUSAL_LIMIT = 64

_GENERAL_ANSWER = Struct(">HHB")


class Result(IntEnum):
    """The result of an 8001 (2013 section 8.2)."""

    OK = 0
    FAILED = 1
    BAD_MESSAGE = 2
    UNSUPPORTED = 3


class Registration(IntEnum):
    """The result of an 8100 (2013 section 8.6)."""

    OK = 0
    NO_SUCH_TERMINAL = 4


class Jt808Session:
    """A decoder that answers (`devices.events.Decoder`): one per TCP connection.

    `terminals` gives the device id of a phone, None where it is unknown; it is asked for the phone as sent, without
    leading zeros, and filled up to 12 digits. `make_code` gives the authentication code of a phone as sent
    (`codes.keyed_codes`). `device` is the terminal's id from its authentication on. Without `messages` only readings,
    damage, answers and the hang-up come out. After a `Hangup` nothing more comes out.
    """

    def __init__(
        self,
        terminals: Callable[[str], str | None],
        make_code: Callable[[str], str],
        *,
        messages: bool = True,
    ) -> None:
        self.device: str | None = None
        self._terminals = terminals
        self._make_code = make_code
        self._messages = messages
        self._phone = ""
        self._edition: Edition = 2013
        self._serial = 0
        self._damaged_bytes = 0
        self._refusals = 0
        self._over = False
        self._deframer = Deframer()
        self._parts = Parts()

    def feed(self, data: bytes, received_at: datetime) -> list[Event]:
        """Readings before the answers that promise them; `received_at` only ends the wait for parts that stay away."""
        out: list[Event] = [*self._parts.expire(received_at)] if self._parts.held_bytes else []
        for event in self._deframer.feed(data):
            if self._over:
                break
            if isinstance(event, Damaged):
                self._damaged(event, out)
            else:
                self._damaged_bytes = 0
                self._take(event, received_at, out)
        return out

    def finish(self, received_at: datetime) -> list[Event]:  # noqa: ARG002 - the protocol's form
        """The connection has ended: an unfinished frame and messages whose parts did not all come, as damage."""
        if self._over:
            return []
        self._over = True
        return [*self._deframer.finish(), *self._parts.finish()]

    def _damaged(self, damage: Damaged, out: list[Event]) -> None:
        out.append(damage)
        self._damaged_bytes += len(damage.data)
        if self._damaged_bytes > DAMAGE_LIMIT_BYTES:
            self._hang_up(f"{self._damaged_bytes} damaged bytes without a frame", out)

    def _take(self, frame: Frame, received_at: datetime, out: list[Event]) -> None:
        if frame.id == 0x0100 and not frame.properties & SUBPACKAGED:
            self._edition = registered_edition(frame)
        if self._messages:
            out.append(decode_message(frame, self._edition))
        if frame.id == 0x0001:
            return  # an answer is not answered
        if frame.properties & ENCRYPTION:
            self._answer(frame, Result.UNSUPPORTED, out)
        elif frame.id == 0x0100:
            self._register(frame, out)
        elif frame.id == 0x0102:
            self._authenticate(frame, out)
        elif self.device is None or frame.phone != self._phone:
            self._refuse(frame, out)
        elif frame.properties & SUBPACKAGED:
            self._take_part(frame, received_at, out)
        else:
            self._answer(frame, self._serve(frame, self.device, out), out)
            if frame.id == 0x0003:
                self._hang_up("the terminal logged out", out)

    def _serve(self, frame: Frame, device: str, out: list[Event]) -> Result:
        """What an authenticated terminal's whole message means, and the result it earns."""
        try:
            if frame.id == 0x0200:
                position = read_position(frame.body, device)
                if position is not None:
                    out.append(position)
            elif frame.id == 0x0704:
                out += positions_in(frame.id, frame.body, device)
            elif frame.id not in (0x0002, 0x0003):
                return Result.UNSUPPORTED
        except NoReport as reason:
            out.append(Damaged(str(reason), frame.body))
            return Result.BAD_MESSAGE
        return Result.OK

    def _take_part(self, frame: Frame, received_at: datetime, out: list[Event]) -> None:
        if frame.id not in (0x0200, 0x0704):
            self._answer(frame, Result.UNSUPPORTED, out)
            return
        result = Result.OK if 1 <= frame.part <= frame.total else Result.BAD_MESSAGE
        for event in self._parts.add(frame, received_at):
            if isinstance(event, Damaged):
                out.append(event)
                continue
            if self._messages:
                out.append(assembled_message(event.frame, event.parts, self._edition))
            result = self._serve(event.frame, self.device or "", out)
        self._answer(frame, result, out)

    def _register(self, frame: Frame, out: list[Event]) -> None:
        known = self._device_of(frame.phone) is not None
        fields = {
            "answered_serial": frame.serial,
            "result": Registration.OK if known else Registration.NO_SUCH_TERMINAL,
            "code": self._make_code(frame.phone) if known else "",
        }
        self._send(frame, 0x8100, encode_body(0x8100, fields, edition_of(frame, self._edition)), out)
        if not known:
            self._count_refusal(out)

    def _authenticate(self, frame: Frame, out: list[Event]) -> None:
        device = self._device_of(frame.phone)
        code = decode_body(0x0102, frame.body, edition_of(frame, self._edition)).get("code")
        # Some terminals send the NUL that ended the code in their memory.
        sent = code.rstrip("\0 ").encode() if isinstance(code, str) else b""
        if device is None or not hmac.compare_digest(sent, self._make_code(frame.phone).encode()):
            self._refuse(frame, out)
            return
        self.device, self._phone = device, frame.phone
        self._answer(frame, Result.OK, out)

    def _device_of(self, phone: str) -> str | None:
        bare = bare_phone(phone)
        for written in (phone, bare, bare.zfill(12)):
            device = self._terminals(written)
            if device is not None:
                return device
        return None

    def _refuse(self, frame: Frame, out: list[Event]) -> None:
        self._answer(frame, Result.FAILED, out)
        self._count_refusal(out)

    def _count_refusal(self, out: list[Event]) -> None:
        self._refusals += 1
        if self._refusals >= REFUSAL_LIMIT:
            self._hang_up(f"{self._refusals} messages refused", out)

    def _hang_up(self, reason: str, out: list[Event]) -> None:
        self._over = True
        out.append(Hangup(reason))

    def _answer(self, frame: Frame, result: Result, out: list[Event]) -> None:
        self._send(frame, 0x8001, _GENERAL_ANSWER.pack(frame.serial, frame.id, result), out)

    def _send(self, frame: Frame, message: int, body: bytes, out: list[Event]) -> None:
        """To the terminal under its own phone and edition."""
        answer = make_frame(message, body, frame.phone, self._serial, is_2019=frame.is_2019)
        self._serial = (self._serial + 1) & 0xFFFF
        out.append(Answer(encode_frame(answer)))
