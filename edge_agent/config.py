"""The agent's configuration: one TOML file, read once into frozen structs; what is wrong is named by its field.

`load` finds what is wrong with the file itself; `unusable` and `not_yet` what it names and the machine does not have.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import replace

from devices.contract.quantity import Id
from devices.protocols import PROTOCOLS
from edge_agent.transports.camera_source import CameraSource

Port = Annotated[int, Meta(ge=1, le=65535)]
Seconds = Annotated[float, Meta(gt=0, le=86400)]
Phone = Annotated[str, Meta(pattern=r"^[0-9A-Fa-f]{1,20}$")]
Text = Annotated[str, Meta(min_length=1, max_length=1000)]


class ConfigError(Exception):
    """The configuration cannot be used; the text names the file and the field. Programs stop with exit code 2."""


class Tls(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The broker's authority and, where no password proves it, this gateway's certificate and key (PEM files)."""

    ca: Text
    certificate: Text | None = None
    key: Text | None = None


class Broker(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the county's broker is and how this gateway proves itself: by certificate, or by password file.

    What the county has not receipted `receipt_timeout_s` after it was sent is sent again.
    """

    host: Text
    port: Port = 8883
    tls: Tls | None = None
    username: Text | None = None
    password_file: Text | None = None
    receipt_timeout_s: Annotated[float, Meta(ge=1, le=3600)] = 30.0


class SpoolSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The spool's file, the most it may hold, and how long a reading may wait to be committed with others.

    On an orderly stop the agent waits up to `drain_s` for the county to receipt what is left.
    """

    path: Text
    cap_mb: Annotated[int, Meta(ge=1, le=1_000_000)] = 512
    commit_after_s: Annotated[float, Meta(ge=0, le=10)] = 1.0
    commit_readings: Annotated[int, Meta(ge=1, le=1000)] = 100
    drain_s: Annotated[float, Meta(ge=0, le=60)] = 5.0


class ClockSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whether to ask the kernel if the clock is synchronised, or to believe it always (containers)."""

    trust: Literal["system", "always"] = "system"


class HealthSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How often the gateway reports on itself."""

    every_s: Seconds = 30.0


class SerialDevice(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One device on a serial port, or behind a terminal server (`socket://host:port`)."""

    device: Id
    protocol: Text
    port: Annotated[str, Meta(pattern=r"^(/.+|socket://[^/:]+:[0-9]{1,5})$")]
    baud: Annotated[int, Meta(ge=50, le=4_000_000)] = 9600
    bytesize: Literal[5, 6, 7, 8] = 8
    parity: Literal["N", "E", "O", "M", "S"] = "N"
    stopbits: Literal[1, 2] = 1
    utc_offset_hours: Annotated[float, Meta(ge=-12, le=14)] = 8.0


class Listener(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A TCP port that terminals call; `terminals` are their phone numbers (never sent on) and device ids."""

    protocol: Literal["jt808"]
    port: Annotated[int, Meta(ge=0, le=65535)]
    host: Text = "0.0.0.0"  # noqa: S104 - terminals call in from the mobile network
    terminals: dict[Phone, Id] = {}
    terminals_file: Text | None = None
    accept_unknown: bool = False
    key_file: Text | None = None
    max_connections: Annotated[int, Meta(ge=1, le=100_000)] = 5000
    max_per_address: Annotated[int, Meta(ge=0, le=100_000)] = 0
    idle_s: Seconds = 300.0


class RecordingDevice(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A recorded session played as a device, at `speed` times the pace of its wire (0: as fast as it goes)."""

    device: Id
    protocol: Text
    file: Text
    baud: Annotated[int, Meta(ge=50, le=4_000_000)] = 9600
    speed: Annotated[float, Meta(ge=0, le=100_000)] = 1.0
    utc_offset_hours: Annotated[float, Meta(ge=-12, le=14)] = 8.0


class Config(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything one agent needs to know."""

    gateway: Id
    broker: Broker
    spool: SpoolSettings
    clock: ClockSettings = ClockSettings()
    health: HealthSettings = HealthSettings()
    serial: list[SerialDevice] = []
    listener: list[Listener] = []
    camera: list[CameraSource] = []
    recording: list[RecordingDevice] = []


def load(file: Path) -> Config:
    """The configuration in a file, with its relative paths taken from the file's folder. Raises ConfigError."""
    config = _with_whole_paths(_decoded(file, Config), file.parent.absolute())
    wrong = next(_contradictions(config), None)
    if wrong:
        raise ConfigError(f"{file}: {wrong}")
    return config


def unusable(config: Config) -> list[str]:
    """Files and folders that the configuration names and that are not there: the agent cannot do its work so."""
    return list(_unusable(config))


def not_yet(config: Config) -> list[str]:
    """What is missing but may still come while the agent runs: a port that nobody has plugged in."""
    return list(_not_yet(config))


def device_ids(config: Config) -> list[tuple[str, str]]:
    """Every device id of the configuration, with its field."""
    found = [(entry.device, f"$.serial[{i}].device") for i, entry in enumerate(config.serial)]
    found += [(entry.device, f"$.camera[{i}].device") for i, entry in enumerate(config.camera)]
    found += [(entry.device, f"$.recording[{i}].device") for i, entry in enumerate(config.recording)]
    for i, listener in enumerate(config.listener):
        found += [(device, f"$.listener[{i}].terminals") for device in listener.terminals.values()]
    return found


_T = TypeVar("_T")


def _decoded(file: Path, kind: type[_T]) -> _T:
    try:
        return msgspec.convert(tomllib.loads(file.read_text(encoding="utf-8")), kind)
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise ConfigError(f"{file}: {error}") from error


def _contradictions(config: Config) -> Iterator[str]:
    """What each field may say alone, but not together with the others."""
    broker = config.broker
    if (broker.username is None) != (broker.password_file is None):
        yield "`username` and `password_file` need each other - at `$.broker`"
    if broker.tls and (broker.tls.certificate is None) != (broker.tls.key is None):
        yield "`certificate` and `key` need each other - at `$.broker.tls`"
    if broker.tls and broker.tls.certificate and broker.username:
        yield "either a certificate or a password proves the gateway, not both - at `$.broker`"
    named = [(entry.protocol, f"$.serial[{i}].protocol") for i, entry in enumerate(config.serial)]
    named += [(entry.protocol, f"$.recording[{i}].protocol") for i, entry in enumerate(config.recording)]
    for protocol, field in named:
        if protocol not in PROTOCOLS:
            yield f"protocol {protocol!r} is not known (there are: {', '.join(sorted(PROTOCOLS))}) - at `{field}`"
    seen: dict[str, str] = {config.gateway: "$.gateway"}
    for device, field in device_ids(config):
        if device in seen:
            yield f"device {device!r} is already at `{seen[device]}` - at `{field}`"
        seen[device] = field
    for i, listener in enumerate(config.listener):
        if not (listener.terminals or listener.terminals_file or listener.accept_unknown):
            yield f"no terminal may call: give terminals, terminals_file or accept_unknown - at `$.listener[{i}]`"


def _with_whole_paths(config: Config, folder: Path) -> Config:
    """Relative paths made whole, and the terminals of each terminals_file read in. Raises ConfigError."""

    def whole(path: str) -> str:
        return str(folder / path)

    broker = config.broker
    if broker.password_file:
        broker = replace(broker, password_file=whole(broker.password_file))
    if broker.tls:
        tls = broker.tls
        certificate, key = (whole(path) if path else None for path in (tls.certificate, tls.key))
        broker = replace(broker, tls=Tls(ca=whole(tls.ca), certificate=certificate, key=key))
    spool = replace(config.spool, path=whole(config.spool.path))
    beside_spool = Path(spool.path).parent
    listeners = [
        replace(
            entry,
            key_file=whole(entry.key_file or str(beside_spool / "jt808.key")),
            terminals=_terminals(entry, folder),
        )
        for entry in config.listener
    ]
    recordings = [replace(entry, file=whole(entry.file)) for entry in config.recording]
    return replace(config, broker=broker, spool=spool, listener=listeners, recording=recordings)


def _terminals(listener: Listener, folder: Path) -> dict[str, str]:
    """The listener's own terminals and those of its file, where phone = "device id" stands line by line."""
    if listener.terminals_file is None:
        return listener.terminals
    file = folder / listener.terminals_file
    return _decoded(file, dict[Phone, Id]) | listener.terminals


def _unusable(config: Config) -> Iterator[str]:
    broker = config.broker
    files = {"$.broker.password_file": broker.password_file}
    if broker.tls:
        files |= {f"$.broker.tls.{name}": getattr(broker.tls, name) for name in ("ca", "certificate", "key")}
    files |= {f"$.recording[{i}].file": entry.file for i, entry in enumerate(config.recording)}
    for field, path in files.items():
        if path is not None and not _readable(path):
            yield f"{path} cannot be read - at `{field}`"
    folders = {"$.spool.path": config.spool.path}
    folders |= {f"$.listener[{i}].key_file": entry.key_file or "" for i, entry in enumerate(config.listener)}
    for field, path in folders.items():
        if not Path(path).parent.is_dir():
            yield f"the folder {Path(path).parent} is not there - at `{field}`"


def _not_yet(config: Config) -> Iterator[str]:
    if not (config.serial or config.listener or config.camera or config.recording):
        yield "no device: only the gateway's own health will be reported - at `$`"
    for i, entry in enumerate(config.serial):
        if entry.port.startswith("/") and not Path(entry.port).exists():
            yield f"{entry.port} is not plugged in - at `$.serial[{i}].port`"


def _readable(path: str) -> bool:
    try:
        with Path(path).open("rb"):
            return True
    except OSError:
        return False
