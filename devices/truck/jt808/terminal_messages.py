"""What terminals say: the bodies of messages 0xxx and 1xxx, as data (JT/T 808 section 8, JT/T 1078, T/JSATL 12).

A new message is an entry here and nothing else: decoding, encoding and their tests read this table.
"""

from __future__ import annotations

from devices.truck.jt808.description import Described, body
from devices.truck.jt808.fields import Code, Count, Hex, Layout, Maybe, Number, OneOf, Repeat, Sized, Text, Time, Tlv
from devices.truck.jt808.location import BLOCK, REPORT
from devices.truck.jt808.parameters import PARAMETERS

_BYTE, _WORD, _DWORD = Number("B"), Number("H"), Number("I")
_MEDIA = (("media", _DWORD), ("type", _BYTE), ("format", _BYTE), ("event", _BYTE), ("channel", _BYTE))
_FILE = (("file", Sized("B", Text())), ("type", _BYTE), ("size", _DWORD))
_ALARM_FILES = (
    ("alarm_number", Text(32)),
    ("info_type", _BYTE),
    ("count", Count("B", "files")),
    ("files", Repeat(Layout(("file", Sized("B", Text())), ("size", _DWORD)), "count")),
)


def _registration(maker: int, model: int, terminal: int) -> Layout:
    """0100: the editions differ in the widths of three texts."""
    return body(
        ("province", _WORD),
        ("city", _WORD),
        ("maker", Text(maker)),
        ("model", Text(model)),
        ("terminal", Text(terminal)),
        ("plate_colour", _BYTE),
        ("plate", Text()),
    )


def _attributes(model: int, terminal: int) -> Layout:
    """0107: what the terminal is."""
    return body(
        ("type", _WORD),
        ("maker", Text(5)),
        ("model", Text(model)),
        ("terminal", Text(terminal)),
        ("iccid", Hex(10)),
        ("hardware", Sized("B", Text())),
        ("firmware", Sized("B", Text())),
        ("gnss", _BYTE),
        ("communication", _BYTE),
    )


def label(terminal: int, reserve: int) -> Layout:
    """The 16, 38 or 40 bytes that name an active-safety alarm (T/JSATL 12; Guangdong, Heilongjiang)."""
    fields = (("terminal", Text(terminal)), ("time", Time()), ("number", _BYTE), ("files", _BYTE))
    return Layout(*fields, ("reserve", Hex(reserve))) if reserve else Layout(*fields)


TERMINAL_MESSAGES: dict[int, Described] = {
    0x0001: Described(
        "general answer",
        body(("answered_serial", _WORD), ("answered_id", Code(2)), ("result", _BYTE)),
    ),
    # Some makers add battery %, signal strength and state: they come out as `rest`.
    0x0002: Described("heartbeat", body()),
    0x0003: Described("logout", body()),
    0x0004: Described("what time is it", body()),
    0x0005: Described(
        "send parts again",
        body(("first_serial", _WORD), ("count", Count("H", "parts")), ("parts", Repeat(_WORD, "count"))),
    ),
    0x0100: Described(
        "registration",
        _registration(5, 20, 7),
        edition_2011=_registration(5, 8, 7),
        edition_2019=_registration(11, 30, 30),
    ),
    0x0102: Described(
        "authentication",
        body(("code", Text())),
        edition_2019=body(("code", Sized("B", Text())), ("imei", Text(15)), ("software", Text(20))),
    ),
    0x0104: Described(
        "parameters",
        body(("answered_serial", _WORD), ("count", Count("B", "parameters")), ("parameters", Tlv(4, PARAMETERS))),
    ),
    0x0107: Described("attributes", _attributes(20, 7), edition_2019=_attributes(30, 30)),
    0x0200: Described("location", REPORT),
    0x0201: Described(
        "location on request",
        body(("answered_serial", _WORD), ("location", REPORT)),
    ),
    0x0301: Described("event", body(("event", _BYTE))),
    0x0302: Described("answer to a question", body(("answered_serial", _WORD), ("answer", _BYTE))),
    0x0303: Described("information wanted", body(("type", _BYTE), ("wanted", _BYTE))),
    0x0702: Described(
        "driver",
        body(
            ("status", _BYTE),
            ("time", Time()),
            ("result", Maybe(_BYTE)),
            ("name", Maybe(Sized("B", Text()))),
            ("licence", Maybe(Text(20))),
            ("agency", Maybe(Sized("B", Text()))),
            ("expires", Maybe(Hex(4))),
            ("id_card", Maybe(Text(20))),
        ),
        edition_2011=body(
            ("name", Sized("B", Text())),
            ("id_card", Text(20)),
            ("licence", Text(40)),
            ("agency", Sized("B", Text())),
        ),
    ),
    0x0704: Described(
        "locations in bulk",
        body(
            ("count", Count("H", "locations")),
            ("type", _BYTE),
            ("locations", Repeat(Sized("H", REPORT), "count")),
        ),
    ),
    0x0800: Described("media event", body(*_MEDIA)),
    0x0801: Described(
        "media",
        body(*_MEDIA, ("location", BLOCK), ("data", Hex())),
        edition_2011=body(*_MEDIA, ("data", Hex())),
    ),
    0x0805: Described(
        "camera shot taken",
        body(
            ("answered_serial", _WORD),
            ("result", _BYTE),
            ("count", Maybe(Count("H", "media"))),
            ("media", Maybe(Repeat(_DWORD, "count"))),
        ),
    ),
    0x0900: Described("passed through, upwards", body(("type", _BYTE), ("data", Hex()))),
    0x0901: Described("compressed", body(("data", Sized("I", Hex())))),
    0x0A00: Described("terminal's RSA key", body(("e", _DWORD), ("n", Hex(128)))),
    0x1003: Described(
        "audio and video abilities",
        body(
            ("audio_coding", _BYTE),
            ("audio_channels", _BYTE),
            ("audio_sample_rate", _BYTE),
            ("audio_sample_bits", _BYTE),
            ("audio_frame_bytes", _WORD),
            ("audio_output", _BYTE),
            ("video_coding", _BYTE),
            ("max_audio_channels", _BYTE),
            ("max_video_channels", _BYTE),
        ),
    ),
    0x1005: Described(
        "passengers",
        body(("from", Time()), ("to", Time()), ("boarded", _WORD), ("alighted", _WORD)),
    ),
    0x1205: Described(
        "recordings",
        body(
            ("answered_serial", _WORD),
            ("count", Count("I", "recordings")),
            (
                "recordings",
                Repeat(
                    Layout(
                        ("channel", _BYTE),
                        ("from", Time()),
                        ("to", Time()),
                        ("alarm", Number("Q")),
                        ("type", _BYTE),
                        ("stream", _BYTE),
                        ("storage", _BYTE),
                        ("size", _DWORD),
                    ),
                    "count",
                ),
            ),
        ),
    ),
    0x1206: Described("upload finished", body(("answered_serial", _WORD), ("result", _BYTE))),
    0x1210: Described(
        "alarm attachments",
        OneOf(
            jsatl12=Layout(("terminal", Text(7)), ("label", label(7, 1)), *_ALARM_FILES),
            guangdong=Layout(("terminal", Text(30)), ("label", label(30, 2)), *_ALARM_FILES),
            heilongjiang=Layout(("label", label(30, 0)), *_ALARM_FILES),
        ),
    ),
    0x1211: Described("attachment begins", body(*_FILE)),
    0x1212: Described("attachment ends", body(*_FILE)),
}
