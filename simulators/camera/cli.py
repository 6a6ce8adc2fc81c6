"""`simulators camera`: serve drawn cameras over RTSP and MJPEG, with faults by schedule and a truth file."""

from __future__ import annotations

import argparse
import asyncio
import json
from collections import defaultdict
from contextlib import suppress
from pathlib import Path

from simulators.camera.fault import FAULTS, Fault
from simulators.camera.scene import Scene, check_size
from simulators.camera.server import CameraServer


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's own arguments."""
    parser.add_argument("--port", type=int, default=8554, help="port on loopback for RTSP and HTTP (0: any free one)")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: loopback only)")
    parser.add_argument("--cameras", type=int, default=2, metavar="N", help="how many: cam-01, cam-02, ...")
    parser.add_argument("--fps", type=float, default=5.0, help="frames a second of each camera")
    parser.add_argument("--size", type=_size, default=(640, 360), metavar="WxH", help="pixels, 640x360 by default")
    parser.add_argument("--seed", type=int, default=1, help="the same seed draws the same villages")
    parser.add_argument(
        "--fault",
        type=_named_fault,
        action="append",
        default=[],
        metavar="CAMERA:KIND:START:END",
        help=f"a fault between two seconds since the start; kinds: {', '.join(FAULTS)}",
    )
    parser.add_argument("--truth", type=Path, help="write the schedule of faults as JSON Lines to this file")
    parser.add_argument("--seconds", type=float, help="stop after so long")


def run(args: argparse.Namespace) -> int:
    """Serve until interrupted or `--seconds` are over. 0 when served, 2 when a fault or the port cannot be."""
    server = CameraServer(args.port, args.host)
    faults: defaultdict[str, list[Fault]] = defaultdict(list)
    for name, fault in args.fault:
        faults[name].append(fault)
    names = [f"cam-{number:02}" for number in range(1, args.cameras + 1)]
    if strangers := sorted(set(faults) - set(names)):
        print(f"--fault names no camera: {', '.join(strangers)}")
        return 2
    for number, name in enumerate(names):
        server.add(name, Scene(args.seed + number, *args.size), faults[name], args.fps)
    if args.truth:
        args.truth.write_text("".join(f"{line}\n" for line in truth(server)))
    try:
        asyncio.run(_serve(server, args.seconds))
    except KeyboardInterrupt:
        return 0
    except OSError as error:
        print(f"port {args.port}: {error.strerror}")
        return 2
    return 0


def truth(server: CameraServer) -> list[str]:
    """What will be wrong with which camera when, one JSON object each; seconds since the camera's first viewer."""
    return [
        json.dumps({"camera": name, "fault": fault.kind, "start_s": fault.start_s, "end_s": fault.end_s})
        for name, feed in server.feeds.items()
        for fault in feed.faults
    ]


async def _serve(server: CameraServer, seconds: float | None) -> None:
    async with server:
        for name in server.feeds:
            print(server.url(name), server.url(name, "mjpeg"), flush=True)
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await asyncio.Event().wait()


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    check_size(int(width), int(height))
    return int(width), int(height)


def _named_fault(text: str) -> tuple[str, Fault]:
    name, _, fault = text.partition(":")
    return name, Fault.parse(fault)
