"""The configuration of `cloud-ingest`: one TOML file, read once into frozen structs. What is wrong is named by field.

See config/ingest.sample.toml for every setting with its meaning.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import replace

from cloud_ingest.rules.overspeed import LIMIT_KMH
from cloud_ingest.stores.settings import StoreSettings
from devices.contract.quantity import Id

S = TypeVar("S", bound=Struct)

Port = Annotated[int, Meta(ge=1, le=65535)]
Seconds = Annotated[float, Meta(gt=0, le=3600)]
NonEmpty = Annotated[str, Meta(min_length=1)]


class ConfigError(Exception):
    """The configuration cannot be used; the text names the file and the field. The process ends with code 2."""


class BrokerSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the broker is and who we are to it: an account with a password, or a certificate."""

    host: NonEmpty
    port: Port = 1883
    username: str = ""
    password_file: str = ""
    ca_file: str = ""
    certificate_file: str = ""
    key_file: str = ""
    #: The name of a shared subscription, where several ingests divide the gateways among them.
    share: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_\-]{0,64}$(?!\n)")] = ""
    keepalive_s: Annotated[int, Meta(ge=5, le=65535)] = 30
    connect_timeout_s: Seconds = 10.0
    #: How long the broker keeps our session (and what comes meanwhile) when we are away.
    session_expiry_s: Annotated[int, Meta(ge=60, le=0xFFFFFFFE)] = 14 * 86400
    receive_maximum: Annotated[int, Meta(ge=1, le=65535)] = 1000

    def __post_init__(self) -> None:
        if bool(self.username) != bool(self.password_file):
            raise ValueError("`username` and `password_file` belong together")
        if self.key_file and not self.certificate_file:
            raise ValueError("`key_file` needs `certificate_file`")


class RegistrySettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The folder of devices.toml, sites.geojson and villages.geojson, and how often it is looked at."""

    path: NonEmpty
    poll_s: Seconds = 3.0


class QuarantineSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The quarantine's file and how large it may grow."""

    path: NonEmpty
    most_mb: Annotated[int, Meta(ge=1, le=100_000)] = 256


class RulesSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file in which the rules remember ("": rules.db beside the quarantine), and the county's own values."""

    path: str = ""
    overspeed_kmh: Annotated[float, Meta(gt=0, le=200)] = LIMIT_KMH


class PipelineSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much is taken at once, how long a batch may wait to fill, and what may be in memory unacknowledged."""

    batch_readings: Annotated[int, Meta(ge=1, le=100_000)] = 5000
    linger_ms: Annotated[float, Meta(ge=0, le=5000)] = 50
    receipts_every_ms: Annotated[float, Meta(ge=10, le=60_000)] = 500
    most_messages: Annotated[int, Meta(ge=10, le=65535)] = 2000
    most_mb: Annotated[float, Meta(ge=1, le=1024)] = 16


class MetricsSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where /metrics, /healthz and /readyz are served; port 0 takes a free one and logs it."""

    host: NonEmpty = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535)] = 9464


class IngestConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that `cloud-ingest run` needs. `instance` is the client id: fixed, one for each process."""

    broker: BrokerSettings
    store: StoreSettings
    registry: RegistrySettings
    quarantine: QuarantineSettings
    rules: RulesSettings = RulesSettings()
    instance: Id = "cloud-ingest"
    pipeline: PipelineSettings = PipelineSettings()
    metrics: MetricsSettings = MetricsSettings()


def load_config(path: Path) -> IngestConfig:
    """The configuration in a file; relative paths in it start from its folder. Raises ConfigError."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
    try:
        config = msgspec.toml.decode(raw, type=IngestConfig)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {_readable(str(error))}") from error
    config = _from_folder(config, path.absolute().parent)
    for field in ("password_file", "ca_file", "certificate_file", "key_file"):
        _present(path, f"broker.{field}", getattr(config.broker, field))
    return config


def _from_folder(config: IngestConfig, folder: Path) -> IngestConfig:
    """The same with every path made absolute."""
    rules_path = config.rules.path or str(Path(config.quarantine.path).with_name("rules.db"))
    return replace(
        config,
        broker=_resolve(config.broker, folder, "password_file", "ca_file", "certificate_file", "key_file"),
        store=_resolve(config.store, folder, "path", "token_file", "password_file"),
        registry=_resolve(config.registry, folder, "path"),
        quarantine=_resolve(config.quarantine, folder, "path"),
        rules=_resolve(replace(config.rules, path=rules_path), folder, "path"),
    )


def _resolve(settings: S, folder: Path, *names: str) -> S:
    paths = {name: getattr(settings, name, "") for name in names}
    return replace(settings, **{name: str(folder / path) for name, path in paths.items() if path})


def _readable(error: str) -> str:
    """Msgspec's words with the field as it stands in the file: `- at $.broker.port` becomes `broker.port: `."""
    match = re.search(r"^(.*) - at `\$\.?(.*)`$", error, re.DOTALL)
    return f"{match[2]}: {match[1]}" if match and match[2] else error


def _present(config: Path, field: str, name: str) -> None:
    if name:
        try:
            with Path(name).open("rb"):
                pass
        except OSError as error:
            raise ConfigError(f"{config}: {field}: {name}: {error.strerror}") from error
