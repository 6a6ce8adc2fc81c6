from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from edge_agent.clock import Moment
from edge_agent.health import gateway_health
from edge_agent.spool import Spool
from edge_agent.status import NoStatus, Status, describe, read_status, running, spool_line, write_status
from tests.unit.edge_agent.hand_spool import NOON
from tests.unit.edge_agent.test_health import STATS


@pytest.fixture
def status(tmp_path: Path) -> Status:
    return Status(
        at=NOON.at,
        pid=os.getpid(),
        gateway="gw-07",
        boot="abcd1234",
        connected=True,
        unreceipted=4,
        health=gateway_health("gw-07", NOON, STATS, resent=0, damaged=2, folder=tmp_path, uptime_s=1),
        devices={"truck-1": True, "kiosk-1": False},
        damaged={"truck-1": 2},
    )


def test_what_is_written_is_read_again(tmp_path: Path, status: Status) -> None:
    write_status(tmp_path, status)

    assert read_status(tmp_path) == status
    assert [file.name for file in tmp_path.iterdir()] == ["status.json"]


@pytest.mark.parametrize("text", [None, "", '{"at": 1}'])
def test_an_account_that_cannot_be_read_is_said_by_its_name(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "status.json").write_text(text)

    with pytest.raises(NoStatus, match=r"status\.json"):
        read_status(tmp_path)


def test_a_person_reads_who_is_there_and_what_is_wrong(status: Status) -> None:
    lines = "\n".join(describe(status, NOON.at + timedelta(seconds=12)))

    assert f"gateway gw-07: running (process {os.getpid()}, boot abcd1234), as of 12 s ago" in lines
    assert "broker: connected, 4 messages without receipt" in lines
    assert "spool: 7 readings" in lines
    assert "kiosk-1: NOT CONNECTED\ntruck-1: connected, 2 damaged" in lines


def test_an_account_of_a_process_that_is_gone_says_so(status: Status) -> None:
    gone = msgspec.structs.replace(status, pid=2**22 - 1)

    assert not running(gone)
    assert "NOT RUNNING" in next(describe(gone, NOON.at))


def test_the_spool_of_an_agent_that_is_gone_is_read_without_touching_it(tmp_path: Path) -> None:
    path = tmp_path / "spool.db"
    Spool(path, boot="abcd", now=lambda: Moment(NOON.at, "gateway")).close()
    before = path.read_bytes()

    assert spool_line(path) == "spool: 0 readings; in all 0 taken, 0 receipted, 0 dropped"
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", [None, b"", b"no database"])
def test_a_spool_that_cannot_be_read_is_said_by_its_name(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "spool.db"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(NoStatus, match=r"spool\.db"):
        spool_line(path)
