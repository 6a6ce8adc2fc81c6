"""`edge-agent capture`: keep what a live device says as a recording, to decode it, play it again or send it on."""

from __future__ import annotations

import argparse
import os
import select
import sys
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO, Protocol

from devices.contract.readings import Reading
from devices.events import Damaged, Decoder, Message
from devices.protocols import PROTOCOLS
from edge_agent.tools.recording import write_header

OK, DEVICE_LOST, WRONG = 0, 1, 2
READ_BYTES = 4096
#: How often a person sees that bytes come, and how soon a deadline is noticed.
TICK_S = 0.25


class CannotRecord(Exception):
    """The device cannot be opened, or the file not be written; the text is for the technician."""


class DeviceLost(Exception):
    """The device ended the connection or was pulled out. What it said until then is in the file."""


class Port(Protocol):
    """What is used of a port of pyserial, opened with timeout 0."""

    def fileno(self) -> int:
        """The descriptor to wait on."""
        ...

    def read(self, size: int) -> bytes:
        """What is there."""
        ...

    def close(self) -> None:
        """Give the port back."""
        ...


def configure(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.description = (
        "Record a live device: a header of # lines, then its bytes as they came. The file is readable by its owner "
        "only, because what a kiosk says may name a patient. Ctrl-C ends the recording."
    )
    parser.epilog = (
        "Exit code 0; 1 if the device went away (what came is kept); 2 if it cannot be opened or the file exists."
    )
    parser.add_argument("source", metavar="SOURCE", help="a serial port's path, or socket://host:port")
    parser.add_argument("file", type=Path, metavar="FILE", help="the recording to write")
    parser.add_argument("--baud", type=int, default=9600, help="bits per second (%(default)s)")
    parser.add_argument("--bytesize", type=int, choices=(5, 6, 7, 8), default=8, help="data bits (%(default)s)")
    parser.add_argument(
        "--parity", choices=tuple("NEOMS"), default="N", help="none, even, odd, mark, space (%(default)s)"
    )
    parser.add_argument("--stopbits", type=float, choices=(1, 1.5, 2), default=1, help="stop bits (%(default)s)")
    parser.add_argument("--seconds", type=float, metavar="N", help="end after N seconds")
    parser.add_argument("--protocol", choices=sorted(PROTOCOLS), help="show what is understood while recording")
    parser.add_argument("--name", default="", help="what the device is, for the header")
    parser.add_argument("--note", default="", help="what the reader must know, for the header")
    parser.add_argument("--force", action="store_true", help="replace a file that exists")


def run(args: argparse.Namespace) -> int:
    """Record until Ctrl-C, the time is up or the device goes; the exit code."""
    try:
        port = _open_port(args)
        try:
            with _create(args.file, replace=args.force) as file:
                file.write(_header(args, datetime.now(UTC)))
                return _record(port, file, args)
        finally:
            port.close()
    except CannotRecord as error:
        sys.stderr.write(f"capture: {error}\n")
        return WRONG


class Progress:
    """What has come so far: bytes, their rate, and with a protocol what they mean."""

    def __init__(self, decoder: Decoder | None, started_s: float) -> None:
        self.bytes = 0
        self._decoder = decoder
        self._counts: Counter[str] = Counter()
        self._since_s = started_s
        self._bytes_then = 0
        self._rate = 0.0

    def add(self, data: bytes, received_at: datetime) -> None:
        """Take what came."""
        self.bytes += len(data)
        for event in self._decoder.feed(data, received_at) if self._decoder else ():
            match event:
                case Reading():
                    self._counts["readings"] += 1
                case Damaged():
                    self._counts["damaged"] += 1
                case Message():
                    self._counts["messages"] += 1
                case _:
                    pass

    def line(self, now_s: float) -> str:
        """For a person: `12,345 bytes, 960 bytes/s, 12 readings, 1 damaged`. The rate is over at least a second."""
        if now_s - self._since_s >= 1:
            self._rate = (self.bytes - self._bytes_then) / (now_s - self._since_s)
            self._since_s, self._bytes_then = now_s, self.bytes
        understood = [f"{self._counts[what]:,} {what}" for what in ("readings", "messages", "damaged")]
        return ", ".join(
            [f"{self.bytes:,} bytes", f"{self._rate:,.0f} bytes/s", *(understood if self._decoder else [])]
        )


def _record(port: Port, file: BinaryIO, args: argparse.Namespace) -> int:
    started_s = time.monotonic()
    decoder = PROTOCOLS[args.protocol].decoder("device", timedelta(hours=8)) if args.protocol else None
    progress = Progress(decoder, started_s)
    code, end = OK, "ended"
    try:
        for data in _received(port):
            file.write(data)
            now_s = time.monotonic()
            if data:
                progress.add(data, datetime.now(UTC))
            if sys.stderr.isatty():
                sys.stderr.write(f"\r{progress.line(now_s)}   ")
            if args.seconds is not None and now_s - started_s >= args.seconds:
                break
    except DeviceLost as error:
        code, end = DEVICE_LOST, str(error)
    except KeyboardInterrupt:
        end = "stopped"
    except OSError as error:
        raise CannotRecord(f"{args.file}: {error.strerror}") from error
    os.fsync(file.fileno())
    sys.stderr.write(f"\n{end}: {progress.line(time.monotonic())} in {args.file}\n")
    return code


def _received(port: Port) -> Iterator[bytes]:
    """What comes, as it comes; nothing for a tick in which nothing came. Raises DeviceLost."""
    while True:
        try:
            ready, _, _ = select.select([port.fileno()], [], [], TICK_S)
            data = port.read(READ_BYTES) if ready else b""
        # pyserial's errors are OSErrors; TypeError is what it makes of a descriptor closed under it.
        except (OSError, TypeError) as error:
            raise DeviceLost(f"the device went away ({error})") from error
        yield data


def _open_port(args: argparse.Namespace) -> Port:
    import serial

    try:
        port: Port = serial.serial_for_url(
            args.source,
            baudrate=args.baud,
            bytesize=args.bytesize,
            parity=args.parity,
            stopbits=args.stopbits,
            timeout=0,
        )
    except (OSError, ValueError) as error:
        raise CannotRecord(f"{args.source}: {error}") from error
    return port


def _create(path: Path, *, replace: bool) -> BinaryIO:
    """The file, new, for its owner only, and unbuffered: what came is in it even if the power goes."""
    flags = os.O_WRONLY | os.O_CREAT | (os.O_TRUNC if replace else os.O_EXCL)
    try:
        return os.fdopen(os.open(path, flags, 0o600), "wb", buffering=0)
    except FileExistsError as error:
        raise CannotRecord(f"{path} exists; give another name, or --force") from error
    except OSError as error:
        raise CannotRecord(f"{path}: {error.strerror}") from error


def _header(args: argparse.Namespace, at: datetime) -> bytes:
    line = "" if "://" in args.source else f", {args.baud} baud {args.bytesize}{args.parity}{args.stopbits:g}"
    return write_header(
        {
            "Name": args.name or args.source,
            "Protocol": args.protocol or "",
            "Date": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "Source": f"{args.source}{line}",
            "Note": args.note,
        }
    )


if __name__ == "__main__":
    _parser = argparse.ArgumentParser(prog="edge-agent capture")
    configure(_parser)
    sys.exit(run(_parser.parse_args()))
