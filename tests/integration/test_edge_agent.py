"""The agent as a process, between devices on real wires and a real broker."""

from __future__ import annotations

import queue
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from devices.contract.readings import DeviceLink, TruckPosition
from devices.truck.nmea import encode
from simulators.servers import Mosquitto, free_port
from tests.integration.edge_agent_process import (
    PASSWORD,
    Agent,
    County,
    Line,
    Terminal,
    accepting,
    open_connections,
    position,
    until,
)

PHONE = "000000000001"
MEMORY_LIMIT_KB = 35 * 1024


@pytest.fixture
def broker(start_mosquitto: Callable[..., Mosquitto]) -> Mosquitto:
    return start_mosquitto(gw_07=PASSWORD, cloud_ingest="county-secret")


@pytest.fixture
def county(broker: Mosquitto) -> Iterator[County]:
    with_county = County(broker, "county-secret")
    yield with_county
    with_county.close()


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Line]:
    with_line = Line(tmp_path / "ttyUSB0")
    with_line.plug_in()
    yield with_line
    with_line.pull_out()


@pytest.fixture
def agent_of(tmp_path: Path) -> Iterator[Callable[..., Agent]]:
    made: list[Agent] = []

    def agent(broker: Mosquitto | None, devices: str, extra: str = "") -> Agent:
        made.append(Agent(tmp_path / "gateway", broker, devices, extra))
        return made[-1]

    yield agent
    for each in made:
        each.end()


@pytest.fixture
def terminal_on() -> Iterator[Callable[[int], Terminal]]:
    made: list[Terminal] = []

    def terminal(port: int) -> Terminal:
        made.append(Terminal(PHONE, port))
        return made[-1]

    yield terminal
    for each in made:
        each.hang_up()


def receiver(line: Line) -> str:
    return f'[[serial]]\ndevice = "truck-1"\nprotocol = "nmea"\nport = "{line.link}"\n'


def listener(port: int, extra: str = "") -> str:
    return (
        f'[[listener]]\nprotocol = "jt808"\nhost = "127.0.0.1"\nport = {port}\n{extra}\n'
        f'[listener.terminals]\n"{PHONE}" = "truck-2"\n'
    )


def drive(line: Line, seconds: range) -> None:
    for second in seconds:
        line.say(encode(position(second)))
        time.sleep(0.02)


def test_what_a_receiver_says_arrives_at_the_county_and_leaves_the_spool(
    broker: Mosquitto, county: County, line: Line, agent_of: Callable[..., Agent]
) -> None:
    agent = agent_of(broker, receiver(line)).start()
    until(lambda: county.of(DeviceLink, "truck-1"), "the receiver is connected")

    drive(line, range(50))
    until(lambda: len(county.of(TruckPosition)) >= 49, "fifty positions")

    # The fiftieth epoch is complete only when the next begins or the cycle's end was learned.
    seconds = [fix.at.second for fix in county.of(TruckPosition)]
    assert sorted(set(seconds)) == list(range(len(seconds)))
    assert county.of(TruckPosition)[0].clock == "gnss"
    until(lambda: agent.status()["health"]["receipted"] >= 50, "receipts are applied")
    until(lambda: agent.status()["health"]["spool_readings"] <= 2, "the spool is empty but for the latest health")
    assert agent.status()["health"]["spool_dropped"] == 0
    assert agent.stop() == 0


def test_a_terminal_is_answered_and_its_position_arrives(
    broker: Mosquitto, county: County, agent_of: Callable[..., Agent], terminal_on: Callable[[int], Terminal]
) -> None:
    port = free_port()
    agent_of(broker, listener(port)).start()
    until(lambda: accepting(port), "the listener listens")
    terminal = terminal_on(port)
    terminal.call()

    for second in range(5):
        terminal.report(position(second, "truck-2"))

    assert terminal.protocol.unanswered() == []
    until(lambda: len(county.of(TruckPosition, "truck-2")) == 5, "five positions")
    terminal.hang_up()
    until(lambda: [link.connected for link in county.of(DeviceLink, "truck-2")] == [True, False], "said each way")


def test_what_was_answered_is_there_after_a_kill_and_the_terminals_code_still_counts(
    broker: Mosquitto, county: County, agent_of: Callable[..., Agent], terminal_on: Callable[[int], Terminal]
) -> None:
    port = free_port()
    agent = agent_of(broker, listener(port)).start()
    until(lambda: accepting(port), "the listener listens")
    terminal = terminal_on(port)
    terminal.call()
    broker.freeze()
    terminal.report(position(1, "truck-2"))

    agent.process.kill()
    agent.process.wait()
    terminal.hang_up()
    broker.thaw()
    agent.start()
    until(lambda: accepting(port), "the listener listens again")

    until(lambda: len(county.of(TruckPosition, "truck-2")) >= 1, "the position that was answered")
    code = terminal.protocol.code
    terminal.call()
    assert terminal.protocol.code == code
    terminal.hang_up()


