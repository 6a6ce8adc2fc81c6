"""`simulators demo`: the whole county on one machine, and at its end the account of both ends.

Simulated devices on real wires, the real agents, a real Mosquitto, the real ingest, the embedded store and the built-in
view, each a process of its own, started from files as an operator would write them.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import secrets
import shutil
import signal
import socket
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any, NamedTuple

from simulators.accounts import Account, Spooled, read_spool, read_status, read_store, settle
from simulators.clock import SimClock
from simulators.county import County, Size, make_county, write_registry
from simulators.gateways import Broker, write_agents, write_ingest
from simulators.programs import Program, ProgramEnded
from simulators.servers import Mosquitto, ServerFailed, ServerMissing, free_port
from simulators.truth import Truth, read_truth
from simulators.world import RECORDED, World

_START_PATIENCE_S = 60.0
_DRAIN_PATIENCE_S = 60.0
#: A car on a drive, once a second; played where the samples lie beside the project.
_RECORDING = Path(__file__).parents[2] / "shared" / "samples" / "nmea" / "tomtom-mkII.log"


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("--seconds", type=float, default=0, help="stop by itself after so long (0: until Ctrl-C)")
    parser.add_argument("--seed", type=int, default=1, help="the same seed makes the same county (default 1)")
    parser.add_argument("--port", type=int, default=8080, help="the view's port on loopback (default 8080; 0: any)")
    parser.add_argument("--folder", type=Path, default=Path("var/demo"), help="where everything is kept (var/demo)")
    parser.add_argument("--no-faults", action="store_true", help="wires and cameras without faults")
    parser.add_argument("--villages", type=int, default=Size().villages, help="villages in the county")
    parser.add_argument("--trucks", type=int, default=Size().trucks_jt808, help="trucks with a JT/T 808 terminal")


def run(args: argparse.Namespace) -> int:
    """Run the demo. 0 only where sent = stored, lost 0, duplicated 0; 1 where not, 2 where it cannot start."""
    try:
        return asyncio.run(_demo(args))
    except (ServerMissing, ServerFailed) as error:
        print(f"simulators demo: {error}", file=sys.stderr)
        return 2
    except ProgramEnded as error:
        print(f"\nsimulators demo: {error}", file=sys.stderr)
        return 1


class _Programs(NamedTuple):
    agents: list[Program]
    ingest: Program
    view: Program


async def _demo(args: argparse.Namespace) -> int:
    folder = args.folder.absolute()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    county = make_county(args.seed, Size(villages=args.villages, trucks_jt808=args.trucks))
    recording = _RECORDING if _RECORDING.is_file() else None
    write_registry(county, folder / "registry", extra_trucks=[RECORDED] if recording else [])
    accounts = {name: secrets.token_hex(12) for name in (*(g.id for g in county.of_kind("gateway")), "cloud-ingest")}
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    with Truth(folder / "truth.jsonl") as truth, Mosquitto(folder / "mosquitto", accounts) as mosquitto:
        world = World(county, folder, truth, SimClock(), faults=not args.no_faults, recording=recording)
        broker = Broker(mosquitto.host, mosquitto.port, accounts)
        configs = write_agents(county, world.wiring, broker, folder, world.recorded)
        ingest_config = write_ingest(folder, broker, folder / "registry", metrics_port := free_port())
        port = args.port if args.port and _is_free(args.port) else free_port()
        store = folder / "ingest" / "points.db"
        programs = _Programs(
            [
                Program(gateway, ["edge-agent", "run", "--config", str(path)], folder)
                for gateway, path in configs.items()
            ],
            Program("cloud-ingest", ["cloud-ingest", "run", "--config", str(ingest_config)], folder),
            Program(
                "dashboards",
                ["dashboards", "serve", "--store", str(store), *f"--registry {folder}/registry --port {port}".split()],
                folder,
            ),
        )
        try:
            await _start(programs, f"http://127.0.0.1:{metrics_port}/readyz", f"http://127.0.0.1:{port}/healthz", stop)
            _introduce(county, f"http://127.0.0.1:{port}/", folder, recorded=recording is not None)
            await _live(world, programs, store, list(configs), folder, stop, args.seconds)
        finally:
            await _stop(programs)
            world.close()
    return _summarise(_account(folder, list(configs), store), truth, folder)


async def _start(programs: _Programs, ingest_ready: str, view_ready: str, stop: asyncio.Event) -> None:
    """Everything up, one after the other: nobody has to wait for the other, but a person wants to see it."""
    print("starting the broker, the ingest, the view and the gateways ...", flush=True)
    await programs.ingest.start()
    await _until_ok(ingest_ready, programs.ingest, stop)
    await programs.view.start()
    for agent in programs.agents:
        await agent.start()
    await _until_ok(view_ready, programs.view, stop)


async def _until_ok(url: str, program: Program, stop: asyncio.Event) -> None:
    deadline = time.monotonic() + _START_PATIENCE_S
    while not await asyncio.to_thread(_answers, url) and not stop.is_set():
        program.check()
        if time.monotonic() > deadline:
            raise ProgramEnded(f"{program.name} does not answer on {url}:\n{program.tail()}")
        await asyncio.sleep(0.1)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - our own loopback address
            return int(answer.status) == 200
    except OSError:
        return False


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return probe.connect_ex(("127.0.0.1", port)) != 0


def _introduce(county: County, address: str, folder: Path, *, recorded: bool) -> None:
    kinds = {kind: len(county.of_kind(kind)) for kind in ("truck", "kiosk", "camera", "gateway")}
    replayed = " and one truck that replays a real receiver's recording" if recorded else ""
    print(
        f"\n  {len(county.villages)} villages, {kinds['truck']} trucks{replayed}, {kinds['kiosk']} kiosks,"
        f" {kinds['camera']} cameras on {kinds['gateway']} gateways\n"
        f"  look at it:   {address}\n"
        f"  logs, truth:  {folder}\n"
        f"  stop:         Ctrl-C\n",
        flush=True,
    )


async def _live(
    world: World,
    programs: _Programs,
    store: Path,
    gateways: list[str],
    folder: Path,
    stop: asyncio.Event,
    seconds: float,
) -> None:
    """Run the county until it is enough, then let every wire run dry."""
    running = asyncio.create_task(world.run(), name="world")
    progress = asyncio.create_task(_progress(programs, store, gateways, folder), name="progress")
    enough = asyncio.create_task(stop.wait(), name="stop")
    try:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds or None):
                await _first(running, progress, enough)
        print("\nstopping the devices; letting every wire run dry ...", flush=True)
        world.stop.set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_DRAIN_PATIENCE_S):
                await _first(running, progress)
    finally:
        for task in (running, progress, enough):
            task.cancel()
        await asyncio.gather(running, progress, enough, return_exceptions=True)


async def _first(*tasks: asyncio.Task[Any]) -> None:
    """Wait for the first to end, and raise what it raised."""
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        task.result()


async def _progress(programs: _Programs, store: Path, gateways: list[str], folder: Path) -> None:
    """One line a second: what was sent, stored, is in flight, and how many alerts there are."""
    began = time.monotonic()
    while True:
        for program in (*programs.agents, programs.ingest, programs.view):
            program.check()
        spooled, stored = await asyncio.to_thread(_look, folder, gateways, store)
        alerts = stored.pop("alert", 0)
        there = sum(stored.values())
        # The gateways speak once a second, the store at once: what is stored was surely sent.
        sent = max(there, sum(spool.appended for spool in spooled))
        line = (
            f"  {time.monotonic() - began:5.0f} s   sent {sent:7,}   stored {there:7,}   in flight {sent - there:5,}"
            f"   alerts {alerts:4,}"
        )
        print(f"\r{line}" if sys.stdout.isatty() else line, end="" if sys.stdout.isatty() else "\n", flush=True)
        await asyncio.sleep(1)


def _look(folder: Path, gateways: list[str], store: Path) -> tuple[list[Spooled], dict[str, int]]:
    return [read_status(folder / gateway / "status.json") for gateway in gateways], dict(read_store(store))


async def _stop(programs: _Programs) -> None:
    """Gateways first: their last words still travel; then the ingest, then the view."""
    await asyncio.gather(*(agent.stop() for agent in programs.agents))
    await programs.ingest.stop()
    await programs.view.stop()


def _account(folder: Path, gateways: list[str], store: Path) -> Account:
    spools = [read_spool(folder / gateway / "spool.db") for gateway in gateways]
    return settle(read_truth(folder / "truth.jsonl"), spools, store, uncounted={RECORDED})


def _summarise(account: Account, truth: Truth, folder: Path) -> int:
    said = sum(truth.said.values())
    print(
        f"\n  devices said   {said:8,} facts that the truth file knows one by one\n"
        f"  sent           {account.sent:8,} readings entered the gateways' spools\n"
        f"  stored         {account.stored:8,}\n"
        f"  in flight      {account.in_flight:8,}\n"
        f"  lost           {account.lost:8,}\n"
        f"  duplicated     {account.duplicated:8,}\n"
    )
    for name, facts in (("missing in the store", account.missing), ("in the store, but nobody said it", account.alien)):
        for fact in facts[:10]:
            print(f"  {name}: {fact}")
    if account.balanced:
        print("  sent = stored, lost 0, duplicated 0")
        return 0
    print(f"  NOT BALANCED: see {folder}")
    return 1
