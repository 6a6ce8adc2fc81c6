"""`edge-agent encode`: the inverse of `decode`, from its JSON Lines to the bytes that a device would have sent."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Annotated, Any, BinaryIO

import msgspec

from devices.contract.readings import BloodPressure, TruckPosition
from devices.kiosk import hbp9030
from devices.truck import nmea
from devices.truck.jt808.messages import encode_message
from edge_agent.tools.decode import OK, WRONG, BadInput, opened, parse_utc_offset
from edge_agent.tools.lines import BadLine, read_line, reading_of, time_of


class Failed(msgspec.Struct, frozen=True):
    """The fields of an HBP-9030's error message."""

    error: Annotated[int, msgspec.Meta(ge=0, le=9)]
    movements: Annotated[int, msgspec.Meta(ge=0, le=9)] | None = None


class Options(argparse.Namespace):
    """What the encoders may ask."""

    talker: str
    utc_offset: timedelta


def configure(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.description = (
        "Turn JSON Lines, as `decode` prints them, back into bytes: messages for jt808; readings for nmea and hbp9030, "
        "and the hbp9030's error messages. Other lines (damaged, answers) stand for no bytes and are left out."
    )
    parser.epilog = (
        "Exit code 0, or 2 if a line cannot be encoded (its number and field are named; lines before it are)."
    )
    parser.add_argument("protocol", choices=sorted(ENCODERS), metavar="PROTOCOL", help=", ".join(sorted(ENCODERS)))
    parser.add_argument("file", nargs="?", default="-", metavar="FILE", help="JSON Lines, or - for standard input")
    parser.add_argument("--hex", action="store_true", help="print hex, one line for each line encoded")
    parser.add_argument("--talker", default="GN", help="talker of nmea sentences (%(default)s)")
    parser.add_argument(
        "--utc-offset",
        type=parse_utc_offset,
        default="+08:00",
        metavar="+HH:MM",
        help="the device's own clock (%(default)s)",
    )


def run(args: argparse.Namespace) -> int:
    """Encode until the input ends; the exit code."""
    options = Options(**vars(args))
    encode = ENCODERS[args.protocol]
    try:
        with opened(args.file) as stream:
            for number, line in enumerate(_lines(stream), 1):
                try:
                    data = encode(read_line(line), options) if line.strip() else b""
                except ValueError as error:
                    raise BadInput(f"line {number}: {error}") from error
                _print(data, as_hex=args.hex)
    except BadInput as error:
        sys.stderr.write(f"encode: {error}\n")
        return WRONG
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        pass
    return OK


def encode_jt808(line: dict[str, Any], options: Options) -> bytes:  # noqa: ARG001 - one form for all
    """A message as its frame; its readings say nothing more."""
    return encode_message(line) if line["type"] == "message" else b""


def encode_nmea(line: dict[str, Any], options: Options) -> bytes:
    """A position as the burst of a receiver."""
    if line["type"] != "reading":
        return b""
    position = reading_of(line)
    if not isinstance(position, TruckPosition):
        raise BadLine("nmea says truck positions only")
    return nmea.encode(position, options.talker)


def encode_hbp9030(line: dict[str, Any], options: Options) -> bytes:
    """A blood pressure, or a measurement that failed, as the monitor's line."""
    if line["type"] == "message" and line.get("id") == "error":
        try:
            failed = msgspec.convert(line.get("fields"), Failed)
        except msgspec.ValidationError as error:
            raise BadLine(f"fields: {error}") from error
        return hbp9030.encode_error(
            time_of(line.get("at")), failed.error, options.utc_offset, movements=failed.movements
        )
    if line["type"] != "reading":
        return b""
    pressure = reading_of(line)
    if not isinstance(pressure, BloodPressure):
        raise BadLine("hbp9030 says blood pressures only")
    return hbp9030.encode(pressure, options.utc_offset)


ENCODERS: dict[str, Callable[[dict[str, Any], Options], bytes]] = {
    "hbp9030": encode_hbp9030,
    "jt808": encode_jt808,
    "nmea": encode_nmea,
}


def _lines(stream: BinaryIO) -> Iterator[bytes]:
    """Lines as they come; iterating a buffered pipe would wait for more than one."""
    held = b""
    while chunk := os.read(stream.fileno(), 65536):
        *lines, held = (held + chunk).split(b"\n")
        yield from lines
    if held:
        yield held


def _print(data: bytes, *, as_hex: bool) -> None:
    if data:
        sys.stdout.buffer.write(data.hex().encode() + b"\n" if as_hex else data)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    _parser = argparse.ArgumentParser(prog="edge-agent encode")
    configure(_parser)
    sys.exit(run(_parser.parse_args()))
