"""`edge-agent decode`: what the bytes of a device, from a file, a pipe or a port, say; one JSON object on each line."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import BinaryIO

from devices.events import Decoder, Event
from devices.protocols import PROTOCOLS
from edge_agent.tools.lines import write_line
from edge_agent.tools.recording import UNDATED, Opening, body

CHUNK_BYTES = 65536
OK, WRONG = 0, 2

#: Protocols whose times may lack their day: the recording's `Date` completes them. It says when a recording began,
#: which is not good enough to judge a device's clock by, so that no other decoder is told.
_COMPLETED_BY_DATE = ("nmea",)
#: Protocols that name their devices themselves, unless told a name.
_NAMED_ON_THE_WIRE = ("jt808",)


_NOT_HEX = re.compile(rb"[^0-9A-Fa-f\s]")


class BadInput(ValueError):
    """What was given cannot be read at all; the text is for the person who gave it."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.description = "Print what a device's bytes say, as JSON Lines (type: reading, message, damaged, answer)."
    parser.epilog = (
        "Exit code 0 if everything was read, damaged bytes included (they are lines of type damaged); "
        "2 if the file, the hex or an option is wrong. Protocols: "
        + "; ".join(f"{name}: {protocol.about}" for name, protocol in PROTOCOLS.items())
    )
    parser.add_argument("protocol", choices=sorted(PROTOCOLS), metavar="PROTOCOL", help=", ".join(sorted(PROTOCOLS)))
    parser.add_argument("file", nargs="?", default="-", metavar="FILE", help="a recording, or - for standard input")
    parser.add_argument("--hex", action="store_true", help="the input is hex text, blanks and line breaks ignored")
    parser.add_argument(
        "--device", metavar="ID", help="the device's id in readings (default: as the wire names it, or `device`)"
    )
    parser.add_argument(
        "--utc-offset",
        type=parse_utc_offset,
        default="+08:00",
        metavar="+HH:MM",
        help="the device's own clock (%(default)s)",
    )
    parser.add_argument(
        "--received-at",
        type=parse_received_at,
        metavar="TIME",
        help="when the bytes came, to complete and judge the device's dates: an ISO 8601 time, or now; "
        "default: the recording's Date, now for a terminal or serial port, else not known",
    )


def run(args: argparse.Namespace) -> int:
    """Decode until the input ends; the exit code."""
    unnamed = "" if args.protocol in _NAMED_ON_THE_WIRE else "device"
    decoder = PROTOCOLS[args.protocol].decoder(args.device or unnamed, args.utc_offset)
    try:
        with opened(args.file) as stream:
            live = os.isatty(stream.fileno())
            chunks = chunks_of(stream)
            opening = Opening()
            data = unhexed(chunks) if args.hex else body(chunks, opening)
            for events in _decoded(decoder, data, _Reception(args, opening, live=live)):
                _print(events)
    except BadInput as error:
        sys.stderr.write(f"decode: {error}\n")
        return WRONG
    except BrokenPipeError:
        # Whoever read our lines has seen enough; the interpreter must not try to flush them at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        pass
    return OK


class _Reception:
    """When bytes came in, as far as it is known."""

    def __init__(self, args: argparse.Namespace, opening: Opening, *, live: bool) -> None:
        self._given: datetime | str | None = args.received_at or ("now" if live else None)
        self._opening = opening if args.protocol in _COMPLETED_BY_DATE else None

    def at(self) -> datetime:
        if self._given == "now":
            return datetime.now(UTC)
        if isinstance(self._given, datetime):
            return self._given
        return (self._opening and self._opening.began_at()) or UNDATED


def _decoded(decoder: Decoder, data: Iterator[bytes], reception: _Reception) -> Iterator[list[Event]]:
    for chunk in data:
        yield decoder.feed(chunk, reception.at())
    yield decoder.finish(reception.at())


def _print(events: list[Event]) -> None:
    """All lines of a chunk at once, and at once to whoever reads them."""
    if events:
        sys.stdout.buffer.write(b"".join(write_line(event) + b"\n" for event in events))
        sys.stdout.buffer.flush()


@contextmanager
def opened(file: str) -> Iterator[BinaryIO]:
    """The file, or standard input for `-`. Raises BadInput."""
    if file == "-":
        yield sys.stdin.buffer
        return
    try:
        stream = open(file, "rb", buffering=0)  # noqa: PTH123, SIM115 - closed below; unbuffered for ports and pipes
    except OSError as error:
        raise BadInput(f"{file}: {error.strerror}") from error
    with stream:
        yield stream


def chunks_of(stream: BinaryIO) -> Iterator[bytes]:
    """What is there, as soon as it is there. Raises BadInput where reading fails (a folder, a lost port)."""
    try:
        while chunk := os.read(stream.fileno(), CHUNK_BYTES):
            yield chunk
    except OSError as error:
        raise BadInput(f"{stream.name}: {error.strerror}") from error


def unhexed(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The bytes that hex text stands for; chunks may split a pair of digits. Raises BadInput with the line."""
    line, held = 1, b""
    for chunk in chunks:
        wrong = _NOT_HEX.search(chunk)
        if wrong:
            line += chunk.count(b"\n", 0, wrong.start())
            raise BadInput(f"not hex in line {line}")
        line += chunk.count(b"\n")
        digits = held + b"".join(chunk.split())
        whole = len(digits) - len(digits) % 2
        held = digits[whole:]
        if whole:
            yield bytes.fromhex(digits[:whole].decode())
    if held:
        raise BadInput("an odd number of hex digits")


def parse_utc_offset(text: str) -> timedelta:
    """`+08:00`. Raises ArgumentTypeError."""
    try:
        offset = datetime.strptime(text, "%z").utcoffset()
    except ValueError:
        offset = None
    if offset is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not like +08:00")
    return offset


def parse_received_at(text: str) -> datetime | str:
    """An ISO 8601 time, UTC where it says no zone, or `now`. Raises ArgumentTypeError."""
    if text == "now":
        return text
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no ISO 8601 time") from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


if __name__ == "__main__":
    _parser = argparse.ArgumentParser(prog="edge-agent decode")
    configure(_parser)
    sys.exit(run(_parser.parse_args()))
