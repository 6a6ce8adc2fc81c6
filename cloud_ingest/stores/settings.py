"""The `[store]` part of a configuration: which store, where, and with which secrets; opened by `open_store`.

    [store]                              [store]
    type = "embedded"                    type = "influx"
    path = "/var/lib/county/points.db"   url = "http://influxdb:8086"
    retention_days = 400                 database = "county"
                                         token_file = "/run/secrets/influx_ingest"

Secrets stand in files of their own, never in the configuration.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from msgspec import Meta, Struct

from cloud_ingest.stores.store import Store, StoreMisconfigured

Seconds = Annotated[float, Meta(gt=0, le=600)]


class EmbeddedSettings(Struct, frozen=True, kw_only=True, tag_field="type", tag="embedded", forbid_unknown_fields=True):
    """One SQLite file on this machine; points older than `retention_days` are deleted, None keeps all."""

    path: Annotated[str, Meta(min_length=1)]
    retention_days: Annotated[float, Meta(gt=0)] | None = None


class InfluxSettings(Struct, frozen=True, kw_only=True, tag_field="type", tag="influx", forbid_unknown_fields=True):
    """An InfluxDB 1.x, 2.x (the database being a DBRP mapping, see `cloud-ingest setup`) or 3.

    Either `token_file` (2.x, 3) or `username` with `password_file` (1.x), or neither. `org` and `bucket` belong to
    `write_path = "/api/v2/write"`; an empty bucket means the database's name. A server that asks for patience (429,
    503) gets it for `patience_s`; a request may take `timeout_s`.
    """

    url: str
    database: Annotated[str, Meta(min_length=1)]
    token_file: str = ""
    username: str = ""
    password_file: str = ""
    write_path: Literal["/write", "/api/v2/write"] = "/write"
    org: str = ""
    bucket: str = ""
    timeout_s: Seconds = 10.0
    patience_s: Seconds = 10.0

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"`url` must be http://host:port or https://host:port, not {self.url!r}")
        if parts.username or parts.password:
            raise ValueError("`url` must not hold a password: use `password_file` or `token_file`")
        if self.token_file and self.username:
            raise ValueError("give `token_file` or `username`, not both")
        if bool(self.username) != bool(self.password_file):
            raise ValueError("`username` and `password_file` belong together")


StoreSettings = EmbeddedSettings | InfluxSettings


async def open_store(settings: StoreSettings, read_only: bool = False) -> Store:
    """The store that the settings name. Raises StoreMisconfigured (naming file and field) or StoreUnavailable.

    The embedded file is created where it is missing, unless `read_only`: then a second process may read while the
    ingest writes. An InfluxDB need not be there yet: the first write or query finds out.
    """
    if isinstance(settings, EmbeddedSettings):
        from cloud_ingest.stores.embedded import EmbeddedStore

        return await EmbeddedStore.open(
            Path(settings.path), read_only=read_only, retention_days=settings.retention_days
        )
    from cloud_ingest.stores.influx import InfluxStore

    return InfluxStore(
        settings.url,
        settings.database,
        token=_secret(settings.token_file, "token_file"),
        username=settings.username,
        password=_secret(settings.password_file, "password_file"),
        write_path=settings.write_path,
        org=settings.org,
        bucket=settings.bucket,
        timeout_s=settings.timeout_s,
        patience_s=settings.patience_s,
    )


def _secret(path: str, field: str) -> str:
    """The file's text without its line end; "" where no file is named."""
    if not path:
        return ""
    try:
        secret = Path(path).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise StoreMisconfigured(f"store.{field}: {error}") from error
    if not secret:
        raise StoreMisconfigured(f"store.{field}: {path} is empty")
    return secret
