"""What every panel of the catalogue must be: found, readable in both languages, bounded by privacy."""

from __future__ import annotations

from itertools import combinations

import pytest

from cloud_ingest.stores.query import Rows, Variable
from dashboards.catalogue import CATALOGUE
from dashboards.panels import (
    GRID,
    BarGauge,
    MapView,
    Stat,
    StateTimeline,
    TableView,
    TimeSeries,
    answered,
    queries,
    referred,
)
from devices.contract.columns import column
from devices.contract.readings import BloodPressure

PANELS = [(page, panel) for page in CATALOGUE for panel in page.panels]
each_panel = pytest.mark.parametrize(("page", "panel"), PANELS, ids=[f"{d.uid}-{p.frame.id}" for d, p in PANELS])
each_page = pytest.mark.parametrize("page", CATALOGUE, ids=[page.uid for page in CATALOGUE])


def test_dashboards_have_an_address_of_their_own():
    uids = [page.uid for page in CATALOGUE]
    assert len(set(uids)) == len(uids)
    assert all(uid.startswith("county-") for uid in uids)


@each_page
def test_panels_of_a_dashboard_have_an_id_of_their_own(page):
    ids = [panel.frame.id for panel in page.panels]
    assert len(set(ids)) == len(ids)


@each_page
def test_panels_stay_on_the_grid_and_off_each_other(page):
    for panel in page.panels:
        place = panel.frame.place
        assert place.x >= 0
        assert place.y >= 0
        assert place.x + place.w <= GRID
    for one, other in combinations((panel.frame.place for panel in page.panels), 2):
        apart = (
            one.x + one.w <= other.x
            or other.x + other.w <= one.x
            or one.y + one.h <= other.y
            or other.y + other.h <= one.y
        )
        assert apart, (one, other)


@each_page
def test_a_dashboard_leaves_no_hole_in_its_rows(page):
    covered = sum(panel.frame.place.w * panel.frame.place.h for panel in page.panels)
    height = max(panel.frame.place.y + panel.frame.place.h for panel in page.panels)
    assert covered == height * GRID


def test_the_overview_fits_a_wall_of_1920_by_1080():
    overview = CATALOGUE[0]
    assert max(panel.frame.place.y + panel.frame.place.h for panel in overview.panels) <= 25


@each_panel
def test_a_panel_says_what_it_is_in_both_languages(page, panel):
    for words in (panel.frame.title, panel.frame.about, panel.frame.no_value):
        assert words.en.strip()
        assert words.zh.strip()
    assert panel.frame.about.en.endswith(".")
    assert any("\u4e00" <= letter <= "\u9fff" for letter in panel.frame.about.zh)


@each_panel
def test_a_panel_refers_only_to_columns_that_its_queries_answer(page, panel):
    for query, names in referred(panel):
        assert set(names) <= set(answered(query)), page.uid


@each_panel
def test_a_panel_that_links_links_to_a_dashboard_that_is_there(page, panel):
    assert panel.frame.link in {"", *(other.uid for other in CATALOGUE)}


@each_panel
def test_every_variable_that_a_query_compares_with_is_declared(page, panel):
    declared = {choice.name for choice in page.choices}
    for query in queries(panel):
        for condition in query.where:
            if isinstance(condition.value, Variable):
                assert condition.value.name in declared


@each_page
def test_every_declared_variable_is_used_and_answered(page):
    used = {
        condition.value.name
        for panel in page.panels
        for query in queries(panel)
        for condition in query.where
        if isinstance(condition.value, Variable)
    }
    for choice in page.choices:
        assert choice.name in used
        assert choice.column in answered(choice.query)


@each_panel
def test_a_number_has_the_unit_of_its_column(page, panel):
    if isinstance(panel, Stat | BarGauge) and panel.column not in ("count",) and panel.scale.steps:
        counted = getattr(panel.query, "fn", "") == "count"
        expected = "" if counted else column(panel.query.kind, panel.column).unit
        if not (isinstance(panel, Stat) and panel.states):
            assert panel.scale.unit == expected
    if isinstance(panel, TimeSeries):
        for line in panel.lines:
            expected = "" if line.query.fn == "count" else column(line.query.kind, line.query.column).unit
            assert panel.scale.unit == expected


@each_panel
def test_every_state_that_can_be_stored_can_be_shown(page, panel):
    shown = []
    if isinstance(panel, StateTimeline):
        shown = [(panel.query.kind, panel.query.column, panel.states)]
    if isinstance(panel, TableView):
        shown = [(panel.query.kind, cell.name, cell.states) for cell in panel.cells if cell.as_ == "state"]
    if isinstance(panel, MapView):
        shown = [(layer.query.kind, layer.state, layer.states) for layer in panel.layers if layer.state]
    if isinstance(panel, Stat) and panel.states:
        shown = [(panel.query.kind, panel.column, panel.states)]
    for kind, name, states in shown:
        known = column(kind, name)
        assert set(states) == (set(known.choices) or {"true", "false"})


@each_panel
def test_no_panel_asks_for_a_patient(page, panel):
    for query in queries(panel):
        assert "patient" not in answered(query)
        assert "patient" not in {condition.column for condition in query.where}


@each_panel
def test_blood_pressure_is_shown_only_as_counts_or_means_of_five_and_more(page, panel):
    for query in queries(panel):
        if query.kind is not BloodPressure:
            continue
        if isinstance(panel, Stat):
            assert getattr(query, "fn", "") == "count"
            assert panel.scale.small_cell >= 5
        else:
            assert isinstance(panel, TimeSeries)
            assert panel.least_group >= 5
            assert panel.least_bucket_s >= 3600
            assert query.fn == "count" or query.by == ()


@each_panel
def test_a_list_of_points_is_bounded(page, panel):
    for query in queries(panel):
        if isinstance(query, Rows):
            assert query.limit <= 100
