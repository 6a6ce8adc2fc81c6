"""The configuration files of the simulated county's programs: one agent a gateway, the ingest, the view.

Written as an operator would write them; the programs are told nothing else.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from simulators.county import County, Device
from simulators.terminal import phone_of


class Wiring(NamedTuple):
    """Where each simulated wire ends: serial ports by device, the terminals' port, each camera's URL."""

    serial_ports: dict[str, str]
    terminals_port: int
    camera_urls: dict[str, str]


class Broker(NamedTuple):
    """The broker's address, and each account's password."""

    host: str
    port: int
    accounts: dict[str, str]


def write_agents(
    county: County, wiring: Wiring, broker: Broker, folder: Path, recorded: dict[str, str] | None = None
) -> dict[str, Path]:
    """One configuration per gateway, by its id. `recorded` adds NMEA devices (id to port) to the trucks' gateway."""
    written = {}
    for gateway in county.of_kind("gateway"):
        home = folder / gateway.id
        home.mkdir(parents=True, exist_ok=True)
        _secret(home / "password", broker.accounts[gateway.id])
        mine = [device for device in county.devices if device.gateway == gateway.id and device.wire != "none"]
        extra = recorded if recorded and gateway.id == "gw-trucks" else {}
        text = _agent(gateway, mine, wiring, broker, extra)
        written[gateway.id] = home / "edge-agent.toml"
        written[gateway.id].write_text(text, encoding="utf-8")
    return written


def _agent(gateway: Device, mine: list[Device], wiring: Wiring, broker: Broker, recorded: dict[str, str]) -> str:
    parts = [
        f'gateway = "{gateway.id}"\n',
        f'[broker]\nhost = "{broker.host}"\nport = {broker.port}\n'
        f'username = "{gateway.id}"\npassword_file = "password"\n',
        '[spool]\npath = "spool.db"\ncap_mb = 256\n',
        "# A simulated gateway shares the demo's machine and its clock.\n"
        '[clock]\ntrust = "always"\n\n[health]\nevery_s = 1\n',
    ]
    serial = {device.id: (device.wire, wiring.serial_ports[device.id]) for device in mine if device.wire in _SERIAL}
    serial |= {device: ("nmea", port) for device, port in recorded.items()}
    for device, (protocol, port) in serial.items():
        parts.append(f'[[serial]]\ndevice = "{device}"\nprotocol = "{protocol}"\nport = "{port}"\n')
    terminals = {phone_of(device): device.id for device in mine if device.wire == "jt808"}
    if terminals:
        table = "\n".join(f'"{phone}" = "{device}"' for phone, device in terminals.items())
        parts.append(
            f'[[listener]]\nprotocol = "jt808"\nhost = "127.0.0.1"\nport = {wiring.terminals_port}\n'
            f"[listener.terminals]\n{table}\n"
        )
    parts += [
        f'[[camera]]\ndevice = "{device.id}"\nurl = "{wiring.camera_urls[device.id]}"\nreport_every_s = 10\n'
        for device in mine
        if device.kind == "camera"
    ]
    return "\n".join(parts)


_SERIAL = ("nmea", "hbp9030")


def write_ingest(folder: Path, broker: Broker, registry: Path, metrics_port: int) -> Path:
    """The ingest's configuration: the embedded store, the registry's folder, metrics on loopback."""
    home = folder / "ingest"
    home.mkdir(parents=True, exist_ok=True)
    _secret(home / "password", broker.accounts["cloud-ingest"])
    path = home / "ingest.toml"
    path.write_text(
        f"""[broker]
host = "{broker.host}"
port = {broker.port}
username = "cloud-ingest"
password_file = "password"

[store]
type = "embedded"
path = "points.db"

[registry]
path = "{registry}"

[quarantine]
path = "quarantine.db"

[metrics]
host = "127.0.0.1"
port = {metrics_port}
""",
        encoding="utf-8",
    )
    return path


def _secret(path: Path, secret: str) -> None:
    path.write_text(secret, encoding="utf-8")
    path.chmod(0o600)