def test_a_sigterm_commits_what_is_pending_says_goodbye_and_ends_with_0(
    broker: Mosquitto, county: County, line: Line, agent_of: Callable[..., Agent]
) -> None:
    slow = "commit_after_s = 0.05", "commit_after_s = 10"
    agent = agent_of(broker, receiver(line))
    agent.config.write_text(agent.config.read_text().replace(*slow))
    agent.start()
    until(lambda: "truck-1: connected" in agent.log.read_text(), "the receiver is connected")
    assert county.states.get(timeout=20) == ("online", "")
    drive(line, range(10))
    time.sleep(0.2)  # the agent reads them; nothing that can be seen from outside tells when

    began_s = time.monotonic()
    code = agent.stop()

    assert (code, time.monotonic() - began_s < 10) == (0, True)
    assert county.states.get(timeout=5) == ("offline", "stopped")
    agent.config.write_text(agent.config.read_text().replace(*reversed(slow)))
    agent.start()
    until(lambda: len({fix.at for fix in county.of(TruckPosition)}) >= 9, "what was pending at the stop")


def test_a_sigterm_while_the_broker_is_deaf_still_ends_with_0_in_time(
    broker: Mosquitto, line: Line, agent_of: Callable[..., Agent]
) -> None:
    broker.freeze()
    agent = agent_of(broker, receiver(line)).start()
    until(agent.status, "the agent runs")

    assert agent.stop(signal.SIGINT) == 0


def test_readings_wait_for_a_broker_that_is_away(broker: Mosquitto, line: Line, agent_of: Callable[..., Agent]) -> None:
    broker.stop()
    agent = agent_of(broker, receiver(line)).start()
    until(lambda: agent.status().get("devices") == {"truck-1": True}, "the receiver is connected")
    drive(line, range(20))
    until(lambda: agent.status()["health"]["spool_readings"] >= 20, "the readings wait")
    assert not agent.status()["connected"]

    broker.start()
    county = County(broker, "county-secret")
    until(lambda: len({fix.at for fix in county.of(TruckPosition)}) >= 19, "they arrive")
    county.close()


def test_an_unplugged_device_is_noticed_and_comes_back(
    broker: Mosquitto, county: County, line: Line, agent_of: Callable[..., Agent]
) -> None:
    agent_of(broker, receiver(line)).start()
    until(lambda: county.of(DeviceLink, "truck-1"), "the receiver is connected")
    drive(line, range(5))

    line.pull_out()
    until(lambda: len(county.of(DeviceLink, "truck-1")) == 2, "it is gone")
    line.plug_in()
    until(lambda: len(county.of(DeviceLink, "truck-1")) == 3, "it is back")
    drive(line, range(30, 40))
    until(lambda: any(fix.at.second >= 35 for fix in county.of(TruckPosition)), "it is read again")

    assert [link.connected for link in county.of(DeviceLink, "truck-1")] == [True, False, True]


def test_ten_thousand_connections_are_bounded_and_counted_and_a_terminal_inside_is_still_served(
    broker: Mosquitto, county: County, agent_of: Callable[..., Agent], terminal_on: Callable[[int], Terminal]
) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 11_000:
        pytest.skip(f"this machine lets a process open only {hard} files")
    port = free_port()
    agent = agent_of(broker, listener(port, "max_connections = 500")).start()
    until(lambda: accepting(port), "the listener listens")
    terminal = terminal_on(port)
    terminal.call()
    before_kb = agent.memory_kb()

    held: list[socket.socket] = []
    resource.setrlimit(resource.RLIMIT_NOFILE, (11_000, hard))
    try:
        held = list(open_connections(port, 10_000))
        terminal.report(position(1, "truck-2"))
        until(lambda: agent.status()["listeners"][0]["refused"] >= 9_500, "the refusals are counted")
        flooded_kb = agent.memory_kb()
        assert agent.status()["listeners"][0]["connected"] <= 500
    finally:
        for caller in held:
            caller.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    assert flooded_kb - before_kb < 20 * 1024
    until(lambda: county.of(TruckPosition, "truck-2"), "the position of the terminal inside")
    terminal.hang_up()


def test_an_endless_frame_is_cut_off_and_costs_no_memory(broker: Mosquitto, agent_of: Callable[..., Agent]) -> None:
    port = free_port()
    agent = agent_of(broker, listener(port)).start()
    until(lambda: accepting(port), "the listener listens")
    before_kb = agent.memory_kb()

    with socket.create_connection(("127.0.0.1", port), 20) as hostile:
        hostile.sendall(b"\x7e")
        with pytest.raises(ConnectionError):
            hostile.sendall(b"\x01" * 50_000_000)

    assert agent.memory_kb() - before_kb < 8 * 1024
    until(lambda: agent.status()["health"].get("damaged"), "it is counted")


