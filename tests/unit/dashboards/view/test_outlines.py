"""The county's outline from the registry's GeoJSON."""

from __future__ import annotations

import pytest

from dashboards.states import Words
from dashboards.view.county_map import draw_outlines
from dashboards.view.outlines import Outlines, read_outlines
from dashboards.view.settings import ConfigError

VILLAGES = """{"type":"FeatureCollection","features":[
 {"type":"Feature","properties":{"id":"v1","name_en":"One","name_zh":"一村","extra":1},
  "geometry":{"type":"Polygon","coordinates":[[[119,30],[120,30],[120,31],[119,30]]]}},
 {"type":"Feature","properties":{"id":"v2"},"geometry":null}]}"""


def test_no_registry_is_an_empty_outline():
    assert read_outlines("") == Outlines()


def test_villages_are_read_with_their_names_and_without_what_has_no_shape(tmp_path):
    (tmp_path / "villages.geojson").write_text(VILLAGES, "utf-8")
    outlines = read_outlines(str(tmp_path))
    assert outlines.village_names() == {"v1": Words("One", "一村")}
    assert outlines.sites == ()
    assert draw_outlines(outlines, "zh")["villages"][0]["name"] == "一村"


def test_a_folder_that_is_not_there_and_a_file_that_is_no_geojson_are_named(tmp_path):
    with pytest.raises(ConfigError, match="absent"):
        read_outlines(str(tmp_path / "absent"))
    (tmp_path / "sites.geojson").write_text('{"features":[{"properties":{}}]}', "utf-8")
    with pytest.raises(ConfigError, match=r"sites\.geojson.*id"):
        read_outlines(str(tmp_path))
