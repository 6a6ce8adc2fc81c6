"""The view's configuration: one TOML file, or the few options of the command line that replace it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from msgspec import Meta, Struct

from cloud_ingest.stores.settings import StoreSettings
from dashboards.states import Language

#: A whole configuration, as `dashboards serve --help` shows it.
SAMPLE = """\
host = "127.0.0.1"             # another address must be said with --host as well
port = 8080
language = "zh"                # what pages open in: zh or en
time_zone = "Asia/Shanghai"    # of every time on every page
registry = "/etc/county/registry"   # villages.geojson and sites.geojson, drawn under the devices
tile_url = ""                  # the county's own tiles, "http://tiles.county/{z}/{x}/{y}.png"; empty: none
tile_attribution = ""

[store]
type = "embedded"              # or "influx" with url, database and token_file
path = "/var/lib/county/points.db"
"""

LOOPBACK = ("127.0.0.1", "::1", "localhost")


class ConfigError(Exception):
    """The configuration cannot be used; the text names the file and the field."""


class ViewSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `dashboards serve --config FILE` reads.

    `registry` is the folder with villages.geojson and sites.geojson, drawn under the devices. `tile_url` is the
    county's own tile server (a template with {z}, {x}, {y}); empty: no tile is ever asked for. A `host` that is not
    loopback is refused unless the command line says it too.
    """

    store: StoreSettings
    registry: str = ""
    host: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535)] = 8080
    language: Language = "zh"
    time_zone: str = "Asia/Shanghai"
    tile_url: str = ""
    tile_attribution: str = ""

    def __post_init__(self) -> None:
        try:
            ZoneInfo(self.time_zone)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"`time_zone` {self.time_zone!r} is not known") from error


def read_settings(path: Path) -> ViewSettings:
    """The settings in a TOML file. Raises ConfigError naming the file and the field."""
    try:
        return msgspec.toml.decode(path.read_bytes(), type=ViewSettings)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {error}") from error


def check_host(settings: ViewSettings, said: str | None) -> str:
    """The address to listen on. Raises ConfigError where a public one stands only in the file.

    The view has no accounts of its own: whoever reaches it reads it. Opening it is said aloud, on the command line.
    """
    host = said or settings.host
    if host not in LOOPBACK and said is None:
        raise ConfigError(f"host: {host} is not loopback; say --host {host} to serve it to others")
    return host
