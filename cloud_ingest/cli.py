"""The command line of the county's side: run the ingest, check its files, prepare a database, look into quarantine."""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from cloud_ingest.config import ConfigError, IngestConfig, load_config
from cloud_ingest.quarantine import Item, Quarantine, QuarantineUnavailable
from cloud_ingest.registry_folder import RegistryWrong, read_registry
from cloud_ingest.stores import setup

_ABOUT = """The county's ingest: receives readings from an MQTT 5 broker, checks them against the contract, places them
by the registry, judges them by the rules, writes them to the store, and only then acknowledges them and sends each
gateway its receipt. What cannot be believed is kept in quarantine with its reason."""

_EPILOG = """exit codes:
  0  done; for `run`: stopped by SIGTERM or SIGINT after finishing what was in hand
  1  failed while running, or the answer is no; a supervisor should start it again
  2  the configuration, the registry or the arguments are wrong; the message names the file and the field

examples:
  cloud-ingest check-config --config /etc/county/ingest.toml
  cloud-ingest run --config /etc/county/ingest.toml
  cloud-ingest quarantine --config /etc/county/ingest.toml list
  cloud-ingest quarantine --config /etc/county/ingest.toml replay 17 18
"""

#: How long `quarantine replay` watches what the running ingest makes of it.
REPLAY_PATIENCE_S = 15.0


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; the process's exit code."""
    arguments = _parser().parse_args(argv)
    try:
        return int(arguments.run(arguments))
    except (ConfigError, RegistryWrong) as wrong:
        print(f"cloud-ingest: {wrong}", file=sys.stderr)
        return 2
    except QuarantineUnavailable as unavailable:
        print(f"cloud-ingest: quarantine: {unavailable}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="cloud-ingest",
        description=_ABOUT,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="command")

    run = commands.add_parser("run", help="run the ingest until SIGTERM or SIGINT")
    _takes_config(run)
    run.add_argument("--verbose", action="store_true", help="log every detail")
    run.set_defaults(run=_run)

    check = commands.add_parser(
        "check-config", help="check the configuration and the registry, and say what is in them"
    )
    _takes_config(check)
    check.set_defaults(run=_check)

    _add_setup(commands)

    quarantine = commands.add_parser("quarantine", help="look at what was refused, and have it tried again")
    _takes_config(quarantine)
    _add_quarantine(quarantine.add_subparsers(required=True, metavar="action"))
    return parser


