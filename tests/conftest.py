"""Real servers for the tests that need them, and the rule for a machine that lacks one: skip at a desk, fail in CI."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from simulators.servers import Influx, Mosquitto, ServerMissing

SAMPLES = Path(__file__).parent.parent.parent / "shared" / "samples"

settings.register_profile("desk", max_examples=50, deadline=None)
settings.register_profile("ci", max_examples=200, deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "desk")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The folder is the tier."""
    for item in items:
        for tier in ("integration", "e2e"):
            if f"/tests/{tier}/" in str(item.path):
                item.add_marker(tier)


def missing(reason: str) -> None:
    """A server or tool is not there."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture
def samples() -> Path:
    """Recordings made by other people, beside the project where they are present."""
    if not SAMPLES.is_dir():
        pytest.skip("shared/samples is not beside the project")
    return SAMPLES


@pytest.fixture
def start_mosquitto(tmp_path: Path) -> Iterator[Callable[..., Mosquitto]]:
    """Start a broker with these accounts (name to password); it is stopped after the test."""
    started: list[Mosquitto] = []

    def start(**accounts: str) -> Mosquitto:
        names = {name.replace("_", "-"): secret for name, secret in accounts.items()}
        try:
            broker = Mosquitto(tmp_path / f"mosquitto-{len(started)}", names)
        except ServerMissing as absent:
            missing(str(absent))
            raise
        started.append(broker)
        return broker.start()

    yield start
    for broker in started:
        broker.stop()


@pytest.fixture(scope="session")
def influx_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Influx]:
    """One InfluxDB for the whole run; tests take a database of their own (see `database`)."""
    try:
        server = Influx(tmp_path_factory.mktemp("influx"))
    except ServerMissing as absent:
        missing(str(absent))
        raise
    with server:
        yield server


@pytest.fixture
def database() -> str:
    """A database name that no other test has."""
    return f"t_{secrets.token_hex(6)}"
