"""`edge-agent replay`: a recording as a device, on a pseudo-terminal that any program opens as it would a serial port.

Pace, from what a recording has in itself: `baud` sends as fast as a line of that speed would (ten bits a byte); `time`
sends each NMEA epoch when its time of day is due, as the receiver did.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import select
import struct
import sys
import termios
import time
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from devices.truck.nmea.frames import Deframer, Frame
from devices.truck.nmea.messages import DAY_US, Gsa, Txt, Vtg, decode
from edge_agent.tools.recording import Opening

OK, WRONG = 0, 2
#: A byte on an asynchronous line: start bit, eight data bits, stop bit.
BITS_PER_BYTE = 10
#: Longer silences are cut to this: a recording from which somebody removed an hour must not stand still for it.
LONGEST_PAUSE_S = 10.0
#: Programs throw away what they find when they open a port; what is sent right then would be lost.
SETTLE_S = 0.25
POLL_S = 0.02
#: How long a reader may take to read the last bytes before the line is closed on it.
DRAIN_S = 5.0


class Part(NamedTuple):
    """Bytes, and how many seconds after the recording's start they are due."""

    due_s: float
    data: bytes


class CannotReplay(Exception):
    """The recording cannot be read, or the link not be made; the text is for the person who asked."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.description = (
        "Play a recording through a pseudo-terminal. Its path is printed; playing begins when a program opens it. "
        "While no program has it open, bytes are lost, as on a real line."
    )
    parser.epilog = "Exit code 0, or 2 if the recording cannot be read or an option is wrong."
    parser.add_argument("file", type=Path, metavar="FILE", help="the recording; its header is not played")
    parser.add_argument("--link", type=Path, metavar="PATH", help="a symbolic link to make to the pseudo-terminal")
    parser.add_argument(
        "--pace",
        choices=("baud", "time"),
        default="baud",
        help="baud: at the speed of the line; time: NMEA, when the times in it say (%(default)s)",
    )
    parser.add_argument("--baud", type=_positive, default=9600, help="the line's speed for --pace baud (%(default)g)")
    parser.add_argument("--speed", type=_positive, default=1.0, metavar="F", help="F times as fast (%(default)g)")
    parser.add_argument("--loop", action="store_true", help="begin again at the end, until Ctrl-C")


def run(args: argparse.Namespace) -> int:
    """Play to the end, or until Ctrl-C; the exit code."""
    try:
        data = _read(args.file)
        with _pseudo_terminal() as (master, path), _linked(args.link, path):
            sys.stdout.write(f"{args.link or path}\n")
            sys.stdout.flush()
            _wait_for_reader(master)
            while True:
                parts = by_baud(data, args.baud) if args.pace == "baud" else by_time(data)
                _play(master, parts, args.speed)
                if not args.loop:
                    break
            _drain(path)
    except CannotReplay as error:
        sys.stderr.write(f"replay: {error}\n")
        return WRONG
    except KeyboardInterrupt:
        pass
    return OK


def by_baud(data: bytes, baud: float) -> Iterator[Part]:
    """Pieces of a fiftieth of a second of that line."""
    size = max(1, int(baud / BITS_PER_BYTE / 50))
    for at in range(0, len(data), size):
        yield Part(at * BITS_PER_BYTE / baud, data[at : at + size])


def by_time(data: bytes) -> Iterator[Part]:
    """Lines of an NMEA recording, due when the times of day in them say; lines without time follow the one before."""
    due_s = 0.0
    last_us: int | None = None
    for line in data.splitlines(keepends=True):
        time_us = _time_us(line)
        if time_us is not None and last_us is not None:
            due_s += min((time_us - last_us) % DAY_US / 1e6, LONGEST_PAUSE_S)
        last_us = last_us if time_us is None else time_us
        yield Part(due_s, line)


def _time_us(line: bytes) -> int | None:
    """The time of day that an intact sentence says."""
    deframer = Deframer()
    for frame in (*deframer.feed(line), *deframer.finish()):
        sentence = decode(frame) if isinstance(frame, Frame) else None
        if isinstance(sentence, tuple) and not isinstance(sentence, Gsa | Vtg | Txt):
            return getattr(sentence, "time_us", None)
    return None


def _play(master: int, parts: Iterator[Part], speed: float) -> None:
    """Write each part when it is due; a reader that is slow is waited for, one that is gone misses it."""
    start_s = time.monotonic()
    for part in parts:
        wait_s = part.due_s / speed - (time.monotonic() - start_s)
        if wait_s > 0:
            time.sleep(wait_s)
        rest = part.data
        while rest and not _hung_up(master):
            if select.select([], [master], [], POLL_S)[1]:
                rest = rest[os.write(master, rest) :]


def _hung_up(master: int) -> bool:
    """Whether no program has the other side open."""
    poll = select.poll()
    poll.register(master, 0)
    return any(event & select.POLLHUP for _, event in poll.poll(0))


def _wait_for_reader(master: int) -> None:
    while _hung_up(master):
        time.sleep(POLL_S)
    time.sleep(SETTLE_S)


def _drain(path: str) -> None:
    """Wait until the reader has read all: closing the line throws away what is in it.

    The kernel moves bytes to the reader's side a moment after they were written, so that one look at an empty line
    proves nothing: it must stay empty.
    """
    deadline_s = time.monotonic() + DRAIN_S
    empty_since_s: float | None = None
    line = os.open(path, os.O_RDWR | os.O_NOCTTY)
    try:
        while (now_s := time.monotonic()) < deadline_s:
            (unread,) = struct.unpack("i", fcntl.ioctl(line, termios.FIONREAD, b"\0\0\0\0"))
            empty_since_s = None if unread else empty_since_s or now_s
            if empty_since_s is not None and now_s - empty_since_s >= SETTLE_S:
                break
            time.sleep(POLL_S)
    finally:
        os.close(line)


@contextmanager
def _pseudo_terminal() -> Iterator[tuple[int, str]]:
    """Our side of a new line without any processing of characters, and the path of the other side."""
    master, slave = os.openpty()
    path = os.ttyname(slave)
    tty.setraw(slave)
    os.set_blocking(master, False)
    # Held open, the other side would never tell whether somebody reads.
    os.close(slave)
    try:
        yield master, path
    finally:
        os.close(master)


@contextmanager
def _linked(link: Path | None, path: str) -> Iterator[None]:
    """A symbolic link for as long as the line is there; an old link in its place is replaced, a file is not."""
    if link is None:
        yield
        return
    try:
        if link.is_symlink():
            link.unlink()
        link.symlink_to(path)
    except OSError as error:
        raise CannotReplay(f"{link}: {error.strerror}") from error
    try:
        yield
    finally:
        link.unlink(missing_ok=True)


def _read(file: Path) -> bytes:
    try:
        content = file.read_bytes()
    except OSError as error:
        raise CannotReplay(f"{file}: {error.strerror}") from error
    opening = Opening()
    data = opening.feed(content) + opening.finish()
    if not data:
        raise CannotReplay(f"{file}: nothing is recorded in it")
    return data


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return value


if __name__ == "__main__":
    _parser = argparse.ArgumentParser(prog="edge-agent replay")
    configure(_parser)
    sys.exit(run(_parser.parse_args()))
