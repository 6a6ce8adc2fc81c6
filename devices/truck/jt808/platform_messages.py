"""What the platform says: the bodies of messages 8xxx and 9xxx, as data (JT/T 808 section 8, JT/T 1078, T/JSATL 12)."""

from __future__ import annotations

from devices.truck.jt808.description import Described, body
from devices.truck.jt808.fields import (
    Code,
    Count,
    Field,
    Hex,
    Layout,
    Maybe,
    Number,
    OneOf,
    Repeat,
    Sized,
    Text,
    Time,
    Tlv,
)
from devices.truck.jt808.parameters import PARAMETERS
from devices.truck.jt808.terminal_messages import label

_BYTE, _WORD, _DWORD = Number("B"), Number("H"), Number("I")
_SERVER: tuple[tuple[str, Field], ...] = (("server", Sized("B", Text())), ("tcp_port", _WORD), ("udp_port", _WORD))
_SPAN: tuple[tuple[str, Field], ...] = (("from", Time()), ("to", Time()))


def _attachments(label_layout: Layout) -> Layout:
    """9208: where an alarm's files are wanted."""
    return Layout(*_SERVER, ("label", label_layout), ("alarm_number", Text(32)), ("reserve", Hex(16)))


PLATFORM_MESSAGES: dict[int, Described] = {
    0x8001: Described(
        "general answer",
        body(("answered_serial", _WORD), ("answered_id", Code(2)), ("result", _BYTE)),
    ),
    0x8003: Described(
        "send parts again",
        body(("first_serial", _WORD), ("count", Count("B", "parts")), ("parts", Repeat(_WORD, "count"))),
        edition_2019=body(("first_serial", _WORD), ("count", Count("H", "parts")), ("parts", Repeat(_WORD, "count"))),
    ),
    0x8004: Described("the time", body(("time", Time()))),
    0x8100: Described(
        "registration's answer",
        body(("answered_serial", _WORD), ("result", _BYTE), ("code", Text())),
    ),
    0x8103: Described(
        "set parameters",
        body(("count", Count("B", "parameters")), ("parameters", Tlv(4, PARAMETERS))),
    ),
    0x8104: Described("ask for all parameters", body()),
    0x8105: Described("control", body(("command", _BYTE), ("parameters", Text()))),
    0x8106: Described("ask for parameters", body(("count", Count("B", "ids")), ("ids", Repeat(Code(4), "count")))),
    0x8107: Described("ask for attributes", body()),
    0x8201: Described("ask for the location", body()),
    0x8202: Described("follow", body(("interval_s", _WORD), ("valid_s", Maybe(_DWORD)))),
    0x8203: Described("confirm an alarm", body(("answered_serial", _WORD), ("alarms", _DWORD))),
    0x8204: Described("check the link", body()),
    0x8300: Described(
        "text",
        body(("flags", _BYTE), ("text", Text())),
        edition_2019=body(("flags", _BYTE), ("type", _BYTE), ("text", Text())),
    ),
    0x8302: Described(
        "question",
        body(
            ("flags", _BYTE),
            ("question", Sized("B", Text())),
            ("answers", Repeat(Layout(("answer", _BYTE), ("text", Sized("H", Text()))))),
        ),
    ),
    0x8800: Described(
        "media's answer",
        body(
            ("media", _DWORD),
            ("count", Maybe(Count("B", "parts"))),
            ("parts", Maybe(Repeat(_WORD, "count"))),
        ),
    ),
    0x8801: Described(
        "take a picture",
        body(
            ("channel", _BYTE),
            ("command", _WORD),
            ("interval_s", _WORD),
            ("keep", _BYTE),
            ("resolution", _BYTE),
            ("quality", _BYTE),
            ("brightness", _BYTE),
            ("contrast", _BYTE),
            ("saturation", _BYTE),
            ("chroma", _BYTE),
        ),
    ),
    0x8900: Described("passed through, downwards", body(("type", _BYTE), ("data", Hex()))),
    0x8A00: Described("platform's RSA key", body(("e", _DWORD), ("n", Hex(128)))),
    0x9003: Described("ask for audio and video abilities", body()),
    0x9101: Described(
        "send live video",
        body(*_SERVER, ("channel", _BYTE), ("data_type", _BYTE), ("stream", _BYTE)),
    ),
    0x9102: Described(
        "control live video",
        body(("channel", _BYTE), ("command", _BYTE), ("close", _BYTE), ("stream", _BYTE)),
    ),
    0x9105: Described("live video's losses", body(("channel", _BYTE), ("loss_percent", _BYTE))),
    0x9201: Described(
        "play a recording",
        body(
            *_SERVER,
            ("channel", _BYTE),
            ("media", _BYTE),
            ("stream", _BYTE),
            ("storage", _BYTE),
            ("playback", _BYTE),
            ("factor", _BYTE),
            *_SPAN,
        ),
    ),
    0x9202: Described(
        "control a recording's playing",
        body(("channel", _BYTE), ("control", _BYTE), ("factor", _BYTE), ("time", Time())),
    ),
    0x9205: Described(
        "ask for recordings",
        body(
            ("channel", _BYTE),
            *_SPAN,
            ("alarm", Number("Q")),
            ("media", _BYTE),
            ("stream", _BYTE),
            ("storage", _BYTE),
        ),
    ),
    0x9206: Described(
        "upload files",
        body(
            ("server", Sized("B", Text())),
            ("port", _WORD),
            ("user", Sized("B", Text())),
            ("password", Sized("B", Text())),
            ("path", Sized("B", Text())),
            ("channel", _BYTE),
            *_SPAN,
            ("alarm", Number("Q")),
            ("media", _BYTE),
            ("stream", _BYTE),
            ("storage", _BYTE),
            ("condition", _BYTE),
        ),
    ),
    0x9207: Described("control an upload", body(("answered_serial", _WORD), ("control", _BYTE))),
    0x9208: Described(
        "send an alarm's attachments",
        OneOf(
            jsatl12=_attachments(label(7, 1)),
            guangdong=_attachments(label(30, 2)),
            heilongjiang=_attachments(label(30, 0)),
        ),
    ),
    0x9212: Described(
        "attachment's answer",
        body(
            ("file", Sized("B", Text())),
            ("type", _BYTE),
            ("result", _BYTE),
            ("count", Maybe(Count("B", "missing"))),
            ("missing", Maybe(Repeat(Layout(("offset", _DWORD), ("length", _DWORD)), "count"))),
        ),
    ),
}
