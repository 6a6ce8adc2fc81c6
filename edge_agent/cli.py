"""`edge-agent`: run the gateway, check its configuration, see how it is, and read what devices say.

What a command needs is imported when it is chosen: the running agent carries no tool, and a tool no agent.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import logging
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from devices.contract.message import encode
from devices.contract.readings import Reading

if TYPE_CHECKING:
    from edge_agent.config import Config

OK, FAILED, WRONG = 0, 1, 2

_EPILOG = """\
examples:
  edge-agent check-config /etc/county/edge-agent.toml
  edge-agent run --config /etc/county/edge-agent.toml
  edge-agent run --config edge-agent.toml --print      see the readings, send nothing
  edge-agent status --config /etc/county/edge-agent.toml
  edge-agent capture /dev/ttyUSB0 truck-12.rec --protocol nmea --seconds 60
  edge-agent decode nmea truck-12.rec

exit codes:
  0  done, or stopped by SIGTERM or Ctrl-C in order
  1  failed while running (systemd starts the agent again)
  2  the configuration or the command line is wrong; the message names the field
"""

#: Commands in modules of their own: what `edge-agent --help` says of them.
_TOOLS = {
    "decode": "what the bytes of a device say, as JSON Lines",
    "encode": "the inverse of decode",
    "capture": "record a live device",
    "replay": "play a recording through a pseudo-terminal",
}
log = logging.getLogger("edge_agent")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the chosen command; the exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given[:1] and given[0] in _TOOLS:
        return _run_tool(given[0], given[1:])
    args = _parser().parse_args(given)
    command: Callable[[argparse.Namespace], int] = args.command
    return command(args)


def _run_tool(name: str, words: Sequence[str]) -> int:
    """A tool's own command line: its options may stand anywhere, also between its arguments."""
    tool = importlib.import_module(f"edge_agent.tools.{name}")
    parser = argparse.ArgumentParser(prog=f"edge-agent {name}")
    tool.configure(parser)
    code: int = tool.run(parser.parse_intermixed_args(words))
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="edge-agent",
        description="The county's gateway: reads devices over their own wires, keeps what they say on disk until the "
        "county has it, and sends it by MQTT.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    run = commands.add_parser("run", help="read the devices and send what they say, until SIGTERM")
    run.add_argument("--config", type=Path, required=True, metavar="FILE", help="the agent's TOML file")
    run.add_argument("--print", action="store_true", help="print readings as JSON Lines; no spool, no broker")
    run.add_argument(
        "--log-level", default="info", choices=("debug", "info", "warning", "error"), help="(default: %(default)s)"
    )
    run.set_defaults(command=_run)

    check = commands.add_parser("check-config", help="say what is wrong with a configuration")
    check.description = "Exit code 0 if the agent can run with it; what may still be plugged in is only noted."
    check.add_argument("file", type=Path, metavar="FILE")
    check.set_defaults(command=_check_config)

    status = commands.add_parser("status", help="how the agent on this machine is")
    status.description = "Exit code 0 if the agent runs, 1 if it does not."
    status.add_argument("--config", type=Path, required=True, metavar="FILE", help="the agent's TOML file")
    status.add_argument("--json", action="store_true", help="the whole account")
    status.set_defaults(command=_status)

    for name, about in _TOOLS.items():
        commands.add_parser(name, help=about)  # for --help alone: see _run_tool
    return parser


def _run(args: argparse.Namespace) -> int:
    logging.basicConfig(level=args.log_level.upper(), format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    from edge_agent.config import ConfigError, load, unusable
    from edge_agent.spool import SpoolBroken, SpoolInUse, SpoolTooNew

    try:
        config = load(args.config)
        wrong = [] if args.print else unusable(config)  # the dry form needs neither a spool nor a broker
        if wrong:
            return _complain(args.config, wrong)
        asyncio.run(_until_stopped(config, dry=args.print))
    except ConfigError as error:
        return _complain(None, [str(error)])
    except (SpoolBroken, SpoolInUse, SpoolTooNew) as error:
        log.error("%s", error)  # noqa: TRY400 - the words say it all; a trace would hide them
        return FAILED
    except BaseExceptionGroup as group:
        broken, other = group.split(SpoolBroken)
        if other is not None:
            raise
        log.error("%s", next(_leaves(broken)))  # noqa: TRY400 - see above
        return FAILED
    return OK


async def _until_stopped(config: Config, *, dry: bool) -> None:
    """Run until SIGTERM or SIGINT; a second signal ends the process where it stands."""
    from edge_agent import app
    from edge_agent.notify import Notifier

    stop = asyncio.Event()

    def stop_or_leave() -> None:
        if stop.is_set():
            os._exit(FAILED)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop_or_leave)
    if dry:
        await app.print_readings(config, stop, _show)
    else:
        # What is on disk is safe without a goodbye: nothing that Python does at its end is needed.
        await app.run(config, stop, Notifier(os.environ), abandon=lambda: os._exit(OK))


def _show(reading: Reading) -> None:
    sys.stdout.write(encode(reading).decode() + "\n")
    sys.stdout.flush()


def _leaves(group: BaseException | None) -> Iterator[BaseException]:
    if isinstance(group, BaseExceptionGroup):
        for inner in group.exceptions:
            yield from _leaves(inner)
    elif group is not None:
        yield group


def _complain(file: Path | None, lines: Sequence[str]) -> int:
    for line in lines:
        print(f"edge-agent: {file}: {line}" if file else f"edge-agent: {line}", file=sys.stderr)
    return WRONG


def _check_config(args: argparse.Namespace) -> int:
    from edge_agent.config import ConfigError, load, not_yet, unusable

    try:
        config = load(args.file)
    except ConfigError as error:
        return _complain(None, [str(error)])
    wrong = unusable(config)
    if wrong:
        return _complain(args.file, wrong)
    for line in not_yet(config):
        print(f"note: {line}")
    terminals = sum(len(listener.terminals) for listener in config.listener)
    print(
        f"{args.file}: gateway {config.gateway}: {len(config.serial)} serial, {len(config.listener)} listening "
        f"({terminals} terminals), {len(config.camera)} cameras, {len(config.recording)} recordings"
    )
    return OK


def _status(args: argparse.Namespace) -> int:
    from edge_agent.config import ConfigError, load
    from edge_agent.status import NoStatus, describe, read_status, running, spool_line

    try:
        spool = Path(load(args.config).spool.path)
    except ConfigError as error:
        return _complain(None, [str(error)])
    try:
        status = read_status(spool.parent)
        print(encode(status).decode() if args.json else "\n".join(describe(status, datetime.now(UTC))))
        if running(status):
            return OK
        print(spool_line(spool))
    except NoStatus as error:
        print(error, file=sys.stderr)
    return FAILED


if __name__ == "__main__":
    sys.exit(main())
