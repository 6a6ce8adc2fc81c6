"""Addresses and heads of pages: what can be linked to, and what a stranger's address cannot do."""

from __future__ import annotations

from dashboards.catalogue import CATALOGUE
from dashboards.view.page import top, visit


def test_an_unknown_dashboard_is_none():
    assert visit("county-weather", {}, "zh") is None


def test_what_makes_no_sense_in_an_address_falls_back():
    asked = visit("county-trucks", {"lang": "xx", "span": "9y", "wall": "yes", "village": "x" * 500}, "zh")
    assert (asked.language, asked.span, asked.wall) == ("zh", CATALOGUE[1].span, False)
    assert len(asked.choices["village"]) == 64


def test_an_address_says_language_span_wall_and_choices():
    asked = visit("county-trucks", {"lang": "en", "span": "6h", "wall": "1", "device": "truck-3", "other": "x"}, "zh")
    assert (asked.language, asked.span, asked.wall) == ("en", "6h", True)
    assert asked.choices == {"device": "truck-3"}


def test_a_link_keeps_language_and_village_but_not_a_device_of_another_kind():
    asked = visit("county-trucks", {"lang": "en", "village": "liangzhu", "device": "truck-3"}, "zh")
    assert asked.address("county-cameras") == "/county-cameras?lang=en&village=liangzhu"
    assert asked.address("county-pipeline") == "/county-pipeline?lang=en"


def test_the_head_marks_where_one_is_and_what_is_chosen():
    asked = visit("county-trucks", {"village": "liangzhu"}, "zh")
    head = top(asked, {"village": [("liangzhu", "良渚村"), ("pingyao", "瓶窑村")], "device": []})
    assert '<option value="liangzhu" selected>良渚村</option>' in head
    assert head.count('aria-current="page"') == 1


def test_a_choice_from_an_address_never_becomes_markup():
    asked = visit("county-trucks", {"village": '"><script>x</script>'}, "zh")
    assert "<script" not in top(asked, {})
