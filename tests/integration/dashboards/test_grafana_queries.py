"""Every statement that Grafana would send, sent to a real InfluxDB as Grafana would fill it in."""

from __future__ import annotations

import json
import re
import time
import urllib.parse
import urllib.request
from datetime import timedelta
from typing import Any

import pytest

from dashboards.catalogue import CATALOGUE
from dashboards.grafana import targets, variable_query, written
from dashboards.panels import Dashboard, Panel
from dashboards.spans import SPANS
from simulators.servers import Influx
from tests.integration.dashboards.conftest import NOW, Place

each_page = pytest.mark.parametrize("page", CATALOGUE, ids=[page.uid for page in CATALOGUE])
MOST_S = 1.0


def filled(query: str, page: Dashboard, panel: Panel | None, **choices: str) -> str:
    """The statement as Grafana's data source sends it."""
    span = SPANS[panel.frame.look_back or page.span] if panel else SPANS["1h"]
    start, end = (int(at.timestamp() * 1000) for at in (NOW - timedelta(seconds=span.seconds), NOW))
    query = query.replace("$timeFilter", f"time >= {start}ms and time <= {end}ms")
    query = query.replace("$__interval", f"{max(span.every_s, getattr(panel, 'least_bucket_s', 0)):.0f}s")
    query = query.replace("now()", f"{end}ms")
    return re.sub(
        r"\$\{(\w+):regex\}", lambda found: escaped(choices[found[1]]) if found[1] in choices else ".*", query
    )


def escaped(value: str) -> str:
    """What Grafana's `:regex` makes of a chosen value."""
    return re.sub(r"[\\^$*+?.()|\[\]{}/]", lambda found: "\\" + found[0], value)


def run(server: str, database: str, query: str) -> list[dict[str, Any]]:
    """The series of an answer, as /query gives them."""
    body = urllib.parse.urlencode({"db": database, "q": query, "epoch": "ms"}).encode()
    began = time.monotonic()
    with urllib.request.urlopen(f"{server}/query", body, timeout=10) as answer:  # noqa: S310 - our own loopback server
        (result,) = json.load(answer)["results"]
    assert time.monotonic() - began < MOST_S, query
    assert "error" not in result, (query, result)
    return result.get("series", [])


@each_page
def test_every_panel_of_a_seeded_county_is_answered(page: Dashboard, seeded_influx: Place):
    for panel in page.panels:
        series = [
            found
            for target in targets(panel)
            for found in run(seeded_influx.url, seeded_influx.database, filled(target.query, page, panel))
        ]
        assert series, panel.frame
        assert any(found["values"] for found in series), panel.frame


@each_page
def test_every_column_that_a_panel_names_is_answered(page: Dashboard, seeded_influx: Place):
    written_panels = {panel["id"]: panel for panel in json.loads(written(page))["panels"]}
    for panel in page.panels:
        columns = {"Time"}
        for target in targets(panel):
            for series in run(seeded_influx.url, seeded_influx.database, filled(target.query, page, panel)):
                columns |= set(series["columns"]) | set(series.get("tags", {}))
        assert named_columns(written_panels[panel.frame.id]) <= columns, panel.frame


@each_page
def test_a_chosen_village_and_device_narrow_every_panel_without_an_error(page: Dashboard, seeded_influx: Place):
    for panel in page.panels:
        for target in targets(panel):
            query = filled(target.query, page, panel, village="ping.yao/", device="truck-02")
            run(seeded_influx.url, seeded_influx.database, query)


@each_page
def test_an_empty_database_gives_no_series_and_no_error(page: Dashboard, influx_server: Influx, database: str):
    run(influx_server.url, "", f'CREATE DATABASE "{database}"')
    for panel in page.panels:
        for target in targets(panel):
            assert run(influx_server.url, database, filled(target.query, page, panel)) == []


@each_page
def test_a_variable_offers_its_values_in_the_first_column_after_the_time(page: Dashboard, seeded_influx: Place):
    for choice in page.choices:
        (series,) = run(seeded_influx.url, seeded_influx.database, filled(variable_query(choice), page, None))
        assert series["columns"][0] == "time"
        values = {row[1] for row in series["values"]}
        assert "pingyao" in values if choice.name == "village" else len(values) >= 4


def named_columns(panel: dict[str, Any]) -> set[str]:
    """Every column that the panel's JSON refers to by name."""
    named = {override["matcher"]["options"] for override in panel["fieldConfig"]["overrides"]}
    reduced = panel["options"].get("reduceOptions", {}).get("fields", "")
    named |= {reduced.strip("/^$")} if reduced else set()
    for layer in panel["options"].get("layers", []):
        if layer["type"] == "markers":
            named |= {layer["location"]["latitude"], layer["location"]["longitude"]}
            named |= {
                part["field"]
                for part in layer["config"]["style"].values()
                if isinstance(part, dict) and part.get("field")
            }
    for target in panel["targets"]:
        named |= set(re.findall(r"\$tag_(\w+)", target.get("alias", "")))
    return named