def test_a_wrong_configuration_names_the_field_and_ends_with_2(agent_of: Callable[..., Agent]) -> None:
    agent = agent_of(None, '[[serial]]\ndevice = "truck-1"\nprotocol = "nmae"\nport = "/dev/ttyUSB0"\n')

    said = subprocess.run(
        [sys.executable, "-m", "edge_agent.cli", "run", "--config", str(agent.config)],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )

    assert said.returncode == 2
    assert "protocol 'nmae' is not known" in said.stderr
    assert "$.serial[0].protocol" in said.stderr


def test_a_second_agent_on_the_same_spool_ends_with_1_and_says_why(
    broker: Mosquitto, line: Line, agent_of: Callable[..., Agent]
) -> None:
    agent = agent_of(broker, receiver(line)).start()
    until(agent.status, "the agent runs")

    said = subprocess.run(
        [sys.executable, "-m", "edge_agent.cli", "run", "--config", str(agent.config)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert said.returncode == 1
    assert "spool.db" in said.stderr
    assert "Traceback" not in said.stderr


def test_a_technician_sees_how_the_agent_is_while_it_runs_and_what_waits_when_it_does_not(
    broker: Mosquitto, line: Line, agent_of: Callable[..., Agent]
) -> None:
    agent = agent_of(broker, receiver(line)).start()
    until(lambda: agent.status().get("connected"), "the agent is connected")
    until(lambda: agent.status()["devices"].get("truck-1"), "the receiver is connected")

    def asked() -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "edge_agent.cli", "status", "--config", str(agent.config)]
        return subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)

    running = asked()
    agent.stop()
    stopped = asked()

    assert running.returncode == 0
    assert "gateway gw-07: running" in running.stdout
    assert "truck-1: connected" in running.stdout
    assert stopped.returncode == 1
    assert "NOT RUNNING" in stopped.stdout
    assert "spool: " in stopped.stdout.splitlines()[-1]


def test_the_dry_form_prints_readings_and_needs_no_broker(line: Line, agent_of: Callable[..., Agent]) -> None:
    agent = agent_of(None, receiver(line))
    with subprocess.Popen(
        [sys.executable, "-m", "edge_agent.cli", "run", "--print", "--config", str(agent.config)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as dry:
        assert dry.stdout is not None
        first = dry.stdout.readline()
        drive(line, range(5))
        second = dry.stdout.readline()
        dry.send_signal(signal.SIGINT)
        code = dry.wait(10)

    assert '"kind":"device_link"' in first
    assert '"kind":"truck_position"' in second
    assert code == 0
    assert not (agent.folder / "spool.db").exists()


def test_systemd_hears_that_the_agent_is_ready_alive_and_stopping(
    tmp_path: Path, broker: Mosquitto, line: Line, agent_of: Callable[..., Agent]
) -> None:
    heard: queue.Queue[bytes] = queue.Queue()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(20)
        agent = agent_of(broker, receiver(line))
        agent.start(NOTIFY_SOCKET=str(tmp_path / "notify"), WATCHDOG_USEC="6000000")

        def hear(word: bytes) -> None:
            while not (said := systemd.recv(500)).startswith(word):
                heard.put(said)

        hear(b"READY=1")
        for _ in range(2):
            hear(b"WATCHDOG=1")
        agent.stop()
        hear(b"STOPPING=1")


def test_a_running_agent_without_cameras_takes_at_most_35_mb(
    broker: Mosquitto,
    county: County,
    line: Line,
    agent_of: Callable[..., Agent],
    terminal_on: Callable[[int], Terminal],
    record_property: Callable[..., None],
) -> None:
    port = free_port()
    agent = agent_of(broker, receiver(line) + listener(port)).start()
    until(lambda: accepting(port), "the listener listens")
    terminal = terminal_on(port)
    terminal.call()
    for second in range(100):
        line.say(encode(position(second)))
        terminal.report(position(second, "truck-2"))
        time.sleep(0.02)
    until(lambda: len(county.of(TruckPosition, "truck-2")) == 100, "all positions")

    resident_kb, proportional_kb = agent.memory_kb(), agent.memory_kb("Pss", "smaps_rollup")
    record_property("rss_kb", resident_kb)
    record_property("pss_kb", proportional_kb)
    print(f"RSS {resident_kb / 1024:.1f} MB, PSS {proportional_kb / 1024:.1f} MB")

    assert resident_kb <= MEMORY_LIMIT_KB
    terminal.hang_up()
