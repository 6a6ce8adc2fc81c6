from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from edge_agent.cli import main

LEAST = 'gateway = "gw-07"\n[broker]\nhost = "127.0.0.1"\n[spool]\npath = "spool.db"\n'


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "edge-agent.toml"
    file.write_text(LEAST)
    return file


def test_a_right_configuration_is_summed_up_and_ends_with_0(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config.write_text(LEAST + '[[serial]]\ndevice = "t"\nprotocol = "nmea"\nport = "/dev/no-such-port"\n')

    assert main(["check-config", str(config)]) == 0

    out = capsys.readouterr().out
    assert "note: /dev/no-such-port is not plugged in" in out
    assert "gateway gw-07: 1 serial, 0 listening (0 terminals), 0 cameras, 0 recordings" in out


def test_a_wrong_configuration_names_the_field_and_ends_with_2(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config.write_text(LEAST + "[clock]\ntrusts = 1\n")

    assert main(["check-config", str(config)]) == 2

    assert "unknown field `trusts` - at `$.clock`" in capsys.readouterr().err


def test_all_that_the_machine_lacks_is_said_at_once_and_ends_with_2(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config.write_text(LEAST.replace("spool.db", "absent/spool.db") + '[broker.tls]\nca = "no-ca"\n')

    assert main(["run", "--config", str(config)]) == 2

    err = capsys.readouterr().err
    assert "`$.broker.tls.ca`" in err
    assert "`$.spool.path`" in err


def test_the_status_of_an_agent_that_never_ran_ends_with_1(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "--config", str(config)]) == 1

    assert "status.json" in capsys.readouterr().err


@pytest.mark.parametrize("wrong", [[], ["fly"], ["run"], ["decode", "no-such-protocol"]])
def test_a_wrong_command_line_ends_with_2(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(wrong)

    assert ended.value.code == 2
    assert "usage: edge-agent" in capsys.readouterr().err


def test_help_shows_examples_and_exit_codes_and_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])

    out = capsys.readouterr().out
    assert ended.value.code == 0
    for word in ("examples:", "exit codes:", "run", "check-config", "status", "decode", "encode", "capture", "replay"):
        assert word in out


@pytest.mark.parametrize("tool", ["decode", "encode", "capture", "replay"])
def test_each_tool_has_help_of_its_own(tool: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([tool, "--help"])

    assert ended.value.code == 0
    assert f"usage: edge-agent {tool}" in capsys.readouterr().out


def test_the_program_carries_no_heavy_library_that_it_does_not_use() -> None:
    """The agent's memory is its imports; the tools' modules, cameras and web libraries come only when asked for."""
    heavy = ("numpy", "cv2", "aiohttp", "http.server", "edge_agent.tools.decode", "edge_agent.collect_camera")
    program = f"import sys, edge_agent.cli, edge_agent.app\nprint([m for m in {heavy} if m in sys.modules])"

    assert subprocess.check_output([sys.executable, "-c", program], text=True).strip() == "[]"


def test_looking_at_help_starts_nothing_of_the_agent() -> None:
    program = "import sys, edge_agent.cli\nprint([m for m in ('asyncio.base_events', 'aiomqtt') if m in sys.modules])"

    assert "aiomqtt" not in subprocess.check_output([sys.executable, "-c", program], text=True)
