"""Real servers on loopback for the demo and the tests: Mosquitto and InfluxDB, each in its own folder on a free port.

They start from the files in `config/`, with folders and ports replaced, and can be killed and started again in the
same place, which is what the end-to-end tests do to them.
"""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Self

#: Where Debian keeps servers, and where an ordinary user's PATH does not look.
SYSTEM_PATH = "/usr/sbin:/usr/local/sbin"
CONFIG = Path(__file__).parent.parent / "config"


class ServerMissing(Exception):
    """The server's program is not installed; the text names the Debian package."""


class ServerFailed(Exception):
    """The server did not come up; the text holds what it printed."""


def free_port() -> int:
    """A TCP port on loopback that nobody listens to at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def program(name: str, package: str) -> str:
    """The program's path. Raises ServerMissing."""
    found = shutil.which(name) or shutil.which(name, path=SYSTEM_PATH)
    if found is None:
        raise ServerMissing(f"{name} is not installed: apt-get install {package}")
    return found


class Process:
    """One server process in a folder: started, awaited until it answers, killed or stopped, started again."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.folder = folder
        self.log = folder / f"{name}.log"
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def pid(self) -> int | None:
        """The running process's id."""
        return self._process.pid if self._process else None

    def command(self) -> list[str]:
        """What to run."""
        raise NotImplementedError

    def answers(self) -> bool:
        """Whether the server serves yet."""
        raise NotImplementedError

    def start(self, patience_s: float = 30) -> Self:
        """Start it and return when it answers. Raises ServerFailed with its log."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(self.command(), stdout=log, stderr=log, cwd=self.folder)
        deadline = time.monotonic() + patience_s
        while not self.answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise ServerFailed(f"{self.name} did not start:\n{self.log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.02)
        return self

    def kill(self) -> None:
        """SIGKILL, as a power cut would."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """SIGTERM, as an operator would."""
        self._end(signal.SIGTERM)

    def freeze(self) -> None:
        """SIGSTOP: there, but deaf."""
        if self._process:
            self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT after freeze."""
        if self._process:
            self._process.send_signal(signal.SIGCONT)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(signal.SIGCONT)
        self._process.send_signal(how)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None


class Mosquitto(Process):
    """A Mosquitto without persistence on loopback, with the production ACL; accounts are gateways and the ingest."""

    def __init__(self, folder: Path, accounts: dict[str, str], port: int | None = None) -> None:
        super().__init__("mosquitto", folder)
        self.host = "127.0.0.1"
        self.port = port or free_port()
        self.accounts = accounts
        self._program = program("mosquitto", "mosquitto")
        passwords = folder / "passwords"
        passwords.write_text("".join(f"{user}:{secret}\n" for user, secret in accounts.items()))
        passwords.chmod(0o600)
        if accounts:
            subprocess.run([program("mosquitto_passwd", "mosquitto"), "-U", str(passwords)], check=True)
        self._render("loopback.conf", {"/mosquitto/config/": f"{folder}/", "listener 1883": f"listener {self.port}"})

    def _render(self, name: str, places: dict[str, str]) -> None:
        """Write the named file of `config/mosquitto` with its places replaced, and the ACL beside it."""
        shutil.copy(CONFIG / "mosquitto" / "acl", self.folder / "acl")
        (self.folder / "acl").chmod(0o600)
        text = (CONFIG / "mosquitto" / name).read_text()
        for production, here in places.items():
            text = text.replace(production, here)
        # As root, Mosquitto would change to its own user, who cannot read a private test folder.
        (self.folder / "mosquitto.conf").write_text(f"user root\n{text}")

    def command(self) -> list[str]:
        """Mosquitto on the rendered configuration."""
        return [self._program, "-c", str(self.folder / "mosquitto.conf")]

    def answers(self) -> bool:
        """Whether the port accepts."""
        try:
            socket.create_connection((self.host, self.port), timeout=0.5).close()
        except OSError:
            return False
        return True


class ProductionMosquitto(Mosquitto):
    """Mosquitto on the very file that production mounts: TLS, client certificates, persistence."""

    def __init__(self, folder: Path, clients: list[str], port: int | None = None) -> None:
        super().__init__(folder, {}, port)
        self.certs = folder / "certs"
        script = CONFIG / "mosquitto" / "make-certs.sh"
        subprocess.run([str(script), str(self.certs), *clients], check=True, stdout=subprocess.DEVNULL)
        (folder / "data").mkdir()
        self._render(
            "mosquitto.conf",
            {
                "/mosquitto/certs/": f"{self.certs}/",
                "/mosquitto/config/": f"{folder}/",
                "/mosquitto/data/": f"{folder}/data/",
                "listener 8883": f"listener {self.port} 127.0.0.1",
            },
        )


class Influx(Process):
    """A real InfluxDB 1.x on loopback, as Debian packages it."""

    def __init__(self, folder: Path, port: int | None = None) -> None:
        super().__init__("influxd", folder)
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._program = program("influxd", "influxdb")
        text = (CONFIG / "influxdb" / "influxdb.conf").read_text()
        text = text.replace("/var/lib/influxdb", str(folder / "data"))
        text = text.replace("127.0.0.1:8086", f"127.0.0.1:{self.port}").replace(":8088", f":{free_port()}")
        (folder / "influxdb.conf").write_text(text)

    def command(self) -> list[str]:
        """Influxd on the rendered configuration."""
        return [self._program, "-config", str(self.folder / "influxdb.conf")]

    def answers(self) -> bool:
        """Whether /ping answers."""
        try:
            urllib.request.urlopen(f"{self.url}/ping", timeout=0.5).close()  # noqa: S310 - our own loopback address
        except (urllib.error.URLError, OSError):
            return False
        return True
