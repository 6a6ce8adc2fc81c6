"""The command line: exit codes, and the quarantine in a technician's hands."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cloud_ingest.cli import main
from cloud_ingest.quarantine import Quarantine, Refusal

SAMPLE = Path(__file__).parents[3] / "config" / "registry.sample"


@pytest.fixture
def config(tmp_path: Path) -> str:
    path = tmp_path / "ingest.toml"
    path.write_text(
        f'[broker]\nhost = "localhost"\n[store]\ntype = "embedded"\npath = "p.db"\n[registry]\npath = "{SAMPLE}"\n'
        '[quarantine]\npath = "quarantine.db"\n'
    )
    return str(path)


@pytest.fixture
def kept(tmp_path: Path) -> Quarantine:
    quarantine = Quarantine(tmp_path / "quarantine.db")
    refusal = Refusal(
        "county/v1/gw-1/readings", "gw-1", "boot", "7", "application/json", "unreadable", "too strange", True, b"\xffx"
    )
    asyncio.run(
        quarantine.keep([refusal, refusal._replace(payload=b"{}", whole=False)], datetime(2026, 3, 1, tzinfo=UTC))
    )
    return quarantine


def test_a_right_configuration_is_said_to_be_right(config: str, capsys) -> None:
    assert main(["check-config", "--config", config]) == 0
    assert "4 devices, 2 sites, 1 villages" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["check-config", "run"])
def test_a_wrong_configuration_names_the_field_and_is_code_2(command: str, config: str, capsys) -> None:
    Path(config).write_text(Path(config).read_text().replace("host", "hots"))
    assert main([command, "--config", config]) == 2
    assert "hots" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["check-config", "run"])
def test_a_wrong_registry_names_the_file_and_is_code_2(command: str, config: str, tmp_path: Path, capsys) -> None:
    Path(config).write_text(Path(config).read_text().replace(str(SAMPLE), str(tmp_path)))
    assert main([command, "--config", config]) == 2
    assert "devices.toml" in capsys.readouterr().err


def test_a_secret_that_is_missing_is_code_2(config: str, tmp_path: Path, capsys) -> None:
    store = '[store]\ntype = "influx"\nurl = "http://localhost:1"\ndatabase = "d"\ntoken_file = "nowhere"'
    text = Path(config).read_text().replace('[store]\ntype = "embedded"\npath = "p.db"', store)
    Path(config).write_text(text)
    assert main(["run", "--config", config]) == 2
    assert "token_file" in capsys.readouterr().err


def test_wrong_arguments_are_code_2(capsys) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["run"])
    assert stop.value.code == 2
    assert "--config" in capsys.readouterr().err


def test_help_says_what_it_is_and_what_the_exit_codes_mean(capsys) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["--help"])
    assert stop.value.code == 0
    printed = capsys.readouterr().out
    for word in ("run", "check-config", "quarantine", "exit codes", "examples"):
        assert word in printed


def test_the_quarantine_is_listed_one_item_a_line(config: str, kept: Quarantine, capsys) -> None:
    assert main(["quarantine", "--config", config, "list"]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert "too strange" in first
    assert ("message" in first, "reading" in second) == (True, True)


def test_an_empty_quarantine_is_said_to_be_empty(config: str, capsys) -> None:
    assert main(["quarantine", "--config", config, "list"]) == 0
    assert "empty" in capsys.readouterr().err


def test_an_item_is_shown_with_its_payload_legible_or_in_hex(config: str, kept: Quarantine, capsysbinary) -> None:
    assert main(["quarantine", "--config", config, "show", "1"]) == 0
    assert b"ff 78" in capsysbinary.readouterr().out
    assert main(["quarantine", "--config", config, "show", "2"]) == 0
    assert b"{}" in capsysbinary.readouterr().out
    assert main(["quarantine", "--config", config, "show", "--raw", "1"]) == 0
    assert capsysbinary.readouterr().out == b"\xffx"
    assert main(["quarantine", "--config", config, "show", "3"]) == 1


def test_a_replay_without_a_running_ingest_waits_in_the_file(config: str, kept: Quarantine, capsys) -> None:
    assert main(["quarantine", "--config", config, "replay", "1", "9", "--wait", "0"]) == 1
    printed = capsys.readouterr().out
    assert "9\tis not in quarantine" in printed
    assert "waits for the ingest" in printed
    assert [item.id for item in asyncio.run(kept.take_replays(10))] == [1]


def test_a_replay_wants_numbers_or_all(config: str, kept: Quarantine, capsys) -> None:
    assert main(["quarantine", "--config", config, "replay"]) == 2
    assert main(["quarantine", "--config", config, "replay", "1", "--all"]) == 2
    assert main(["quarantine", "--config", config, "replay", "--all", "--wait", "0"]) == 1
    assert "0 of 2 stored" in capsys.readouterr().out


def test_a_broken_quarantine_is_code_1(config: str, tmp_path: Path, capsys) -> None:
    (tmp_path / "quarantine.db").write_bytes(b"this is no database" * 1000)
    assert main(["quarantine", "--config", config, "list"]) == 1
    assert "quarantine" in capsys.readouterr().err
