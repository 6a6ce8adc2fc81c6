"""The messages on the wire: a batch of readings, the receipt that answers it, birth and state.

A `readings` message is JSON:

    {"v":1,"gateway":"gw-07","boot":"k3q7c2m5","seq":41,"sent_at":"2026-03-01T02:03:04.120Z","readings":[
      {"kind":"truck_position","device":"truck-012","at":"2026-03-01T02:03:03Z","clock":"gnss",
       "latitude":30.27,"longitude":119.95,"speed_kmh":43.2}]}

`boot` and `seq` name one row of the gateway's spool: a new `boot` per start of the agent, `seq` from 1 within it. A
message sent again has the same two. They travel as MQTT user properties too, so that a payload nobody can read still
gets its receipt. MQTT 5 `content-type` is `application/json`, or `application/json+zlib` for a zlib stream of it.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Raw, Struct

from devices.contract.quantity import END, Id
from devices.contract.readings import Reading, Utc, WireReading

VERSION = 1
#: What any broker takes. A spool row stays far below it (100 readings of about 150 bytes).
MAX_MESSAGE_BYTES = 256 * 1024
#: What a compressed message may unpack to: a bound against decompression bombs.
MAX_UNPACKED_BYTES = 2 * 1024 * 1024

JSON: Final = "application/json"
JSON_ZLIB: Final = "application/json+zlib"
ContentType = Literal["application/json", "application/json+zlib"]

Boot = Annotated[str, Meta(pattern=r"^[a-z0-9]{4,32}" + END)]
Seq = Annotated[int, Meta(ge=1, le=2**53)]


class Unreadable(Exception):
    """The payload breaks the contract; the text says where and why."""


class ReadingsMessage(Struct, frozen=True, kw_only=True):
    """One row of a gateway's spool on its way to the county."""

    v: Literal[1] = 1
    gateway: Id
    boot: Boot
    seq: Seq
    sent_at: Utc
    readings: list[WireReading]


class Envelope(Struct, frozen=True, kw_only=True):
    """A readings message whose readings are not looked at: used to send a stored row, and to salvage a bad batch."""

    v: Literal[1] = 1
    gateway: Id
    boot: Boot
    seq: Seq
    sent_at: Utc
    readings: Raw


class Refused(Struct, frozen=True, kw_only=True):
    """What of a message went to quarantine, and why."""

    seq: Seq
    reason: Annotated[str, Meta(max_length=300)]


class Receipt(Struct, frozen=True, kw_only=True):
    """The county has these rows of this boot: inclusive ranges of `seq`. The spool may delete them."""

    v: Literal[1] = 1
    gateway: Id
    boot: Boot
    ranges: list[tuple[Seq, Seq]]
    at: Utc
    refused: list[Refused] = []


class DeviceBirth(Struct, frozen=True, kw_only=True):
    """One device in a gateway's birth message."""

    device: Id
    kind: Literal["truck", "kiosk", "camera"]
    protocol: str
    wire: str = ""


class Birth(Struct, frozen=True, kw_only=True):
    """A gateway introduces itself after each connect: who it is, what it runs, which devices it reads."""

    v: Literal[1] = 1
    gateway: Id
    boot: Boot
    at: Utc
    software: str
    devices: list[DeviceBirth]


class State(Struct, frozen=True, kw_only=True):
    """A gateway's presence, retained. `offline` with reason `lost` is the last will."""

    v: Literal[1] = 1
    gateway: Id
    boot: Boot
    state: Literal["online", "offline"]
    at: Utc
    reason: Literal["", "stopped", "lost"] = ""


#: How msgspec refuses bytes; a RecursionError is what nesting thousands deep makes of it.
_DAMAGE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

_encoder = msgspec.json.Encoder()
_message = msgspec.json.Decoder(ReadingsMessage)
_envelope = msgspec.json.Decoder(Envelope)
_receipt = msgspec.json.Decoder(Receipt)
_birth = msgspec.json.Decoder(Birth)
_state = msgspec.json.Decoder(State)
_raw_list = msgspec.json.Decoder(list[Raw])
_reading = msgspec.json.Decoder(WireReading)


def encode(message: Struct) -> bytes:
    """Any message of this module as JSON."""
    return _encoder.encode(message)


def encode_readings(readings: Sequence[Reading]) -> bytes:
    """The JSON list that stands under `readings`: what a spool row holds."""
    return _encoder.encode(readings)


def pack(payload: bytes, content_type: ContentType) -> bytes:
    """The payload as it travels under that content type."""
    return zlib.compress(payload, 1) if content_type == JSON_ZLIB else payload


def unpack(payload: bytes, content_type: str) -> bytes:
    """The JSON inside a payload. Raises Unreadable for an unknown type, a damaged stream or one that is too large."""
    if content_type in (JSON, ""):
        if len(payload) > MAX_UNPACKED_BYTES:
            raise Unreadable(f"{len(payload)} bytes: larger than {MAX_UNPACKED_BYTES}")
        return payload
    if content_type != JSON_ZLIB:
        raise Unreadable(f"content type {content_type[:80]!r} is not known")
    inflate = zlib.decompressobj()
    try:
        out = inflate.decompress(payload, MAX_UNPACKED_BYTES)
    except zlib.error as error:
        raise Unreadable(f"damaged zlib stream: {error}") from error
    if inflate.unconsumed_tail:
        raise Unreadable(f"unpacks to more than {MAX_UNPACKED_BYTES} bytes")
    if not inflate.eof:
        raise Unreadable("zlib stream ends early")
    return out


def decode_readings(payload: bytes) -> ReadingsMessage:
    """A whole readings message, every reading checked. Raises Unreadable, naming the field."""
    try:
        return _message.decode(payload)
    except _DAMAGE as error:
        raise Unreadable(str(error)) from error


def salvage(payload: bytes) -> tuple[Envelope, list[WireReading], list[tuple[bytes, str]]]:
    """A message some of whose readings are bad: the envelope, the good ones, and each bad one with its reason.

    Raises Unreadable where even the envelope cannot be read.
    """
    try:
        envelope = _envelope.decode(payload)
        parts = _raw_list.decode(envelope.readings)
    except _DAMAGE as error:
        raise Unreadable(str(error)) from error
    good: list[WireReading] = []
    bad: list[tuple[bytes, str]] = []
    for part in parts:
        try:
            good.append(_reading.decode(part))
        except _DAMAGE as error:
            bad.append((bytes(part), str(error)))
    return envelope, good, bad


def decode_receipt(payload: bytes) -> Receipt:
    """A receipt. Raises Unreadable."""
    try:
        return _receipt.decode(payload)
    except _DAMAGE as error:
        raise Unreadable(str(error)) from error


def decode_birth(payload: bytes) -> Birth:
    """A gateway's birth. Raises Unreadable."""
    try:
        return _birth.decode(payload)
    except _DAMAGE as error:
        raise Unreadable(str(error)) from error


def decode_state(payload: bytes) -> State:
    """A gateway's state. Raises Unreadable."""
    try:
        return _state.decode(payload)
    except _DAMAGE as error:
        raise Unreadable(str(error)) from error
