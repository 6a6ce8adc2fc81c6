"""The `[store]` part of a configuration, and what is said when it is wrong."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from cloud_ingest.stores.embedded import EmbeddedStore
from cloud_ingest.stores.influx import InfluxStore
from cloud_ingest.stores.settings import EmbeddedSettings, InfluxSettings, StoreSettings, open_store
from cloud_ingest.stores.store import StoreMisconfigured, StoreUnavailable


def read(toml: str) -> StoreSettings:
    return msgspec.toml.decode(toml, type=StoreSettings)


def test_the_type_chooses_the_store():
    assert read('type = "embedded"\npath = "points.db"\nretention_days = 400') == EmbeddedSettings(
        path="points.db", retention_days=400
    )
    assert read('type = "influx"\nurl = "http://influxdb:8086"\ndatabase = "county"') == InfluxSettings(
        url="http://influxdb:8086", database="county"
    )


@pytest.mark.parametrize(
    ("toml", "named"),
    [
        ('type = "embedded"', "path"),
        ('type = "embedded"\npath = ""', "path"),
        ('type = "embedded"\npath = "p"\nretention_days = 0', "retention_days"),
        ('type = "embedded"\npath = "p"\nfolder = "q"', "folder"),
        ('type = "mysql"', "mysql"),
        ('type = "influx"\nurl = "influxdb:8086"\ndatabase = "c"', "url"),
        ('type = "influx"\nurl = "http://u:p@host:8086"\ndatabase = "c"', "url"),
        ('type = "influx"\nurl = "http://h"\ndatabase = ""', "database"),
        ('type = "influx"\nurl = "http://h"\ndatabase = "c"\nusername = "u"', "password_file"),
        (
            'type = "influx"\nurl = "http://h"\ndatabase = "c"\nusername = "u"\npassword_file = "p"\ntoken_file = "t"',
            "token_file",
        ),
        ('type = "influx"\nurl = "http://h"\ndatabase = "c"\nwrite_path = "/v3"', "write_path"),
        ('type = "influx"\nurl = "http://h"\ndatabase = "c"\ntimeout_s = 0', "timeout_s"),
    ],
)
def test_what_is_wrong_is_named(toml: str, named: str):
    with pytest.raises(msgspec.ValidationError, match=named):
        read(toml)


async def test_settings_open_their_store(tmp_path: Path):
    embedded = await open_store(EmbeddedSettings(path=str(tmp_path / "points.db")))
    reader = await open_store(EmbeddedSettings(path=str(tmp_path / "points.db")), read_only=True)
    (tmp_path / "token").write_text("secret\n")
    influx = await open_store(
        InfluxSettings(url="http://127.0.0.1:1", database="c", token_file=str(tmp_path / "token"))
    )
    assert isinstance(embedded, EmbeddedStore)
    assert isinstance(reader, EmbeddedStore)
    assert isinstance(influx, InfluxStore)
    for store in (reader, embedded, influx):
        await store.close()


@pytest.mark.parametrize("content", [None, "", "\n", b"\xff"])
async def test_a_secret_that_cannot_be_read_names_field_and_file(tmp_path: Path, content: str | bytes | None):
    file = tmp_path / "token"
    if content is not None:
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    settings = InfluxSettings(url="http://h", database="c", token_file=str(file))
    with pytest.raises(StoreMisconfigured, match=r"store\.token_file"):
        await open_store(settings)


async def test_a_reader_of_a_file_that_is_not_there_yet_may_come_again(tmp_path: Path):
    with pytest.raises(StoreUnavailable):
        await open_store(EmbeddedSettings(path=str(tmp_path / "points.db")), read_only=True)
