"""The whole pipeline as processes on real wires, to be hurt: terminals, agent, cable, broker, ingest, store."""

from __future__ import annotations

import asyncio
import json
import random
import urllib.parse
import urllib.request
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from devices.contract.readings import TruckPosition
from simulators.county import Size, make_county, write_registry
from simulators.faults import chain
from simulators.programs import Program
from simulators.servers import Influx, Mosquitto, free_port
from simulators.terminal import EDITIONS, Terminal, phone_of

ACCOUNTS = {"gw-trucks": "one", "cloud-ingest": "two"}


class Cable:
    """A network cable between two TCP ports: it carries bytes until it is cut or goes silent."""

    def __init__(self, port: int) -> None:
        self.port = free_port()
        self._to = port
        self._whole = True
        self._open: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    async def lay(self) -> None:
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", self.port)

    def cut(self) -> None:
        self._whole = False
        for end in self._open:
            end.transport.abort()

    def mend(self) -> None:
        self._whole = True

    async def pull_out(self) -> None:
        self.cut()
        if self._server is not None:
            self._server.close()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._whole:
            writer.transport.abort()
            return
        self._open.add(writer)
        with suppress(OSError):
            there, back = await asyncio.open_connection("127.0.0.1", self._to)
            self._open.add(back)
            await asyncio.wait(
                [asyncio.create_task(_pump(reader, back)), asyncio.create_task(_pump(there, writer))],
                return_when=asyncio.FIRST_COMPLETED,
            )
            back.transport.abort()
            self._open.discard(back)
        writer.transport.abort()
        self._open.discard(writer)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()


class Rig:
    """One gateway's trucks all the way to InfluxDB; `said` is what their terminals took upon themselves to report."""

    def __init__(self, folder: Path, influx: Influx, database: str, trucks: int, seed: int) -> None:
        self.rng = random.Random(seed)
        self.influx = influx
        self.database = database
        self.broker = Mosquitto(folder / "mosquitto", ACCOUNTS)
        self.cable = Cable(self.broker.port)
        self.said: set[tuple[str, int]] = set()
        county = make_county(seed, Size(trucks_nmea=0, trucks_jt808=trucks, kiosks=0, cameras=0))
        write_registry(county, folder / "registry")
        port = free_port()
        devices = county.of_wire("jt808")
        self.terminals = {
            device.id: Terminal(device, EDITIONS[i % 3], ("127.0.0.1", port), chain(()), seed)
            for i, device in enumerate(devices)
        }
        listed = "\n".join(f'"{phone_of(device)}" = "{device.id}"' for device in devices)
        for name, secret in ACCOUNTS.items():
            (folder / name).write_text(secret)
        (folder / "agent.toml").write_text(
            f'gateway = "gw-trucks"\n[broker]\nhost = "127.0.0.1"\nport = {self.cable.port}\nusername = "gw-trucks"\n'
            f'password_file = "gw-trucks"\nreceipt_timeout_s = 2\n[spool]\npath = "spool.db"\ncommit_after_s = 0.1\n'
            f'[clock]\ntrust = "always"\n[health]\nevery_s = 1\n'
            f'[[listener]]\nprotocol = "jt808"\nhost = "127.0.0.1"\nport = {port}\n[listener.terminals]\n{listed}\n'
        )
        (folder / "ingest.toml").write_text(
            f'[broker]\nhost = "127.0.0.1"\nport = {self.broker.port}\nusername = "cloud-ingest"\n'
            f'password_file = "cloud-ingest"\n[store]\ntype = "influx"\nurl = "{influx.url}"\ndatabase = "{database}"\n'
            f'timeout_s = 3\n[registry]\npath = "registry"\n[quarantine]\npath = "quarantine.db"\n[metrics]\nport = 0\n'
        )
        self.agent = Program("edge-agent", ["edge-agent", "run", "--config", str(folder / "agent.toml")], folder)
        self.ingest = Program("cloud-ingest", ["cloud-ingest", "run", "--config", str(folder / "ingest.toml")], folder)
        self._wires: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        self.ask(f'CREATE DATABASE "{self.database}"')
        self.broker.start()
        await self.cable.lay()
        await self.ingest.start()
        await self.agent.start()
        self._wires = [asyncio.create_task(terminal.run()) for terminal in self.terminals.values()]

    async def stop(self) -> None:
        for wire in self._wires:
            wire.cancel()
        await asyncio.gather(*self._wires, return_exceptions=True)
        await self.cable.pull_out()
        for program in (self.agent, self.ingest):
            program.kill()
            await program.wait()
        self.broker.stop()

    async def drive(self, until: asyncio.Event, every_s: float = 0.05) -> None:
        """Every truck is somewhere new, one second later by its own clock, every `every_s`."""
        start = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=6)
        count = 0
        while not until.is_set():
            count += 1
            for device, terminal in self.terminals.items():
                at = start + timedelta(seconds=count)
                self.said.add((device, int(at.timestamp() * 1000)))
                latitude = 30.5 + count / 1e5
                terminal.keep(
                    TruckPosition(device=device, at=at, clock="gnss", latitude=latitude, longitude=119.9, speed_kmh=30)
                )
            await asyncio.sleep(every_s)

    async def hurt(self) -> str:
        """One of the things that happen to machines, at random; everything runs again when it returns."""
        what = self.rng.choice(["agent", "ingest", "broker", "database", "store stops", "network", "radio"])
        pause_s = self.rng.uniform(0, 0.6)
        match what:
            case "agent" | "ingest":
                program = self.agent if what == "agent" else self.ingest
                program.kill()
                await program.wait()
                await asyncio.sleep(pause_s)
                await program.start()
            case "broker" | "database":
                server = self.broker if what == "broker" else self.influx
                server.kill()
                await asyncio.sleep(pause_s)
                await asyncio.to_thread(server.start)
            case "store stops":
                self.influx.freeze()
                await asyncio.sleep(3 * pause_s)
                self.influx.thaw()
            case "network":
                self.cable.cut()
                await asyncio.sleep(2 * pause_s)
                self.cable.mend()
            case "radio":
                for terminal in self.terminals.values():
                    terminal.cut()
        return what

    def ask(self, query: str) -> dict[str, object]:
        """InfluxDB's own answer, without any code of ours between."""
        body = urllib.parse.urlencode({"q": query, "db": self.database, "epoch": "ms"}).encode()
        with urllib.request.urlopen(f"{self.influx.url}/query", body, timeout=30) as answer:  # noqa: S310 - loopback
            return dict(json.load(answer))

    def stored(self) -> list[tuple[str, int]]:
        """Device and time of every position in the database."""
        (result,) = self.ask('SELECT "latitude" FROM "truck_position" GROUP BY "device"')["results"]  # type: ignore[misc]
        return [(series["tags"]["device"], at) for series in result.get("series", []) for at, *_ in series["values"]]

    async def all_stored(self, patience_s: float) -> list[tuple[str, int]]:
        """What is stored, as soon as it is as much as was said, or when patience ends."""
        deadline = asyncio.get_running_loop().time() + patience_s
        while True:
            found = await asyncio.to_thread(self.stored)
            if len(found) >= len(self.said) or asyncio.get_running_loop().time() > deadline:
                return found
            await asyncio.sleep(0.3)
