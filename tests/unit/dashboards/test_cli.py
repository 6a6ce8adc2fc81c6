"""The command: what it prints, and the exit code that a script can lean on."""

from __future__ import annotations

import pytest

from dashboards.cli import NO, OK, UNREACHABLE, WRONG, main


def test_written_files_are_current_and_changed_ones_are_not(tmp_path, capsys):
    assert main(["write", "--folder", str(tmp_path)]) == OK
    assert main(["diff", "--folder", str(tmp_path)]) == OK
    (tmp_path / "county-trucks.json").unlink()
    assert main(["diff", "--folder", str(tmp_path)]) == NO
    assert "county-trucks.json: missing" in capsys.readouterr().out


def test_a_good_configuration_is_called_good(tmp_path, capsys):
    path = tmp_path / "view.toml"
    path.write_text('[store]\ntype = "embedded"\npath = "x.db"\n')
    assert main(["check-config", str(path)]) == OK
    assert "good" in capsys.readouterr().out


def test_a_bad_configuration_names_the_field_and_stops_with_2(tmp_path, capsys):
    path = tmp_path / "view.toml"
    path.write_text('tile_ulr = ""\n[store]\ntype = "embedded"\npath = "x.db"\n')
    for command in (["check-config", str(path)], ["serve", "--config", str(path)]):
        assert main(command) == WRONG
        assert "tile_ulr" in capsys.readouterr().err


def test_a_public_address_in_a_file_is_refused(tmp_path, capsys):
    path = tmp_path / "view.toml"
    path.write_text('host = "0.0.0.0"\n[store]\ntype = "embedded"\npath = "x.db"\n')
    assert main(["serve", "--config", str(path)]) == WRONG
    assert "--host" in capsys.readouterr().err


def test_a_registry_that_is_not_there_is_named(tmp_path, capsys):
    assert main(["serve", "--store", str(tmp_path / "x.db"), "--registry", str(tmp_path / "absent")]) == WRONG
    assert "registry" in capsys.readouterr().err


def test_a_grafana_that_is_not_there_is_3_and_a_token_that_is_not_there_is_2(tmp_path, capsys):
    token = tmp_path / "token"
    token.write_text("secret")
    for command in ("push", "verify"):
        assert main([command, "--url", "http://127.0.0.1:9", "--token-file", str(token)]) == UNREACHABLE
        assert main([command, "--url", "http://127.0.0.1:9", "--token-file", str(tmp_path / "no")]) == WRONG
    assert "secret" not in capsys.readouterr().err


def test_help_tells_the_exit_codes(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    assert "Exit codes" in capsys.readouterr().out
