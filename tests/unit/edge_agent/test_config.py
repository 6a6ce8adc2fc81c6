from __future__ import annotations

from pathlib import Path

import pytest

from edge_agent.config import ConfigError, load, not_yet, unusable
from edge_agent.device_loops import births

SAMPLE = Path(__file__).parents[3] / "config" / "edge-agent.sample.toml"
LEAST = """
gateway = "gw-07"
[broker]
host = "127.0.0.1"
[spool]
path = "spool.db"
"""


def written(folder: Path, text: str) -> Path:
    file = folder / "edge-agent.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_the_sample_says_every_setting_with_its_default() -> None:
    config = load(SAMPLE)

    assert config.gateway == "gw-07"
    assert (config.serial[0].bytesize, config.serial[0].parity, config.serial[1].baud) == (8, "N", 9600)
    assert config.listener[0].terminals == {"000000000001": "truck-002", "000000000002": "truck-003"}
    assert config.spool.cap_mb == 512


def test_the_least_that_an_agent_needs_is_an_id_a_broker_and_a_spool(tmp_path: Path) -> None:
    config = load(written(tmp_path, LEAST))

    assert config.broker.port == 8883
    assert config.clock.trust == "system"
    assert not_yet(config) == ["no device: only the gateway's own health will be reported - at `$`"]


def test_relative_paths_start_from_the_files_folder(tmp_path: Path) -> None:
    text = (
        'gateway = "gw-07"\n[broker]\nhost = "b"\nusername = "gw-07"\npassword_file = "secret/password"\n'
        '[spool]\npath = "data/spool.db"\n[[listener]]\nprotocol = "jt808"\nport = 8808\naccept_unknown = true\n'
        '[[recording]]\ndevice = "truck-1"\nprotocol = "nmea"\nfile = "truck.rec"\n'
    )

    config = load(written(tmp_path, text))

    assert config.broker.password_file == str(tmp_path / "secret/password")
    assert config.spool.path == str(tmp_path / "data/spool.db")
    assert config.recording[0].file == str(tmp_path / "truck.rec")
    assert config.listener[0].key_file == str(tmp_path / "data/jt808.key")


SERIAL = '[[serial]]\ndevice = "truck-1"\nprotocol = "nmea"\nport = "/dev/ttyUSB0"\n'
LISTENER = '[[listener]]\nprotocol = "jt808"\nport = 8808\n'


@pytest.mark.parametrize(
    ("added", "named"),
    [
        (SERIAL + "bauds = 9600", "unknown field `bauds` - at `$.serial[0]`"),
        (SERIAL + "baud = 1", "`int` >= 50 - at `$.serial[0].baud`"),
        (SERIAL + "bytesize = 9", "$.serial[0].bytesize"),
        (SERIAL + 'parity = "X"', "$.serial[0].parity"),
        (SERIAL.replace("/dev/ttyUSB0", "ttyUSB0"), "$.serial[0].port"),
        (SERIAL.replace('"nmea"', '"nmae"'), "protocol 'nmae' is not known (there are: hbp9030"),
        (SERIAL.replace("truck-1", "浙A12345"), "$.serial[0].device"),
        (SERIAL + SERIAL, "device 'truck-1' is already at `$.serial[0].device` - at `$.serial[1].device`"),
        (SERIAL.replace("truck-1", "gw-07"), "device 'gw-07' is already at `$.gateway`"),
        (LISTENER, "no terminal may call: give terminals, terminals_file or accept_unknown - at `$.listener[0]`"),
        (LISTENER.replace("8808", "70000") + "accept_unknown = true", "$.listener[0].port"),
        (LISTENER + '[listener.terminals]\n"0138+" = "truck-9"', "$.listener[0].terminals"),
        (SERIAL + LISTENER + '[listener.terminals]\n"0138" = "truck-1"', "at `$.listener[0].terminals`"),
        ('[[camera]]\ndevice = "cam-1"\nurl = "ftp://x/y"', "$.camera[0]"),
        ('[clock]\ntrust = "never"', "$.clock.trust"),
        ("[health]\nevery_s = 0", "$.health.every_s"),
    ],
)
def test_what_is_wrong_is_named_by_its_file_and_field(tmp_path: Path, added: str, named: str) -> None:
    file = written(tmp_path, LEAST + added)

    with pytest.raises(ConfigError) as wrong:
        load(file)

    assert str(wrong.value).startswith(f"{file}: ")
    assert named in str(wrong.value)


