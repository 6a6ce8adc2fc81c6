"""JT/T 808 frames that other people captured and described: every field of theirs is a field of ours.

Their names are translated by `NAMES`; a name that is in neither table fails the test, so that no field is skipped by
accident.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from devices.events import Damaged, Message
from devices.truck.jt808 import Deframer, Frame, Jt808Decoder, encode_frame, encode_message

NOW = datetime(2026, 3, 1, tzinfo=UTC)

NAMES = {
    "AgainPackageCount": "count",
    "AgainPackageList": "parts",
    "AlarmFlag": "alarm",
    "AlarmID": "alarm_number",
    "AlarmReserve": "reserve",
    "AlarmSign": "alarm",
    "AlightNumber": "alighted",
    "Altitude": "altitude_m",
    "AnswerContent": "text",
    "AnswerID": "answer",
    "AnswerList": "answers",
    "AttachCount": "count",
    "AttachNumber": "files",
    "AudioFrameLength": "audio_frame_bytes",
    "AudioVideoResourceList": "recordings",
    "AudioVideoResourceTotal": "count",
    "AudioVideoResourceType": "type",
    "AuthCode": "code",
    "BoardNumber": "boarded",
    "ChannelID": "channel",
    "ChannelNo": "channel",
    "Chroma": "chroma",
    "CityID": "city",
    "CloseAudioVideoData": "close",
    "Contrast": "contrast",
    "ControlCmd": "command",
    "DataLength": "length",
    "DataOffset": "offset",
    "DataType": "data_type",
    "DateTime": "time",
    "Direction": "course_deg",
    "EndTime": "to",
    "EnterAudioChannelsNumber": "audio_channels",
    "EnterAudioEncoding": "audio_coding",
    "EnterAudioSampleDigits": "audio_sample_bits",
    "EnterAudioSampleRate": "audio_sample_rate",
    "EventItemEncode": "event",
    "FTPAddr": "server",
    "FileName": "file",
    "FileSize": "size",
    "FileSizeByte": "size",
    "FileType": "type",
    "FileUploadPath": "path",
    "Flag": "flags",
    "HasSupportedAudioOutput": "audio_output",
    "ID": "answered_id",
    "InfoType": "info_type",
    "Intensity": "brightness",
    "Items": "locations",
    "Latitude": "latitude_udeg",
    "LicensePlateNumber": "plate",
    "LocationType": "type",
    "Longitude": "longitude_udeg",
    "ManufacturerID": "maker",
    "MediaType": "media",
    "MemoryPosition": "storage",
    "MemoryType": "storage",
    "MultimediaFormatEncode": "format",
    "MultimediaID": "media",
    "MultimediaIDList": "media",
    "MultimediaIDNumber": "count",
    "MultimediaPackage": "data",
    "MultimediaType": "type",
    "Num": "count",
    "OriginalSerialNumber": "first_serial",
    "P0x9212RetransmitPacketList": "missing",
    "P9208AlarmSign": "label",
    "PackageLossRate": "loss_percent",
    "ParamTotal": "count",
    "Password": "password",
    "PhotoIntervalOrVideoTime": "interval_s",
    "PlateColor": "plate_colour",
    "PlayControl": "control",
    "PlaySpeed": "factor",
    "PlaybackWay": "playback",
    "Port": "port",
    "ProvinceID": "province",
    "QuestionContent": "question",
    "Reserve": "reserve",
    "Resolution": "resolution",
    "RespondID": "answered_id",
    "RespondParamCount": "count",
    "RespondSerialNumber": "answered_serial",
    "Result": "result",
    "RetransmitPacketNumber": "count",
    "Saturation": "saturation",
    "SaveFlag": "keep",
    "SerialNumber": "answered_serial",
    "ServerAddr": "server",
    "ServerIPAddr": "server",
    "ShootCommand": "command",
    "SoftwareVersion": "software",
    "Speed": "speed_100m_h",
    "StartTime": "from",
    "StatusSign": "status",
    "StorageType": "storage",
    "StreamType": "stream",
    "T0x1210AlarmItemList": "files",
    "TaskExecuteCondition": "condition",
    "TcpPort": "tcp_port",
    "TerminalID": "terminal",
    "TerminalIMEI": "imei",
    "TerminalModel": "model",
    "TerminalSupportedMaxNumberOfAudioPhysicalChannels": "max_audio_channels",
    "TerminalSupportedMaxNumberOfVideoPhysicalChannels": "max_video_channels",
    "Text": "text",
    "Time": "time",
    "TimeInterval": "interval_s",
    "TrackValidity": "valid_s",
    "UdpPort": "udp_port",
    "UploadControl": "control",
    "UploadResult": "result",
    "Username": "user",
    "VideoEncoding": "video_coding",
    "VideoQuality": "quality",
}
#: Under an alarm's label two names mean something else.
LABEL_NAMES = {"SerialNumber": "number", "AttachNumber": "files"}
#: Lengths of what stands beside them, bits of words that are compared whole, and the reader's own inner state.
DERIVED = {
    "Len",
    "AuthCodeLen",
    "ServerIPLen",
    "FTPAddrLen",
    "UsernameLen",
    "PasswordLen",
    "FileUploadPathLen",
    "FileNameLen",
    "QuestionContentLen",
    "AnswerContentLen",
    "AlarmSignDetails",
    "StatusSignDetails",
    "BaseHandle",
    "ParamParseBeforeFunc",
}
VARIANTS = {"consts.ActiveSafetyGD": "guangdong", "consts.ActiveSafetyHLJ": "heilongjiang"}


def cases(samples: Path, kind: str) -> list[dict[str, Any]]:
    lines = (samples / "jt808" / "frames.jsonl").read_text(encoding="utf-8").splitlines()
    found = [case for case in map(json.loads, lines) if case["kind"] == kind]
    assert found, f"no {kind} cases among the samples"
    return found


def as_bytes(digits: str) -> bytes:
    """Two of the stream cases end in half a byte."""
    return bytes.fromhex(digits[: len(digits) // 2 * 2])


def read(data: bytes) -> Message:
    """The one message in a frame."""
    (message, *_) = Jt808Decoder("truck-1").feed(data, NOW)
    assert isinstance(message, Message)
    return message


def differences(expected: Any, ours: Any, message: Message, where: str = "") -> list[str]:
    """Every field of theirs that ours do not have, or have with another value."""
    wrong: list[str] = []
    for name, value in expected.items():
        place = f"{where}.{name}"
        if name in DERIVED or (name == "Flag" and any("TextFlagDetails" in other for other in expected)):
            continue  # they leave the flag at 0 where they took it apart
        if name.endswith("TextFlagDetails"):
            if all(value.values()) != (ours["flags"] == 0xFF):
                wrong.append(f"{place}: {value} and {ours['flags']}")
        elif name == "Version":
            if value["go"] != f"consts.JT808Protocol{message.header['version']}":
                wrong.append(f"{place}: {value} and {message.header['version']}")
        elif name == "ActiveSafetyType":
            if VARIANTS[value["go"]] != message.fields["variant"]:
                wrong.append(f"{place}: {value} and {message.fields['variant']}")
        elif name == "TerminalParamDetails":
            wrong += parameter_differences(value, ours["parameters"], place)
        elif name in ("T0x0200LocationItem", "T0x1211"):
            wrong += differences(value, ours.get("location", ours), message, place)
        else:
            renamed = (LABEL_NAMES if where.endswith("P9208AlarmSign") else {}).get(name) or NAMES[name]
            wrong += value_differences(value, ours.get(renamed), message, place)
    return wrong


def value_differences(value: Any, mine: Any, message: Message, place: str) -> list[str]:
    if isinstance(value, dict) and "go" in value:
        return [] if mine is not None else [f"{place} is missing"]  # an expression of their language
    if isinstance(value, dict):
        return differences(value, mine, message, place)
    if isinstance(value, list) and value and isinstance(value[0], dict):
        if len(value) != len(mine):
            return [f"{place}: {len(value)} and {len(mine)}"]
        pairs = enumerate(zip(value, mine, strict=True))
        return [line for index, pair in pairs for line in differences(*pair, message, f"{place}[{index}]")]
    if isinstance(mine, str) and mine.startswith("0x"):
        mine = int(mine, 16)
    if isinstance(value, list) and isinstance(mine, str):
        mine = list(bytes.fromhex(mine))
    absent = mine is None and value in ("", None)
    return [] if mine == value or absent else [f"{place}: {value!r} and {mine!r}"]


def parameter_differences(expected: dict[str, Any], ours: list[dict[str, Any]], place: str) -> list[str]:
    values = {}
    for parameter in ours:
        ((name, value),) = ((name, value) for name, value in parameter.items() if name != "id")
        if name == "hex":
            value = list(bytes.fromhex(value))
        elif isinstance(value, dict):
            value = list(value.values())
        values[int(parameter["id"], 16)] = value
    listed = {**expected, **expected.get("OtherContent", {})}
    wrong = []
    for name, parameter in listed.items():
        if name in DERIVED or name == "OtherContent" or not parameter:
            continue
        mine, value = values.get(parameter["ID"]), parameter["Value"]
        if isinstance(mine, int) and isinstance(value, list):
            value = int.from_bytes(bytes(value), "big")  # a number to us, bytes to them
        if mine != value:
            wrong.append(f"{place}.{name}: {value!r} and {mine!r}")
    return wrong


def test_every_captured_frame_gives_the_fields_that_its_captor_saw(samples: Path) -> None:
    wrong = []
    for case in cases(samples, "fields"):
        message = read(as_bytes(case["hex"]))
        seen = dict(case["expected"] or {})
        wrong += [f"{case['name']}: {line}" for line in differences(seen, message.fields, message)]
    assert not wrong, "\n".join(wrong)


def test_every_captured_frame_has_the_header_that_its_captor_saw(samples: Path) -> None:
    for case in cases(samples, "fields"):
        message = read(as_bytes(case["hex"]))
        found = (message.id, message.header["phone"], message.header["serial"], message.header.get("encryption", 0))
        assert found == (case["msg_id"], case["phone"], case["serial"], case["encryption"]), case["name"]
        assert str(message.header["version"]) in case["version"] or message.header["version"] == 2011


def test_no_captured_frame_is_only_hex(samples: Path) -> None:
    for case in cases(samples, "fields"):
        fields = read(as_bytes(case["hex"])).fields
        assert "hex" not in fields, case["name"]
        assert "rest" not in fields, case["name"]


def test_every_captured_frame_is_encoded_again_to_the_same_bytes(samples: Path) -> None:
    for case in cases(samples, "fields"):
        data = as_bytes(case["hex"])
        message = read(data)
        line = {"id": message.id, **message.header, "fields": message.fields}
        assert encode_message(json.loads(json.dumps(line))) == data, case["name"]


def test_captured_frames_are_of_all_message_ids_of_the_samples(samples: Path) -> None:
    assert len({case["msg_id"] for case in cases(samples, "fields")}) >= 41


@pytest.mark.parametrize("chunk", [1, 7, 4096])
def test_streams_split_into_the_messages_that_their_captor_saw(samples: Path, chunk: int) -> None:
    for case in cases(samples, "stream"):
        data, expected = as_bytes(case["hex"]), case["expect"]
        deframer = Deframer()
        events = [event for at in range(0, len(data), chunk) for event in deframer.feed(data[at : at + chunk])]
        frames = [encode_frame(event).hex() for event in events if isinstance(event, Frame)]
        damaged = any(isinstance(event, Damaged) for event in events)
        assert damaged == expected["error"], case["name"]
        if damaged and expected["pending_bytes"]:
            # Their reader stops at damage and leaves the rest; ours reads on, and finds that it is a message.
            expected["msgs"].append(case["hex"][-2 * expected["pending_bytes"] :])
            expected["pending_bytes"] = 0
        assert frames == expected["msgs"], case["name"]
        assert deframer.pending == expected["pending_bytes"], case["name"]
