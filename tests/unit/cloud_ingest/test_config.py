"""The configuration: the sample is right, defaults are, and what is wrong is named by its field."""

from __future__ import annotations

from pathlib import Path

import pytest

from cloud_ingest.config import ConfigError, load_config
from cloud_ingest.stores.settings import InfluxSettings

SAMPLE = Path(__file__).parents[3] / "config" / "ingest.sample.toml"
SMALLEST = """
[broker]
host = "localhost"
[store]
type = "embedded"
path = "points.db"
[registry]
path = "registry"
[quarantine]
path = "/var/lib/county/quarantine.db"
"""


@pytest.fixture
def write(tmp_path: Path):
    def write(text: str) -> Path:
        path = tmp_path / "ingest.toml"
        path.write_text(text)
        return path

    return write


def test_little_is_required_and_relative_paths_start_from_the_file(write, tmp_path: Path) -> None:
    config = load_config(write(SMALLEST))
    assert (config.instance, config.broker.port, config.metrics.host) == ("cloud-ingest", 1883, "127.0.0.1")
    assert config.registry.path == str(tmp_path / "registry")
    assert config.store.path == str(tmp_path / "points.db")
    assert config.quarantine.path == "/var/lib/county/quarantine.db"
    assert config.rules.path == "/var/lib/county/rules.db"


def test_the_sample_names_every_setting_with_its_default(write, tmp_path: Path) -> None:
    (tmp_path / "certs").mkdir()
    for name in ("ca.crt", "cloud-ingest.crt", "cloud-ingest.key"):
        (tmp_path / "certs" / name).touch()
    sample = load_config(write(SAMPLE.read_text()))
    plain = load_config(write(SMALLEST))
    assert isinstance(sample.store, InfluxSettings)
    assert (sample.pipeline, sample.metrics, sample.instance) == (plain.pipeline, plain.metrics, plain.instance)
    assert (sample.registry.poll_s, sample.quarantine.most_mb) == (plain.registry.poll_s, plain.quarantine.most_mb)
    assert sample.rules.overspeed_kmh == plain.rules.overspeed_kmh
    for field in ("keepalive_s", "connect_timeout_s", "session_expiry_s", "receive_maximum", "share"):
        assert getattr(sample.broker, field) == getattr(plain.broker, field)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("host = ", "hots = "), ["broker", "hots"]),
        (('host = "localhost"', 'host = "localhost"\nport = 0'), ["broker.port", ">= 1"]),
        (('host = "localhost"', 'host = "localhost"\nport = "x"'), ["broker.port", "int"]),
        (('host = "localhost"', 'host = "localhost"\nusername = "x"'), ["broker", "password_file"]),
        (('host = "localhost"', 'host = "localhost"\nkey_file = "x"'), ["broker", "certificate_file"]),
        (('host = "localhost"', 'host = "localhost"\nca_file = "none.crt"'), ["broker.ca_file", "none.crt"]),
        (('host = "localhost"', 'host = "localhost"\nshare = "a/b"'), ["broker.share"]),
        (("[broker]", 'instance = "a b"\n[broker]'), ["instance"]),
        (("embedded", "mongodb"), ["store", "mongodb"]),
        (("[registry]", "[registries]"), ["registries"]),
        (("[registry]", "[pipeline]\nbatch_readings = 0\n[registry]"), ["pipeline.batch_readings"]),
        (('path = "registry"', ""), ["registry", "path"]),
        (("[broker]", "[broker"), ["ingest.toml"]),
    ],
)
def test_what_is_wrong_is_named(write, change: tuple[str, str], words: list[str]) -> None:
    with pytest.raises(ConfigError) as wrong:
        load_config(write(SMALLEST.replace(*change, 1)))
    for word in words:
        assert word in str(wrong.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.toml"):
        load_config(tmp_path / "nowhere.toml")