@pytest.mark.parametrize(
    ("broker", "named"),
    [
        ('username = "gw-07"', "`username` and `password_file` need each other - at `$.broker`"),
        ('password_file = "p"', "`username` and `password_file` need each other - at `$.broker`"),
        ('tls = {ca = "ca", certificate = "c"}', "`certificate` and `key` need each other - at `$.broker.tls`"),
        ('username="g"\npassword_file="p"\ntls={ca="a", certificate="c", key="k"}', "not both - at `$.broker`"),
        ("port = 0", "$.broker.port"),
    ],
)
def test_a_broker_is_proved_to_in_one_way(tmp_path: Path, broker: str, named: str) -> None:
    file = written(tmp_path, LEAST.replace('host = "127.0.0.1"', f'host = "127.0.0.1"\n{broker}'))

    with pytest.raises(ConfigError) as wrong:
        load(file)

    assert named in str(wrong.value)


def test_a_password_may_go_over_tls_that_only_checks_the_broker(tmp_path: Path) -> None:
    tls = 'host = "b"\nusername = "gw-07"\npassword_file = "p"\ntls = {ca = "ca.crt"}'

    assert load(written(tmp_path, LEAST.replace('host = "127.0.0.1"', tls))).broker.tls is not None


@pytest.mark.parametrize(("text", "said"), [("gateway = \n", "line 1"), ("\xff", ""), (None, "No such file")])
def test_a_file_that_is_no_toml_is_refused_by_name(tmp_path: Path, text: str | None, said: str) -> None:
    file = tmp_path / "edge-agent.toml"
    if text is not None:
        file.write_bytes(text.encode("latin-1"))

    with pytest.raises(ConfigError) as wrong:
        load(file)

    assert str(file) in str(wrong.value)
    assert said in str(wrong.value)


def test_terminals_may_stand_in_a_file_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "terminals.toml").write_text('"000000000001" = "truck-1"\n')
    text = LEAST + LISTENER + 'terminals_file = "terminals.toml"\n[listener.terminals]\n"0139" = "truck-2"\n'

    config = load(written(tmp_path, text))

    assert config.listener[0].terminals == {"000000000001": "truck-1", "0139": "truck-2"}


def test_a_wrong_terminals_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "terminals.toml").write_text('"01380" = "a truck"\n')

    with pytest.raises(ConfigError, match=r"terminals\.toml"):
        load(written(tmp_path, LEAST + LISTENER + 'terminals_file = "terminals.toml"\n'))


def test_files_that_are_named_and_absent_are_all_said_with_their_fields(tmp_path: Path) -> None:
    text = LEAST.replace('"127.0.0.1"', '"b"\nusername = "g"\npassword_file = "no-password"').replace(
        '"spool.db"', '"absent/spool.db"'
    )

    wrong = unusable(load(written(tmp_path, text)))

    assert [line.rpartition(" - at ")[2] for line in wrong] == ["`$.broker.password_file`", "`$.spool.path`"]


def test_a_port_that_is_not_plugged_in_is_no_fault(tmp_path: Path) -> None:
    config = load(written(tmp_path, LEAST + SERIAL.replace("ttyUSB0", "no-such-port")))

    assert unusable(config) == []
    assert not_yet(config) == ["/dev/no-such-port is not plugged in - at `$.serial[0].port`"]


def test_the_birth_names_devices_but_neither_paths_nor_phones_nor_passwords(tmp_path: Path) -> None:
    text = (
        LEAST + SERIAL + LISTENER + '[listener.terminals]\n"000000000001" = "truck-2"\n'
        '[[camera]]\ndevice = "cam-1"\nurl = "rtsp://admin:secret@192.0.2.1/s"\n'
        '[[recording]]\ndevice = "kiosk-1"\nprotocol = "hbp9030"\nfile = "kiosk.rec"\n'
    )

    born = births(load(written(tmp_path, text)))

    assert [(each.device, each.kind, each.protocol, each.wire) for each in born] == [
        ("truck-1", "truck", "nmea", "serial"),
        ("truck-2", "truck", "jt808", "tcp"),
        ("cam-1", "camera", "video", "network"),
        ("kiosk-1", "kiosk", "hbp9030", "recording"),
    ]
