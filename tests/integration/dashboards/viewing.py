"""The view as a process and Chromium before it, for the tests that look at pages."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from selenium import webdriver
from selenium.webdriver.chrome.service import Service

ARTEFACTS = Path(__file__).parent.parent.parent.parent / "artefacts" / "dashboards"
_FLAGS = (
    "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --disable-extensions --disable-default-apps --mute-audio "
    "--force-device-scale-factor=1 --hide-scrollbars --disable-dev-shm-usage"
)


class View:
    """`dashboards serve` on a free port."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.log = folder / "view.log"
        command = [sys.executable, "-m", "dashboards.cli", "serve", "--port", "0", *options]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command, stdout=log, stderr=log, env={**os.environ, "PYTHONUNBUFFERED": "1"}
            )
        self.url = ""

    def __enter__(self) -> Self:
        until(lambda: "http://" in self.text() or self.process.poll() is not None, 30, self.text)
        assert self.process.poll() is None, self.text()
        self.url = next(word for word in self.text().split() if word.startswith("http://"))
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        finally:
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait()

    def text(self) -> str:
        return self.log.read_text("utf-8", errors="replace")

    def memory_mb(self) -> float:
        """Resident memory now."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    def cpu_s(self) -> float:
        """Processor time used so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Browser:
    """Chromium, and all that it asked of the network."""

    def __init__(self, width: int = 1920, height: int = 1080) -> None:
        options = webdriver.ChromeOptions()
        for flag in _FLAGS.split():
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.driver = webdriver.Chrome(options, Service(shutil.which("chromedriver") or "chromedriver"))
        self.size(width, height)

    def close(self) -> None:
        self.driver.quit()

    def size(self, width: int, height: int) -> None:
        """The page's size in CSS pixels; below 700 wide it is a phone."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 700}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def open(self, address: str) -> None:
        """Open a page and wait until every panel has a picture."""
        self.driver.get(address)
        self.drawn()

    def drawn(self, within_s: float = 20) -> None:
        script = "return [...document.querySelectorAll('.panel')].map((panel) => panel.dataset.drawn || '')"
        until(lambda: (found := self.run(script)) and all(found), within_s, lambda: str(self.run(script)))

    def run(self, script: str) -> Any:
        return self.driver.execute_script(script)

    def text(self, selector: str) -> str:
        return str(self.run(f"return document.querySelector({json.dumps(selector)})?.innerText ?? ''"))

    def errors(self) -> list[str]:
        """What the console complained about since the last look."""
        return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]

    def hosts(self) -> set[str]:
        """Every host that any request or socket went to since the last look."""
        found = set()
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                found.add(message["params"]["request"]["url"])
            if message["method"] == "Network.webSocketCreated":
                found.add(message["params"]["url"])
        return {urlsplit(url).hostname or "" for url in found if not url.startswith(("data:", "blob:", "about:"))}

    def forget(self) -> None:
        """Leave the page, and what the console said of it."""
        self.driver.get("about:blank")
        self.errors()

    def picture(self, name: str) -> None:
        """Keep a screenshot for people to look at."""
        ARTEFACTS.mkdir(parents=True, exist_ok=True)
        self.driver.save_screenshot(str(ARTEFACTS / f"{name}.png"))


def until(condition: Callable[[], object], within_s: float, why: Callable[[], str] = lambda: "") -> float:
    """Wait for a condition; the seconds that it took."""
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > within_s:
            raise AssertionError(f"not within {within_s} s: {why()}")
        time.sleep(0.02)
    return time.monotonic() - began
