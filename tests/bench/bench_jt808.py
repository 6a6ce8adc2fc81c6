"""JT/T 808 on one core: frames a second from bytes to typed positions. Prints one table; medians of CPU time.

A frame is a 0200 with the 28-byte block and items 01 (mileage), 30 (signal) and 31 (satellites), as trackers send it.
Run: `.venv/bin/python -m tests.bench.bench_jt808`.
"""

from __future__ import annotations

import platform
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from devices.contract import TruckPosition
from devices.events import Answer, Event, Message
from devices.truck.jt808 import (
    Deframer,
    Edition,
    Jt808Decoder,
    Jt808Session,
    Jt808Terminal,
    encode_frame,
    encode_message,
    keyed_codes,
)
from devices.truck.jt808.frames import make_frame
from devices.truck.jt808.messages import encode_body
from devices.truck.jt808.positions import report_fields

FRAMES = 20_000
RUNS = 7
#: What a socket gives at a time.
CHUNK = 4096
PHONE = "13300001111"
NOW = datetime(2026, 3, 1, tzinfo=UTC)


def position(number: int) -> TruckPosition:
    return TruckPosition(
        device="truck-1",
        at=NOW + timedelta(seconds=number),
        latitude=30.27 + number / 1e6,
        longitude=119.95 - number / 1e6,
        speed_kmh=number % 800 / 10,
        course_deg=number % 360,
        altitude_m=12,
        satellites=11,
        ignition=True,
        load="full",
        mileage_km=1000 + number / 100,
    )


def report(number: int, *, is_2019: bool) -> bytes:
    fields = report_fields(position(number))
    fields["items"].insert(1, {"id": "0x30", "signal_strength": 27})
    body = encode_body(0x0200, fields, 2013)
    return encode_frame(make_frame(0x0200, body, PHONE, number & 0xFFFF, is_2019=is_2019))


def chunks(data: bytes) -> list[bytes]:
    return [data[at : at + CHUNK] for at in range(0, len(data), CHUNK)]


def session(edition: Edition, *, messages: bool) -> Jt808Session:
    made = Jt808Session({PHONE: "truck-1"}.get, keyed_codes(b"a key of sixteen"), messages=messages)
    terminal = Jt808Terminal(PHONE, edition)
    for request in (terminal.register, terminal.authenticate):
        for event in made.feed(request(), NOW):
            if isinstance(event, Answer):
                terminal.receive(event.data)
    if not terminal.authenticated:
        raise SystemExit("the session did not let the terminal in")
    return made


def cpu_seconds(run: Callable[[], int]) -> float:
    taken = []
    for _ in range(RUNS):
        started = time.process_time()
        done = run()
        taken.append(time.process_time() - started)
        if done != FRAMES:
            raise SystemExit(f"{done} instead of {FRAMES}")
    return statistics.median(taken)


def positions(events: list[Event]) -> int:
    return sum(isinstance(event, TruckPosition) for event in events)


def main() -> None:
    plain = b"".join(report(number, is_2019=False) for number in range(FRAMES))
    newer = b"".join(report(number, is_2019=True) for number in range(FRAMES))
    lines = [
        {"id": message.id, **message.header, "fields": message.fields}
        for message in Jt808Decoder("truck-1").feed(plain, NOW)
        if isinstance(message, Message)
    ]

    def deframe(data: bytes) -> int:
        deframer = Deframer()
        return sum(len(deframer.feed(chunk)) for chunk in chunks(data))

    def through_session(data: bytes, edition: Edition, *, messages: bool) -> int:
        made = session(edition, messages=messages)
        return sum(positions(made.feed(chunk, NOW)) for chunk in chunks(data))

    def decode(data: bytes) -> int:
        decoder = Jt808Decoder("truck-1")
        return sum(positions(decoder.feed(chunk, NOW)) for chunk in chunks(data))

    rows: list[tuple[str, Callable[[], int]]] = [
        ("session, 2013: position and answer, no messages", lambda: through_session(plain, 2013, messages=False)),
        ("session, 2019: position and answer, no messages", lambda: through_session(newer, 2019, messages=False)),
        ("session, 2013: with messages", lambda: through_session(plain, 2013, messages=True)),
        ("decoder, 2013: message and position", lambda: decode(plain)),
        ("deframer alone, 2013", lambda: deframe(plain)),
        ("encode_message, from a line to bytes", lambda: len([encode_message(line) for line in lines])),
    ]
    print(
        f"Python {platform.python_version()} on {platform.machine()}, {FRAMES} frames of {len(plain) // FRAMES} bytes"
    )
    print(f"{'JT/T 808, one core':<50} {'frames/s':>10} {'us/frame':>9}")
    for name, run in rows:
        seconds = cpu_seconds(run)
        print(f"{name:<50} {FRAMES / seconds:>10,.0f} {seconds / FRAMES * 1e6:>9.2f}")


if __name__ == "__main__":
    main()
