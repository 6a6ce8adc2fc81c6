"""What the ingest's integration tests stand on: the real process, and a gateway that publishes and hears receipts."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from paho.mqtt.client import Client, MQTTMessage, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from cloud_ingest.stores.embedded import EmbeddedStore
from cloud_ingest.stores.query import Rows, Total
from cloud_ingest.stores.store import Window
from devices.contract.message import JSON, ReadingsMessage, Receipt, decode_receipt, encode
from devices.contract.readings import Stored, TruckPosition, WireReading
from simulators.servers import Mosquitto, free_port

PATIENCE_S = 20.0
BEGIN = datetime(2026, 3, 1, 2, tzinfo=UTC)
ALL_TIME = Window(datetime(2020, 1, 1, tzinfo=UTC), datetime(2099, 1, 1, tzinfo=UTC), 3600)

DEVICES = """
[[device]]
id = "gw-01"
kind = "gateway"
site = "pit"
[[device]]
id = "truck-001"
kind = "truck"
site = "pit"
"""
SITES = """{"type": "FeatureCollection", "features": [{"type": "Feature",
 "properties": {"id": "pit", "kind": "excavation", "village": "wukang"},
 "geometry": {"type": "Point", "coordinates": [119.95, 30.55]}}]}"""
VILLAGES = """{"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {"id": "wukang"},
 "geometry": {"type": "Polygon", "coordinates": [[[119.9, 30.5], [120, 30.5], [120, 30.6], [119.9, 30.5]]]}}]}"""


def until(condition: Callable[[], Any], what: str, patience_s: float = PATIENCE_S) -> Any:
    """Wait for a condition; its value. Fails the test, saying what did not happen."""
    deadline = time.monotonic() + patience_s
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not within {patience_s} s: {what}"
        time.sleep(0.02)
    return value


def positions(device: str, first: int, count: int, speed_kmh: float = 40.0) -> list[WireReading]:
    """Fixes of a truck, one a second of device time."""
    return [
        TruckPosition(
            device=device,
            at=BEGIN + timedelta(seconds=first + number),
            latitude=30.55,
            longitude=119.95,
            speed_kmh=speed_kmh,
        )
        for number in range(count)
    ]


class IngestProcess:
    """`cloud-ingest run` in a folder of its own; can be killed and started again in the same place."""

    def __init__(self, folder: Path, broker: Mosquitto, secret: str, store: str | None = None, extra: str = "") -> None:
        self.folder = folder
        self.port = free_port()
        self.log = folder / "ingest.log"
        self._process: subprocess.Popen[bytes] | None = None
        registry = folder / "registry"
        registry.mkdir(parents=True)
        (registry / "devices.toml").write_text(DEVICES)
        (registry / "sites.geojson").write_text(SITES)
        (registry / "villages.geojson").write_text(VILLAGES)
        (folder / "password").write_text(secret)
        self.config = folder / "ingest.toml"
        self.config.write_text(
            f'[broker]\nhost = "{broker.host}"\nport = {broker.port}\nusername = "cloud-ingest"\n'
            'password_file = "password"\n'
            f"[store]\n{store or EMBEDDED}\n"
            '[registry]\npath = "registry"\npoll_s = 0.2\n[quarantine]\npath = "quarantine.db"\n'
            f"[pipeline]\nreceipts_every_ms = 50\n[metrics]\nport = {self.port}\n{extra}"
        )

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self, *, ready: bool = True) -> IngestProcess:
        with self.log.open("ab") as log:
            command = [sys.executable, "-m", "cloud_ingest.cli", "run", "--config", str(self.config)]
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        if ready:
            until(self.is_ready, "the ingest is ready")
        return self

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Another `cloud-ingest` command on the same configuration."""
        command = [sys.executable, "-m", "cloud_ingest.cli", *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    def is_ready(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.log.read_text()
        return self.get("/readyz")[0] == 200

    def get(self, path: str) -> tuple[int, str]:
        """What the ingest's HTTP answers; (0, "") for nothing."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=2) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def metric(self, name: str) -> float:
        """One value out of /metrics, labels included in the name; 0 where it is not there yet."""
        for line in self.get("/metrics")[1].splitlines():
            if line.rpartition(" ")[0] == name:
                return float(line.rpartition(" ")[2])
        return 0.0

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        return self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> int:
        if self._process is None:
            return 0
        os.kill(self._process.pid, how)
        code = self._process.wait(30)
        self._process = None
        return code

    async def count(self, kind: type[Stored], column: str) -> int:
        """How many points of a kind are stored."""
        store = await EmbeddedStore.open(self.folder / "points.db", read_only=True)
        try:
            table = await store.query(Total(kind, column, "count"), ALL_TIME)
            return int(table.rows[0][1])
        finally:
            await store.close()

    async def rows(self, kind: type[Stored], *columns: str) -> list[tuple[Any, ...]]:
        """Stored points, newest first: the columns alone."""
        store = await EmbeddedStore.open(self.folder / "points.db", read_only=True)
        try:
            table = await store.query(Rows(kind, columns, limit=1000), ALL_TIME)
            return [row[-len(columns) :] for row in table.rows]
        finally:
            await store.close()


EMBEDDED = 'type = "embedded"\npath = "points.db"'


class Gateway:
    """A gateway's side of the wire: publishes readings messages, collects what it gets receipts for."""

    def __init__(self, name: str, secret: str, broker: Mosquitto, boot: str = "boot1") -> None:
        self.name = name
        self.boot = boot
        self._seq = 0
        self._lock = threading.Lock()
        self._receipted: set[tuple[str, int]] = set()
        self.refused: dict[int, str] = {}
        self._client = Client(CallbackAPIVersion.VERSION2, name, protocol=MQTTv5)
        self._client.username_pw_set(name, secret)
        self._client.max_inflight_messages_set(100)
        self._client.on_message = self._receipt
        self._client.on_connect = lambda client, *_: client.subscribe(f"county/v1/{name}/receipt", qos=1)
        self._client.reconnect_delay_set(1, 1)
        self._client.connect(broker.host, broker.port)
        self._client.loop_start()
        until(self._client.is_connected, f"{name} is connected")

    def __enter__(self) -> Gateway:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def send(self, readings: Sequence[WireReading], *, sent_at: datetime | None = None) -> int:
        """A readings message with the next number; the number."""
        self._seq += 1
        self.send_again(self._seq, readings, sent_at=sent_at)
        return self._seq

    def send_again(self, seq: int, readings: Sequence[WireReading], *, sent_at: datetime | None = None) -> None:
        """A readings message with that number."""
        message = ReadingsMessage(
            gateway=self.name, boot=self.boot, seq=seq, sent_at=sent_at or datetime.now(UTC), readings=list(readings)
        )
        self.publish(encode(message), seq)

    def publish(self, payload: bytes, seq: int | None, content_type: str = JSON, stream: str = "readings") -> None:
        """Any payload on one of our streams."""
        properties = Properties(PacketTypes.PUBLISH)
        properties.ContentType = content_type
        if seq is not None:
            properties.UserProperty = [("boot", self.boot), ("seq", str(seq))]
        self._client.publish(f"county/v1/{self.name}/{stream}", payload, qos=1, properties=properties)

    def has_receipt(self, *numbers: int) -> bool:
        with self._lock:
            return all((self.boot, number) in self._receipted for number in numbers)

    def receipted(self, *numbers: int, patience_s: float = PATIENCE_S) -> None:
        """Wait until these are receipted."""
        until(lambda: self.has_receipt(*numbers), f"receipts of {self.name}", patience_s)

    def missing(self, numbers: range) -> list[int]:
        """Those without a receipt."""
        with self._lock:
            return [number for number in numbers if (self.boot, number) not in self._receipted]

    def _receipt(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        receipt: Receipt = decode_receipt(bytes(message.payload))
        with self._lock:
            for first, last in receipt.ranges:
                self._receipted.update((receipt.boot, number) for number in range(first, last + 1))
            self.refused.update((refused.seq, refused.reason) for refused in receipt.refused)
