"""`cloud-ingest setup` against a stub of InfluxDB 2.x: what it makes, that it may run again, and how it fails."""

from __future__ import annotations

import argparse
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cloud_ingest.stores.setup import configure, run
from simulators.servers import free_port
from tests.integration.stores.influx2_stub import ADMIN, Influx2Stub


@pytest.fixture
def server() -> Iterator[Influx2Stub]:
    with Influx2Stub() as stub:
        yield stub


@pytest.fixture
def set_up(server: Influx2Stub, tmp_path: Path) -> Callable[..., int]:
    """Run the command with the usual arguments and these."""

    def call(*more: str, admin: str = ADMIN, url: str = "") -> int:
        (tmp_path / "admin").write_text(f"{admin}\n")
        parser = argparse.ArgumentParser()
        configure(parser)
        usual = ["--url", url or server.url, "--org", "county", "--bucket", "county"]
        files = ["--admin-token-file", str(tmp_path / "admin"), "--tokens", str(tmp_path / "tokens")]
        return run(parser.parse_args([*usual, *files, *more]))

    return call


def token(tmp_path: Path, name: str) -> str:
    return (tmp_path / "tokens" / name).read_text().strip()


def test_a_new_server_gets_organisation_bucket_mapping_and_two_tokens(
    server: Influx2Stub, set_up: Callable[..., int], tmp_path: Path
):
    assert set_up("--retention-days", "400") == 0
    (org,), (bucket,), (mapping,) = server.orgs, server.buckets, server.mappings
    assert bucket["orgID"] == org["id"]
    assert bucket["retentionRules"] == [{"type": "expire", "everySeconds": 400 * 86400}]
    assert (mapping["database"], mapping["bucketID"], mapping["orgID"]) == ("county", bucket["id"], org["id"])
    assert (mapping["retention_policy"], mapping["default"]) == ("autogen", True)
    rights = {
        each["token"]: {(permission["action"], permission["resource"]["id"]) for permission in each["permissions"]}
        for each in server.tokens
    }
    assert rights == {
        token(tmp_path, "ingest.token"): {("read", bucket["id"]), ("write", bucket["id"])},
        token(tmp_path, "grafana.token"): {("read", bucket["id"])},
    }


def test_token_files_are_for_their_owner_only_and_nothing_else_is_left(set_up: Callable[..., int], tmp_path: Path):
    set_up()
    files = sorted((tmp_path / "tokens").iterdir())
    assert [file.name for file in files] == ["grafana.token", "ingest.token"]
    assert [stat.S_IMODE(file.stat().st_mode) for file in files] == [0o600, 0o600]


def test_a_second_run_changes_nothing(server: Influx2Stub, set_up: Callable[..., int], tmp_path: Path):
    set_up("--retention-days", "30")
    server.changes.clear()
    before = token(tmp_path, "ingest.token"), token(tmp_path, "grafana.token")
    assert set_up("--retention-days", "30") == 0
    assert server.changes == []
    assert (token(tmp_path, "ingest.token"), token(tmp_path, "grafana.token")) == before


def test_a_new_retention_is_set_and_none_means_for_ever(server: Influx2Stub, set_up: Callable[..., int]):
    set_up("--retention-days", "30")
    set_up("--retention-days", "0.5")
    assert server.buckets[0]["retentionRules"] == [{"type": "expire", "everySeconds": 43200}]
    set_up()
    assert server.buckets[0]["retentionRules"] == []


def test_a_lost_token_file_is_made_again_and_the_old_token_ends(
    server: Influx2Stub, set_up: Callable[..., int], tmp_path: Path
):
    set_up()
    old = token(tmp_path, "ingest.token")
    (tmp_path / "tokens" / "ingest.token").unlink()
    assert set_up() == 0
    assert old not in {each["token"] for each in server.tokens}
    assert {each["token"] for each in server.tokens} == {
        token(tmp_path, "ingest.token"),
        token(tmp_path, "grafana.token"),
    }


def test_a_token_of_another_server_is_replaced(server: Influx2Stub, set_up: Callable[..., int], tmp_path: Path):
    (tmp_path / "tokens").mkdir()
    (tmp_path / "tokens" / "ingest.token").write_text("of the server before")
    assert set_up() == 0
    assert token(tmp_path, "ingest.token") in {each["token"] for each in server.tokens}


def test_a_database_of_another_name_is_mapped_and_moves_with_its_bucket(
    server: Influx2Stub, set_up: Callable[..., int]
):
    server.buckets.append({"id": "other", "name": "other", "orgID": "x", "retentionRules": []})
    server.mappings.append(
        {"id": "m", "database": "points", "bucketID": "other", "orgID": "x"}
        | {"retention_policy": "autogen", "virtual": False, "default": True}
    )
    assert set_up("--database", "points") == 0
    (mapping,) = server.mappings
    assert mapping["bucketID"] == next(bucket["id"] for bucket in server.buckets if bucket["name"] == "county")


def test_a_mapping_that_is_not_the_default_becomes_it(server: Influx2Stub, set_up: Callable[..., int]):
    set_up()
    server.mappings[0]["default"] = False
    assert set_up() == 0
    assert server.mappings[0]["default"] is True


def test_a_wrong_administrators_token_ends_with_2_and_says_so(
    set_up: Callable[..., int], capsys: pytest.CaptureFixture[str]
):
    assert set_up(admin="guess") == 2
    said = capsys.readouterr().err
    assert "operator token" in said
    assert "guess" not in said


def test_no_server_ends_with_1_and_names_it(set_up: Callable[..., int], capsys: pytest.CaptureFixture[str]):
    url = f"http://127.0.0.1:{free_port()}"
    assert set_up(url=url) == 1
    assert url in capsys.readouterr().err


def test_a_broken_server_ends_with_1_and_leaves_no_token_file(
    server: Influx2Stub, set_up: Callable[..., int], tmp_path: Path
):
    server.broken = True
    assert set_up() == 1
    assert list((tmp_path / "tokens").iterdir()) == []


def test_a_missing_admin_file_and_a_wrong_url_end_with_2(
    set_up: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert set_up("--admin-token-file", str(tmp_path / "absent")) == 2
    assert "absent" in capsys.readouterr().err
    assert set_up(url="influxdb:8086") == 2
    assert "http://host:port" in capsys.readouterr().err
