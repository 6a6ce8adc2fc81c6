"""The built-in view in a real browser: complete, live, honest about its age, and alone on its machine."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cloud_ingest.stores.store import Point
from dashboards.catalogue import CATALOGUE
from dashboards.panels import Stat, TimeSeries
from simulators.servers import Influx, ServerMissing
from tests.conftest import missing
from tests.integration.dashboards.conftest import Place
from tests.integration.dashboards.seed import fill, one_alert, one_position, one_report, write_registry
from tests.integration.dashboards.viewing import Browser, View, until

each_page = pytest.mark.parametrize("page", CATALOGUE, ids=[page.uid for page in CATALOGUE])


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not (shutil.which("chromium") and shutil.which("chromedriver")):
        missing("Chromium is not installed: apt-get install chromium chromium-driver")
    opened = Browser()
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return Place(file=tmp_path_factory.mktemp("county") / "points.db")


@pytest.fixture(scope="module")
def view(tmp_path_factory: pytest.TempPathFactory, place: Place) -> Iterator[View]:
    """A view that is up before its store is filled, as after a power cut."""
    folder = tmp_path_factory.mktemp("view")
    registry = write_registry(folder / "registry")
    with View(folder, "--store", str(place.file), "--registry", str(registry)) as running:
        asyncio.run(_fill(place))
        yield running
    assert "Traceback" not in running.text(), running.text()


async def _fill(place: Place) -> None:
    async with place.open() as store:
        await fill(store, datetime.now(UTC))


def write(place: Place, point: Point) -> None:
    async def one() -> None:
        async with place.open() as store:
            await store.write([point])

    asyncio.run(one())


@each_page
def test_every_dashboard_opens_shows_data_everywhere_and_asks_nobody_else(
    page, view: View, browser: Browser, place: Place
):
    browser.open(f"{view.url}{page.uid}")
    for panel in page.panels:
        section = f"#panel-{panel.frame.id}"
        kind = browser.run(f"return document.querySelector('{section}').dataset.drawn")
        assert kind in ("html", "chart", "timeline", "map"), section
        assert not browser.run(f"return Boolean(document.querySelector('{section} .nothing'))"), section
        assert panel.frame.title.zh in browser.text(f"{section} h2")
        if kind != "html":
            assert browser.run(f"return getComputedStyle(document.querySelector('{section} .html')).display") == "none"
            assert (
                browser.run(f"return getComputedStyle(document.querySelector('{section} .drawn')).visibility")
                == "visible"
            )
        if isinstance(panel, Stat):
            assert browser.text(f"{section} .stat b").strip(), section
        if isinstance(panel, TimeSeries):
            assert browser.run(f"return document.querySelector('{section} canvas').width > 100"), section
    write(place, one_report(datetime.now(UTC)))
    until(
        lambda: "实时" in browser.text(".live") and "Not" not in browser.text(".live"),
        5,
        lambda: browser.text(".banner"),
    )
    browser.picture(f"{page.uid}-zh")
    assert browser.errors() == []
    assert browser.hosts() == {"127.0.0.1"}


@each_page
def test_no_title_is_cut_off_in_either_language(page, view: View, browser: Browser):
    for language in ("zh", "en"):
        browser.open(f"{view.url}{page.uid}?lang={language}")
        cut = browser.run(
            "return [...document.querySelectorAll('h2, th, .pill, .stat b')]"
            ".filter((e) => e.scrollWidth > e.clientWidth + 1 || e.getBoundingClientRect().right >"
            " e.closest('td, th, section').getBoundingClientRect().right + 1).map((e) => e.innerText)"
        )
        browser.picture(f"{page.uid}-{language}")
        assert cut == []


def test_a_new_reading_is_on_the_screen_within_two_seconds(view: View, browser: Browser, place: Place):
    browser.open(f"{view.url}county-trucks")
    for number in range(3):
        device = f"truck-{70 + number}"
        write(place, one_position(device, datetime.now(UTC)))
        seen = until(lambda device=device: device in browser.text("#panel-7"), 5)
        print(f"on the screen after {seen:.2f} s")
        assert seen < 2.0


def test_a_new_alert_stands_on_the_overview_within_two_seconds_and_on_top(view: View, browser: Browser, place: Place):
    browser.open(f"{view.url}county-overview")
    write(place, one_alert("truck-98", datetime.now(UTC)))
    assert until(lambda: "truck-98" in browser.text("#panel-9"), 5) < 2.0
    rows = browser.run("return [...document.querySelectorAll('#panel-9 tbody tr')].map((row) => row.innerText)")
    critical = [row for row in rows if "紧急" in row]
    assert rows[: len(critical)] == critical


def test_only_what_changed_is_drawn_again(view: View, browser: Browser, place: Place):
    browser.open(f"{view.url}county-overview")
    versions = "return [...document.querySelectorAll('.panel')].map((panel) => [panel.id, panel.dataset.version])"
    before = dict(browser.run(versions))
    write(place, one_alert("truck-97", datetime.now(UTC)))
    until(lambda: "truck-97" in browser.text("#panel-9"), 5)
    after = dict(browser.run(versions))
    changed = {name for name in after if after[name] != before[name]}
    assert changed <= {"panel-6", "panel-9", "panel-10", "panel-11"}


def test_choices_and_language_work_by_keyboard_and_stay_in_the_address(view: View, browser: Browser):
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

    browser.open(f"{view.url}county-trucks")
    browser.driver.find_element(By.CSS_SELECTOR, "select[name=lang]").send_keys("E", Keys.TAB)
    until(lambda: "lang=en" in browser.driver.current_url, 5)
    browser.drawn()
    assert browser.text("#panel-7 h2").startswith("Newest position")
    browser.driver.find_element(By.CSS_SELECTOR, "select[name=village]").send_keys("Pin", Keys.TAB)
    until(lambda: "village=pingyao" in browser.driver.current_url, 5)
    browser.drawn()
    assert browser.run("return [...document.querySelectorAll('#panel-7 tbody tr')].length") == 1
    assert "village=pingyao" in browser.run("return document.querySelector('nav a[href*=cameras]').href")


def test_a_marker_can_be_reached_by_keyboard_and_says_what_it_is(view: View, browser: Browser):
    browser.open(f"{view.url}county-overview?lang=en")
    labels = browser.run(
        "return [...document.querySelectorAll('#panel-8 .mark')].map((m) => [m.tabIndex, m.getAttribute('aria-label')])"
    )
    assert len(labels) >= 31
    assert all(index == 0 and ": " in label for index, label in labels)
    assert any("Offline" in label for _, label in labels)


def test_the_overview_fills_a_wall_without_scrolling(view: View, browser: Browser):
    browser.open(f"{view.url}county-overview?wall=1")
    tall, wide, shown = browser.run(
        "return [document.documentElement.scrollHeight, document.documentElement.scrollWidth,"
        " [...document.querySelectorAll('.panel')].every((p) => p.getBoundingClientRect().bottom <= innerHeight)]"
    )
    size = browser.run("return parseFloat(getComputedStyle(document.querySelector('#panel-1 .stat b')).fontSize)")
    browser.picture("county-overview-wall")
    assert (tall, wide, shown) == (1080, 1920, True)
    assert size >= 28


@each_page
def test_a_phone_shows_every_panel_without_scrolling_sideways(page, view: View, browser: Browser):
    browser.size(390, 844)
    try:
        browser.open(f"{view.url}{page.uid}")
        assert browser.run("return document.documentElement.scrollWidth") <= 390
        browser.picture(f"{page.uid}-phone")
    finally:
        browser.size(1920, 1080)


def test_a_store_that_stops_makes_the_picture_look_old_and_its_return_makes_it_live(
    browser: Browser, tmp_path: Path, database: str
):
    try:
        server = Influx(tmp_path / "influx")
    except ServerMissing as absent:
        missing(str(absent))
        raise
    config = tmp_path / "view.toml"
    config.write_text(f'[store]\ntype = "influx"\nurl = "{server.url}"\ndatabase = "{database}"\n')
    with server, View(tmp_path, "--config", str(config)) as view:
        asyncio.run(_fill(Place(url=server.url, database=database)))
        browser.open(f"{view.url}county-overview?lang=en")
        until(lambda: browser.text(".live") == "Live", 10, lambda: browser.text(".banner"))
        server.kill()
        until(lambda: "store cannot be read" in browser.text(".banner"), 15)
        until(lambda: "s old" in browser.text(".banner"), 5)
        assert browser.run("return document.body.classList.contains('late')")
        assert "Not live" in browser.text(".live")
        until(lambda: browser.text("#panel-1 .error"), 10)
        assert browser.text("#panel-1 .stat b"), "the old picture stays, marked as old"
        browser.picture("store-down")
        with pytest.raises(urllib.error.HTTPError) as answer:
            urllib.request.urlopen(f"{view.url}healthz", timeout=10)  # noqa: S310 - our own loopback server
        assert answer.value.code == 503
        answer.value.close()
        server.start()
        until(lambda: "late" not in browser.run("return document.body.className").split(), 30)
        assert browser.text("#panel-1 .error") == ""
    assert "Traceback" not in view.text(), view.text()


def test_a_view_that_is_killed_leaves_a_page_that_says_so(browser: Browser, place: Place, tmp_path: Path):
    with View(tmp_path, "--store", str(place.file)) as view:
        browser.open(f"{view.url}county-pipeline?lang=en")
        view.process.send_signal(signal.SIGKILL)
        view.process.wait()
        until(lambda: "connection to the view is lost" in browser.text(".banner"), 12)
        assert browser.run("return document.body.classList.contains('late')")
    browser.forget()


def test_a_page_is_open_before_there_is_a_store_and_fills_by_itself(browser: Browser, tmp_path: Path):
    place = Place(file=tmp_path / "later.db")
    with View(tmp_path, "--store", str(place.file)) as view:
        browser.open(f"{view.url}county-pipeline?lang=en")
        until(lambda: "there is no picture yet" in browser.text(".banner"), 10)
        asyncio.run(_fill(place))
        until(lambda: browser.text("#panel-2 .stat b"), 10)
        until(lambda: browser.text(".live") == "Live", 10)


def test_an_empty_county_says_no_data_in_every_panel(browser: Browser, tmp_path: Path):
    place = Place(file=tmp_path / "empty.db")

    async def create() -> None:
        async with place.open():
            return

    asyncio.run(create())
    browser.forget()
    with View(tmp_path, "--store", str(place.file)) as view:
        for page in CATALOGUE:
            browser.open(f"{view.url}{page.uid}")
            for panel in page.panels:
                said = browser.text(f"#panel-{panel.frame.id} .body")
                assert panel.frame.no_value.zh in said or said.strip() == "0", (panel.frame, said)
        until(lambda: "从未" in browser.text(".banner"), 5)
        browser.picture("empty")
        assert browser.errors() == []


def test_health_is_told_and_sigterm_ends_it_cleanly(browser: Browser, place: Place, tmp_path: Path, view: View):
    with View(tmp_path, "--store", str(place.file)) as running:
        browser.open(f"{running.url}county-overview")
        with urllib.request.urlopen(f"{running.url}healthz", timeout=10) as answer:  # noqa: S310 - our own loopback server
            health = json.load(answer)
            policy = answer.headers["Content-Security-Policy"]
        assert health["ok"] is True
        assert health["screens"] == 1
        assert "default-src 'self'" in policy
        running.process.send_signal(signal.SIGTERM)
        assert running.process.wait(8) == 0
        assert "Traceback" not in running.text(), running.text()
    browser.forget()


def test_ten_screens_are_cheap(place: Place, tmp_path: Path, browser: Browser, view: View):
    with View(tmp_path, "--store", str(place.file)) as running:
        browser.open(f"{running.url}county-overview")
        for _ in range(9):
            browser.run(f"window.open('{running.url}county-overview', '_blank')")
        until(lambda: _health(running)["screens"] == 10, 20)
        assert _health(running)["questions"] <= len(CATALOGUE[0].panels) + 4
        used, began = running.cpu_s(), time.monotonic()
        until(lambda: time.monotonic() - began > 3, 5)
        share = (running.cpu_s() - used) / (time.monotonic() - began)
        print(f"ten screens: {share:.0%} of a core, {running.memory_mb():.0f} MB")
        assert share < 0.5
        assert running.memory_mb() < 220
        handles = browser.driver.window_handles
        for handle in handles[1:]:
            browser.driver.switch_to.window(handle)
            browser.driver.close()
        browser.driver.switch_to.window(handles[0])


def _health(view: View) -> dict[str, int]:
    with urllib.request.urlopen(f"{view.url}healthz", timeout=10) as answer:  # noqa: S310 - our own loopback server
        return json.load(answer)
