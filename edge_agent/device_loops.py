"""One loop for each thing in the configuration that speaks: a serial port, a port that terminals call, a recording."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any

from devices.contract.message import DeviceBirth
from devices.contract.readings import Reading
from devices.protocols import PROTOCOLS
from devices.truck.jt808.codes import keyed_codes
from devices.truck.jt808.session import Jt808Session
from edge_agent.config import Config, Listener, RecordingDevice, SerialDevice
from edge_agent.intake import Intake
from edge_agent.supervisor import Link, Up, keep_running
from edge_agent.terminals import known_terminals
from edge_agent.transports.camera_source import CameraSource
from edge_agent.transports.recording import play
from edge_agent.transports.serial import open_serial
from edge_agent.transports.tcp_listener import Bounds, TcpListener

#: A device's loop: it runs until its wire is lost or has ended, and calls what it is given once the wire is open.
Loop = Callable[[Up], Awaitable[None]]
Work = Coroutine[Any, Any, None]


def births(config: Config) -> list[DeviceBirth]:
    """The devices as the gateway introduces them to the county: no path, no phone number, no password."""
    found = [
        DeviceBirth(device=entry.device, kind=PROTOCOLS[entry.protocol].kind, protocol=entry.protocol, wire="serial")
        for entry in config.serial
    ]
    found += [
        DeviceBirth(device=device, kind="truck", protocol=listener.protocol, wire="tcp")
        for listener in config.listener
        for device in listener.terminals.values()
    ]
    found += [
        DeviceBirth(device=entry.device, kind="camera", protocol="video", wire=entry.kind) for entry in config.camera
    ]
    found += [
        DeviceBirth(device=entry.device, kind=PROTOCOLS[entry.protocol].kind, protocol=entry.protocol, wire="recording")
        for entry in config.recording
    ]
    return found


def listeners(config: Config, keys: list[bytes], intake: Intake) -> list[TcpListener]:
    """The configured listeners, not listening yet; `keys` are theirs, in their order."""
    return [_listener(entry, key, intake) for entry, key in zip(config.listener, keys, strict=True)]


def device_loops(config: Config, listening: list[TcpListener], intake: Intake) -> Iterator[tuple[str, Work]]:
    """Every loop by its name, ready to be a task that runs until it is cancelled."""

    def kept(name: str, loop: Loop, say: Callable[[bool, str], None]) -> tuple[str, Work]:
        return name, keep_running(loop, Link(name, say), monotonic_s=monotonic)

    for port in config.serial:
        yield kept(port.device, partial(_read_serial, port, intake), partial(intake.link, port.device))
    for recording in config.recording:
        yield kept(recording.device, partial(_play, recording, intake), partial(intake.link, recording.device))
    for entry, listener in zip(config.listener, listening, strict=True):
        yield kept(listener.name, partial(_listen, entry, listener), _nothing_to_say)
    for camera in config.camera:
        # A camera's health says whether it is there; a link beside it would say it twice.
        yield kept(camera.device, partial(_watch, camera, intake), _nothing_to_say)


async def _read_serial(entry: SerialDevice, intake: Intake, up: Up) -> None:
    async with open_serial(
        entry.port,
        baud=entry.baud,
        bytesize=entry.bytesize,
        parity=entry.parity,
        stopbits=entry.stopbits,
        now=intake.now,
    ) as wire:
        up()
        protocol = PROTOCOLS[entry.protocol]
        again = asyncio.Event()
        conversation = intake.conversation(
            lambda: entry.device,
            protocol.decoder(entry.device, timedelta(hours=entry.utc_offset_hours)),
            send=wire.send,
            hang_up=wire.hang_up,
            on_room=again.set,
            shape_only=protocol.kind == "kiosk",
        )
        try:
            while True:
                chunk = await wire.read()
                conversation.receive(chunk.data, chunk.at)
                while not conversation.room:
                    again.clear()
                    await again.wait()
        finally:
            conversation.finish(intake.now())


async def _play(entry: RecordingDevice, intake: Intake, up: Up) -> None:
    protocol = PROTOCOLS[entry.protocol]
    again = asyncio.Event()
    conversation = intake.conversation(
        lambda: entry.device,
        protocol.decoder(entry.device, timedelta(hours=entry.utc_offset_hours)),
        send=lambda _: None,  # nobody hears the answers of a recording
        hang_up=lambda _: None,
        on_room=again.set,
        shape_only=protocol.kind == "kiosk",
    )
    chunk = None
    try:
        async for chunk in play(Path(entry.file), baud=entry.baud, speed=entry.speed, now=intake.now):
            up()
            conversation.receive(chunk.data, chunk.at)
            while not conversation.room:
                again.clear()
                await again.wait()
    finally:
        conversation.finish(chunk.at if chunk else intake.now())


async def _listen(entry: Listener, listener: TcpListener, up: Up) -> None:
    async with listener.listening(entry.host, entry.port):
        up()
        await listener.sweep()


async def _watch(camera: CameraSource, intake: Intake, up: Up) -> None:
    from edge_agent.collect_camera import collect_camera  # only a gateway with a camera pays for it

    async def put(readings: Sequence[Reading], urgent: bool) -> None:
        for reading in readings:
            await intake.put_if_room(reading, urgent=urgent)

    up()
    await collect_camera(camera, put, intake.now)


def _listener(entry: Listener, key: bytes, intake: Intake) -> TcpListener:
    terminals = known_terminals(entry.terminals, accept_unknown=entry.accept_unknown, key=key)
    codes = keyed_codes(key)
    return TcpListener(
        f"{entry.protocol} on port {entry.port}",
        lambda: Jt808Session(terminals, codes, messages=False),
        bounds=Bounds(entry.max_connections, entry.max_per_address, entry.idle_s),
        now=intake.now,
        converse=intake.conversation,
        link=intake.link,
    )


def _nothing_to_say(connected: bool, reason: str) -> None:
    del connected, reason
