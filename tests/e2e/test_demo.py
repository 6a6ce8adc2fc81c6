"""The demo as a newcomer runs it: everything starts, runs, and both ends balance."""

import json
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from simulators.cli import main
from simulators.servers import ServerMissing, program
from tests.conftest import missing

SIMULATORS = str(Path(sys.executable).with_name("simulators"))


@pytest.mark.timeout(240)
def test_the_demo_runs_the_whole_county_and_its_account_balances(tmp_path):
    try:
        program("mosquitto", "mosquitto")
    except ServerMissing as absent:
        missing(str(absent))
    with (tmp_path / "out").open("wb") as out:
        demo = subprocess.Popen(
            [SIMULATORS, "demo", "--seconds", "25", "--port", "0", "--folder", str(tmp_path / "demo")],
            stdout=out,
            stderr=out,
        )
        deadline = time.monotonic() + 60
        while "look at it:" not in (tmp_path / "out").read_text() and time.monotonic() < deadline:
            assert demo.poll() is None, (tmp_path / "out").read_text()
            time.sleep(0.2)
        address = (tmp_path / "out").read_text().split("look at it:")[1].split()[0]
        with urllib.request.urlopen(f"{address}healthz", timeout=10) as answer:  # noqa: S310 - loopback
            assert answer.status == 200
        assert demo.wait(180) == 0, (tmp_path / "out").read_text()
    text = (tmp_path / "out").read_text()
    assert "sent = stored, lost 0, duplicated 0" in text
    truth = (tmp_path / "demo/truth.jsonl").read_text().splitlines()
    kinds = {json.loads(line)["kind"] for line in truth if '"said"' in line}
    assert kinds == {"truck_position", "blood_pressure"}


def test_a_demo_that_cannot_start_says_what_is_missing(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("simulators.servers.SYSTEM_PATH", str(tmp_path))
    assert main(["demo", "--folder", str(tmp_path / "demo")]) == 2
    assert "apt-get install mosquitto" in capsys.readouterr().err
