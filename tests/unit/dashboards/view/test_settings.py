"""Configuration is read once; what is wrong is named; nothing is opened to others by accident."""

from __future__ import annotations

import pytest

from cloud_ingest.stores.settings import EmbeddedSettings
from dashboards.view.settings import SAMPLE, ConfigError, ViewSettings, check_host, read_settings

GOOD = '[store]\ntype = "embedded"\npath = "points.db"\n'


def written(tmp_path, text: str):
    path = tmp_path / "view.toml"
    path.write_text(text, "utf-8")
    return path


def test_a_store_alone_is_enough(tmp_path):
    settings = read_settings(written(tmp_path, GOOD))
    assert settings.store == EmbeddedSettings(path="points.db")
    assert (settings.host, settings.port, settings.language, settings.tile_url) == ("127.0.0.1", 8080, "zh", "")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (f"prot = 1\n{GOOD}", "prot"),
        (f"port = 99999\n{GOOD}", "$.port"),
        (f'language = "fr"\n{GOOD}', "$.language"),
        (f'time_zone = "Asia/Nowhere"\n{GOOD}', "time_zone"),
        ('[store]\ntype = "redis"\n', "$.store"),
        ("port = 8080\n", "store"),
        ("port = ", "view.toml"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, text, named):
    with pytest.raises(ConfigError, match=named.replace("$", r"\$")):
        read_settings(written(tmp_path, text))


def test_the_sample_in_the_help_has_every_field_and_is_good(tmp_path):
    settings = read_settings(written(tmp_path, SAMPLE))
    assert settings.registry == "/etc/county/registry"
    assert all(f"{name} =" in SAMPLE for name in ViewSettings.__struct_fields__ if name != "store")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"absent\.toml"):
        read_settings(tmp_path / "absent.toml")


def test_a_public_address_must_be_said_aloud():
    settings = ViewSettings(store=EmbeddedSettings(path="x"), host="0.0.0.0")  # noqa: S104 - that is the point
    with pytest.raises(ConfigError, match=r"0\.0\.0\.0"):
        check_host(settings, None)
    assert check_host(settings, "0.0.0.0") == "0.0.0.0"  # noqa: S104 - said aloud
    assert check_host(ViewSettings(store=EmbeddedSettings(path="x")), None) == "127.0.0.1"
