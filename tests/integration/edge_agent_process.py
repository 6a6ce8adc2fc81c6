"""The agent as a process, and the ends it stands between: a serial line, a terminal's connection, the county."""

from __future__ import annotations

import json
import os
import queue
import signal
import socket
import subprocess
import sys
import time
import tty
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import paho.mqtt.client as mqtt

from devices.contract.message import Receipt, decode_readings, decode_state, encode, unpack
from devices.contract.readings import Reading, TruckPosition
from devices.contract.topics import Topic, parse_topic, topic_filter
from devices.truck.jt808.terminal import Jt808Terminal
from simulators.servers import Mosquitto

PATIENCE_S = 20.0
GATEWAY = "gw-07"
PASSWORD = "gateway-secret"


def until(condition: Callable[[], object], what: str, patience_s: float = PATIENCE_S) -> None:
    """Wait for what another process does, and say what did not happen."""
    deadline_s = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < deadline_s, f"not within {patience_s:g} s: {what}"
        time.sleep(0.02)


def position(second: int, device: str = "truck-1") -> TruckPosition:
    at = datetime(2026, 6, 1, 4, 0, 0, tzinfo=UTC).replace(second=second % 60, minute=second // 60)
    return TruckPosition(device=device, at=at, clock="gnss", latitude=30.25, longitude=119.75, speed_kmh=36.0)


class Agent:
    """`edge-agent run` on a configuration in a folder of its own."""

    def __init__(self, folder: Path, broker: Mosquitto | None, devices: str, extra: str = "") -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "password").write_text(PASSWORD)
        self.config = folder / "edge-agent.toml"
        port = broker.port if broker else 1
        self.config.write_text(
            f'gateway = "{GATEWAY}"\n[broker]\nhost = "127.0.0.1"\nport = {port}\nusername = "{GATEWAY}"\n'
            f'password_file = "password"\n[spool]\npath = "spool.db"\ncommit_after_s = 0.05\ndrain_s = 1\n'
            f'[clock]\ntrust = "always"\n[health]\nevery_s = 1\n{extra}\n{devices}'
        )
        self.log = folder / "agent.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, **environment: str) -> Self:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "edge_agent.cli", "run", "--config", str(self.config)],
                stderr=log,
                env={**os.environ, "PYTHONTRACEMALLOC": "", **environment},
            )
        return self

    @property
    def process(self) -> subprocess.Popen[bytes]:
        assert self._process is not None
        return self._process

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Its exit code; the test fails if it stays longer than 10 s."""
        self.process.send_signal(how)
        return self.process.wait(10)

    def end(self) -> None:
        if self._process and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def status(self) -> dict[str, Any]:
        with suppress(OSError):
            return dict(json.loads((self.folder / "status.json").read_text()))
        return {}

    def memory_kb(self, field: str = "VmRSS", file: str = "status") -> int:
        for line in Path(f"/proc/{self.process.pid}/{file}").read_text().splitlines():
            if line.startswith(f"{field}:"):
                return int(line.split()[1])
        raise KeyError(field)


class Line:
    """A serial device behind a link, as udev would make it: plugged in, spoken through, pulled out."""

    def __init__(self, link: Path) -> None:
        self.link = link
        self._device: int | None = None

    def plug_in(self) -> None:
        self._device, port = os.openpty()
        tty.setraw(port)
        self.link.unlink(missing_ok=True)
        self.link.symlink_to(os.ttyname(port))
        # Held by nobody but the agent, so that pulling out is noticed by it alone.
        os.close(port)

    def say(self, data: bytes) -> None:
        assert self._device is not None
        os.write(self._device, data)

    def pull_out(self) -> None:
        if self._device is not None:
            os.close(self._device)
            self._device = None
            self.link.unlink(missing_ok=True)


class County:
    """The other end: takes readings in, and receipts them, as the ingest does."""

    def __init__(self, broker: Mosquitto, password: str, *, receipts: bool = True) -> None:
        self.readings: list[Reading] = []
        self.states: queue.Queue[tuple[str, str]] = queue.Queue()
        self._receipts = receipts
        self._client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, "cloud-ingest", protocol=mqtt.MQTTv5)
        self._client.username_pw_set("cloud-ingest", password)
        self._client.on_message = self._take
        self._client.connect(broker.host, broker.port)
        self._client.subscribe([(topic_filter("readings"), 1), (topic_filter("state"), 1)])
        self._client.loop_start()

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def of(self, kind: type[Reading], device: str | None = None) -> list[Any]:
        return [found for found in list(self.readings) if isinstance(found, kind) and device in (None, found.device)]

    def _take(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        topic = parse_topic(message.topic)
        assert topic is not None
        if topic.stream == "state":
            state = decode_state(message.payload)
            self.states.put((state.state, state.reason))
            return
        content_type = str(getattr(message.properties, "ContentType", ""))
        batch = decode_readings(unpack(message.payload, content_type))
        self.readings += batch.readings
        if self._receipts:
            receipt = Receipt(
                gateway=topic.gateway, boot=batch.boot, ranges=[(batch.seq, batch.seq)], at=datetime.now(UTC)
            )
            self._client.publish(str(Topic(topic.gateway, "receipt")), encode(receipt), qos=1)


class Terminal:
    """A truck's terminal on a TCP connection."""

    def __init__(self, phone: str, port: int) -> None:
        self.protocol = Jt808Terminal(phone, 2013)
        self._port = port
        self._socket: socket.socket | None = None

    def call(self) -> None:
        """Connect, register and authenticate."""
        self._socket = socket.create_connection(("127.0.0.1", self._port), PATIENCE_S)
        self.protocol.connected()
        self._ask(self.protocol.register())
        self._ask(self.protocol.authenticate())
        assert self.protocol.authenticated

    def report(self, reading: TruckPosition) -> None:
        """Send a position and wait until it is accepted."""
        self._ask(self.protocol.report(reading))

    def hang_up(self) -> None:
        if self._socket:
            self._socket.close()

    def _ask(self, data: bytes) -> None:
        assert self._socket is not None
        self._socket.sendall(data)
        answered = []
        while not answered:
            received = self._socket.recv(4096)
            assert received, "the gateway hung up"
            answered = self.protocol.receive(received)


def accepting(port: int) -> bool:
    with suppress(OSError):
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    return False


def open_connections(port: int, count: int) -> Iterator[socket.socket]:
    """So many callers, those that were let in for a moment at least; a refused one may hear of it while it connects."""
    for _ in range(count):
        with suppress(ConnectionError):
            yield socket.create_connection(("127.0.0.1", port), PATIENCE_S)
