"""Every query of every panel on real stores: seeded, narrowed by the viewer's choices, and empty."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pytest

from cloud_ingest.stores.query import CountLatest, Total, choose
from cloud_ingest.stores.store import Store, Table
from dashboards.catalogue import CATALOGUE
from dashboards.panels import Dashboard, Panel, TimeSeries, answered, queries, referred
from dashboards.spans import SPANS, window
from dashboards.states import Words
from dashboards.view.look import Look
from dashboards.view.picture import picture
from dashboards.view.screen import counts_behind
from tests.integration.dashboards.conftest import NOW, Place
from tests.integration.dashboards.seed import VILLAGES

each_page = pytest.mark.parametrize("page", CATALOGUE, ids=[page.uid for page in CATALOGUE])
LOOK = Look("zh", ZoneInfo("Asia/Shanghai"), {id_: Words(en, zh) for id_, en, zh in VILLAGES})


async def ask(store: Store, page: Dashboard, panel: Panel, **choices: str) -> list[Table]:
    """The answers that a screen would draw the panel from."""
    span = SPANS[panel.frame.look_back or page.span]
    least = panel.least_bucket_s if isinstance(panel, TimeSeries) else 0
    asked = (*queries(panel), *counts_behind(panel))
    return [await store.query(choose(query, choices), window(span, NOW, least)) for query in asked]


async def draw(store: Store, page: Dashboard, panel: Panel, **choices: str) -> dict[str, Any]:
    tables = await ask(store, page, panel, **choices)
    return picture(panel, tables, LOOK, NOW, SPANS[panel.frame.look_back or page.span].seconds)


@each_page
async def test_every_panel_is_answered_with_the_columns_it_draws_from(page: Dashboard, seeded: Place):
    async with seeded.open() as store:
        for panel in page.panels:
            tables = await ask(store, page, panel)
            for (query, names), table in zip(referred(panel), tables, strict=False):
                assert table.columns == answered(query), panel.frame
                assert table.rows, panel.frame
                for name in names:
                    place = table.columns.index(name)
                    assert any(row[place] is not None for row in table.rows), (panel.frame, name)


@each_page
async def test_every_panel_shows_data_of_a_county_that_has_some(page: Dashboard, seeded: Place):
    async with seeded.open() as store:
        for panel in page.panels:
            drawn = await draw(store, page, panel)
            assert "nothing" not in drawn.get("html", ""), panel.frame
            if drawn["kind"] == "chart":
                assert all(line["data"] for line in drawn["option"]["series"]), panel.frame
                assert drawn["option"]["series"], panel.frame
            if drawn["kind"] == "map":
                assert drawn["markers"], panel.frame
            if drawn["kind"] == "timeline":
                assert drawn["bands"], panel.frame


@each_page
async def test_a_choice_leaves_only_what_was_chosen(page: Dashboard, seeded: Place):
    async with seeded.open() as store:
        for panel in page.panels:
            for table in await ask(store, page, panel, village="pingyao", device=f"{_prefix(page)}-02"):
                if "village" in table.columns:
                    place = table.columns.index("village")
                    assert {row[place] for row in table.rows} <= {"pingyao"}, panel.frame


@each_page
async def test_a_choice_that_nobody_answers_to_is_an_empty_picture_and_no_error(page: Dashboard, seeded: Place):
    async with seeded.open() as store:
        for panel in page.panels:
            await draw(store, page, panel, village="no' OR 1=1 --", device='x"y\\')


@each_page
async def test_an_empty_store_gives_valid_answers_and_says_no_data(page: Dashboard, empty: Place):
    async with empty.open() as store:
        for panel in page.panels:
            tables = await ask(store, page, panel)
            counted = any(
                isinstance(query, CountLatest) or (isinstance(query, Total) and query.fn == "count")
                for query in queries(panel)
            )
            for query, table in zip(queries(panel), tables, strict=False):
                assert table.columns == answered(query)
                assert [row[1] for row in table.rows] == ([0] if counted else [])
            drawn = await draw(store, page, panel)
            if not counted:
                assert panel.frame.no_value.zh in drawn["html"], panel.frame


@each_page
async def test_both_stores_draw_the_same_picture(page: Dashboard, seeded_file: Place, seeded_influx: Place):
    async with seeded_file.open() as one, seeded_influx.open() as other:
        for panel in page.panels:
            assert await draw(one, page, panel) == await draw(other, page, panel), panel.frame


@each_page
async def test_what_may_be_chosen_is_what_there_is(page: Dashboard, seeded: Place):
    async with seeded.open() as store:
        for choice in page.choices:
            table = await store.query(choice.query, window(SPANS["1h"], NOW))
            place = table.columns.index(choice.column)
            found = {row[place] for row in table.rows}
            if choice.name == "village":
                assert found == {id_ for id_, *_ in VILLAGES}
            else:
                assert all(name.startswith(_prefix(page)) for name in found)
                assert found


def _prefix(page: Dashboard) -> str:
    kinds = {"county-trucks": "truck", "county-kiosks": "kiosk", "county-cameras": "cam", "county-gateways": "gw"}
    return kinds.get(page.uid, "truck")
