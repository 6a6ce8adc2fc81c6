"""Grafana's JSON: current, the same every time, complete, and readable by the SDK that wrote it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from dashboards.catalogue import CATALOGUE
from dashboards.cli import GRAFANA_FILES
from dashboards.grafana import written
from dashboards.grafana_files import differences, write
from dashboards.grafana_query import SOURCE_UID, register
from dashboards.grafana_sdk import JSONEncoder, model, register_default_plugins

ROOT = Path(__file__).parent.parent.parent.parent
PAGES = {page.uid: json.loads(written(page)) for page in CATALOGUE}
each_page = pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
#: What InfluxDB 3 has dropped from InfluxQL, and what would write.
NOT_PORTABLE = (
    "SLIMIT",
    "SOFFSET",
    "SHOW SERIES",
    "CARDINALITY",
    "SHOW DATABASES",
    "INTEGRAL",
    "SAMPLE(",
    "HOLT",
    " INTO ",
)


def test_the_files_in_the_repository_are_current():
    assert differences(GRAFANA_FILES) == []


@pytest.mark.parametrize("page", CATALOGUE, ids=[page.uid for page in CATALOGUE])
def test_a_dashboard_is_written_in_the_same_bytes_every_time(page):
    assert written(page) == written(page)


@each_page
def test_the_sdk_reads_back_what_it_wrote(page):
    register_default_plugins()
    register()
    again = json.loads(json.dumps(model.Dashboard.from_json(page), cls=JSONEncoder))
    assert again == page


@each_page
def test_every_panel_is_complete(page):
    for panel in page["panels"]:
        assert panel["id"] > 0
        assert panel["title"]
        assert "\n\n" in panel["description"]
        assert panel["fieldConfig"]["defaults"]["noValue"]
        assert panel["fieldConfig"]["defaults"]["unit"]
        assert panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24


@each_page
def test_targets_have_letters_and_a_source_of_their_own(page):
    for panel in page["panels"]:
        letters = [target["refId"] for target in panel["targets"]]
        assert letters == list("ABCDEFGH"[: len(letters)])
        assert {target["datasource"]["uid"] for target in panel["targets"]} == {SOURCE_UID}


@each_page
def test_every_query_keeps_to_the_chosen_time_and_to_what_all_influxdbs_know(page):
    for panel in page["panels"]:
        for target in panel["targets"]:
            assert "$timeFilter" in target["query"]
            assert not [word for word in NOT_PORTABLE if word in target["query"].upper()]


@each_page
def test_every_variable_in_a_query_is_declared(page):
    declared = {variable["name"] for variable in page["templating"]["list"]}
    asked = set(re.findall(r"\$\{(\w+):regex\}", json.dumps(page)))
    assert asked == declared


@each_page
def test_links_lead_to_dashboards_that_are_there(page):
    found = re.findall(r'"url": "/d/([^"?]+)', json.dumps(page))
    assert len(found) >= len(CATALOGUE) - 1
    assert set(found) <= set(PAGES)


@each_page
def test_no_dashboard_names_an_address_outside(page):
    assert "://" not in json.dumps(page)


@each_page
def test_every_stat_reduces_its_column_to_one_number(page):
    for panel in page["panels"]:
        if panel["type"] == "stat":
            assert len(panel["options"]["reduceOptions"]["calcs"]) == 1
            assert panel["options"]["reduceOptions"]["fields"].startswith("/^")


@each_page
def test_a_map_shows_what_a_marker_is_when_asked(page):
    for panel in page["panels"]:
        if panel["type"] == "geomap":
            assert panel["options"]["tooltip"]["mode"] == "details"
            markers = [layer for layer in panel["options"]["layers"] if layer["type"] == "markers"]
            assert [layer["filterData"]["options"] for layer in markers] == [t["refId"] for t in panel["targets"]]


def test_open_alerts_stand_by_severity_and_then_by_age():
    table = next(panel for panel in PAGES["county-overview"]["panels"] if panel["id"] == 9)
    severities = [re.search(r"\"severity\" = '(\w+)'", target["query"]).group(1) for target in table["targets"]]
    assert severities == ["critical", "high", "warning", "info"]
    assert [step["id"] for step in table["transformations"]] == ["sortBy", "merge", "organize"]
    assert table["transformations"][0]["options"]["sort"] == [{"field": "Time", "desc": False}]


def test_a_changed_a_lost_and_a_foreign_file_are_named(tmp_path):
    write(tmp_path)
    assert differences(tmp_path) == []
    (tmp_path / "county-trucks.json").write_text("{}")
    (tmp_path / "county-kiosks.json").unlink()
    (tmp_path / "made-by-hand.json").write_text("{}")
    named = "\n".join(differences(tmp_path))
    assert "county-trucks.json: differs" in named
    assert "county-kiosks.json: missing" in named
    assert "made-by-hand.json: no dashboard" in named
    write(tmp_path)
    assert differences(tmp_path) == []


def test_the_provisioned_source_is_the_one_that_panels_name():
    text = (ROOT / "config/grafana/provisioning/datasources/county.yaml").read_text("utf-8")
    (source,) = yaml.safe_load(text)["datasources"]
    assert source["uid"] == SOURCE_UID
    assert source["type"] == "influxdb"
    assert source["editable"] is False
    assert "database" not in source
    assert source["jsonData"]["httpHeaderName1"] == "Authorization"
    assert source["secureJsonData"]["httpHeaderValue1"] == "Token $__file{/tokens/grafana.token}"


def test_the_provisioned_folder_takes_no_changes_from_the_browser():
    text = (ROOT / "config/grafana/provisioning/dashboards/county.yaml").read_text("utf-8")
    (provider,) = yaml.safe_load(text)["providers"]
    assert provider["type"] == "file"
    assert provider["allowUiUpdates"] is False