def _takes_config(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", type=Path, required=True, metavar="FILE", help="the ingest's TOML file")


def _add_setup(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """The command brings its own arguments; influxdb-client is imported only when it runs."""
    parser = commands.add_parser("setup", help="prepare an InfluxDB 2.x: bucket, retention, DBRP mapping, tokens")
    setup.configure(parser)
    parser.set_defaults(run=setup.run)


def _add_quarantine(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    listing = actions.add_parser("list", help="the newest items, one a line")
    listing.add_argument("--most", type=int, default=100, metavar="N", help="at most N items (default 100)")
    listing.set_defaults(run=_list)

    show = actions.add_parser("show", help="one item with its payload")
    show.add_argument("id", type=int)
    show.add_argument("--raw", action="store_true", help="only the payload's bytes, to standard output")
    show.set_defaults(run=_show)

    replay = actions.add_parser(
        "replay",
        help="have the running ingest try items again",
        description="Marks items; the running ingest takes them up within seconds and sends them through the contract, "
        "the registry and the rules of today. What is stored leaves the quarantine; what is refused again stays, with "
        "the new reason. Exit code 1 when some are still there after the wait.",
    )
    replay.add_argument("id", type=int, nargs="*", help="items; none only with --all")
    replay.add_argument("--all", action="store_true", help="everything in quarantine")
    replay.add_argument(
        "--wait", type=float, default=REPLAY_PATIENCE_S, metavar="S", help="watch for so long (default 15 s; 0: do not)"
    )
    replay.set_defaults(run=_replay)


def _run(arguments: argparse.Namespace) -> int:
    from cloud_ingest import app
    from cloud_ingest.rule_states import RuleStatesUnavailable
    from cloud_ingest.stores.store import StoreMisconfigured, StoreUnavailable

    level = logging.DEBUG if arguments.verbose else logging.INFO
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    config = load_config(arguments.config)
    try:
        asyncio.run(app.run(config))
    except StoreMisconfigured as wrong:
        raise ConfigError(str(wrong)) from wrong
    except (StoreUnavailable, RuleStatesUnavailable, OSError) as error:
        print(f"cloud-ingest: {error}", file=sys.stderr)
        return 1
    return 0


def _check(arguments: argparse.Namespace) -> int:
    config = load_config(arguments.config)
    registry = read_registry(Path(config.registry.path))
    print(f"{arguments.config}: instance {config.instance}, broker {config.broker.host}:{config.broker.port}")
    print(f"{config.registry.path}: version {registry.version}")
    print(f"{len(registry.devices)} devices, {len(registry.sites)} sites, {len(registry.villages)} villages")
    return 0


def _list(arguments: argparse.Namespace) -> int:
    items = _open(load_config(arguments.config)).newest(arguments.most)
    for item in items:
        where = f"{item.gateway or '-'} {item.boot or '-'}/{item.seq or '-'}"
        what = "message" if item.whole else "reading"
        tried = f" (tried again {item.attempts}x)" if item.attempts else ""
        print(f"{item.id}\t{item.at:%Y-%m-%dT%H:%M:%SZ}\t{item.cause}\t{what}\t{where}\t{item.reason}{tried}")
    if not items:
        print("the quarantine is empty", file=sys.stderr)
    return 0


def _show(arguments: argparse.Namespace) -> int:
    item = _open(load_config(arguments.config)).item(arguments.id)
    if item is None:
        print(f"cloud-ingest: there is no item {arguments.id}", file=sys.stderr)
        return 1
    if arguments.raw:
        sys.stdout.buffer.write(item.payload)
        return 0
    for name in ("id", "at", "topic", "gateway", "boot", "seq", "content_type", "cause", "reason", "attempts"):
        print(f"{name + ':':14}{getattr(item, name)}")
    print(f"payload:      {len(item.payload)} bytes, {'a whole message' if item.whole else 'one reading'}")
    print(_legible(item.payload))
    return 0


def _replay(arguments: argparse.Namespace) -> int:
    if bool(arguments.id) == arguments.all:
        print("cloud-ingest: give the numbers of items, or --all", file=sys.stderr)
        return 2
    quarantine = _open(load_config(arguments.config))
    tried = {item.id: item.attempts for item in quarantine.newest(sys.maxsize if arguments.all else 0)}
    for number in arguments.id:
        item = quarantine.item(number)
        if item is None:
            print(f"{number}\tis not in quarantine")
        else:
            tried[number] = item.attempts
    quarantine.request_replay(list(tried))
    deadline = time.monotonic() + arguments.wait
    left = _left(quarantine, tried)
    while any(item.attempts == tried[item.id] for item in left) and time.monotonic() < deadline:
        time.sleep(0.2)
        left = _left(quarantine, tried)
    for item in left:
        fate = "waits for the ingest to run" if item.attempts == tried[item.id] else f"refused again: {item.reason}"
        print(f"{item.id}\t{fate}")
    print(f"{len(tried) - len(left)} of {len(tried)} stored")
    return 1 if left or not tried else 0


def _left(quarantine: Quarantine, numbers: Iterable[int]) -> list[Item]:
    """Those that are still in quarantine."""
    return [item for number in numbers if (item := quarantine.item(number)) is not None]


def _legible(payload: bytes) -> str:
    try:
        return payload.decode("utf-8")
    except UnicodeDecodeError:
        return payload.hex(" ")


def _open(config: IngestConfig) -> Quarantine:
    return Quarantine(Path(config.quarantine.path), config.quarantine.most_mb * 1024 * 1024)


if __name__ == "__main__":
    sys.exit(main())
