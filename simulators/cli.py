"""`simulators`: the whole county for a demo, or devices of one kind on a real wire."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from typing import NamedTuple


class _Command(NamedTuple):
    module: str
    help: str


_COMMANDS = {
    "demo": _Command("simulators.demo", "the whole county on this machine, with an account of both ends"),
    "camera": _Command("simulators.camera.cli", "cameras: drawn scenes over RTSP and MJPEG"),
    "county": _Command("simulators.county_cli", "write a county's registry, or describe it"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; its exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    parser = argparse.ArgumentParser(
        prog="simulators",
        description="Devices without hardware, entering by real wires: serial ports, TCP, camera streams.",
        epilog="Exit codes: 0 done; 1 what ran did not end well; 2 it could not start.\n\n"
        "  simulators demo --seconds 60\n  simulators camera --cameras 2 --fault cam-01:freeze:30:60",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, command in _COMMANDS.items():
        sub = commands.add_parser(name, help=command.help, description=f"{command.help[0].upper()}{command.help[1:]}.")
        if name in words[:1]:
            # Only the chosen command's libraries are imported.
            importlib.import_module(command.module).configure(sub)
    args = parser.parse_args(words)
    return int(importlib.import_module(_COMMANDS[args.command].module).run(args))


if __name__ == "__main__":
    sys.exit(main())
