"""A query can only be made of what is stored and can be compared alike by every store."""

from __future__ import annotations

import pytest

from cloud_ingest.stores.query import CountLatest, Latest, Rows, Total, Trend, Variable, Where, choose
from devices.contract.readings import Alert, DeviceStatus, TruckPosition


def test_a_column_that_is_not_stored_cannot_be_asked_for():
    for ask in (
        lambda: Latest(TruckPosition, ("colour",)),
        lambda: Rows(TruckPosition, ("latitude",), (Where("colour", "=", "red"),)),
        lambda: CountLatest(TruckPosition, "colour"),
    ):
        with pytest.raises(KeyError, match="colour"):
            ask()


@pytest.mark.parametrize(
    "where",
    [
        Where("speed_kmh", "=", "fast"),
        Where("speed_kmh", "=", True),
        Where("speed_kmh", ">", float("nan")),
        Where("satellites", "<", 2**63),
        Where("ignition", "=", 1),
        Where("ignition", ">", True),
        Where("device", "<", "truck"),
        Where("device", "!=", Variable("truck")),
        Where("speed_kmh", "=", Variable("speed")),
    ],
)
def test_unlike_things_cannot_be_compared(where: Where):
    with pytest.raises(ValueError, match="cannot be compared"):
        Rows(TruckPosition, ("latitude",), (where,))


def test_only_numbers_have_a_mean():
    with pytest.raises(ValueError, match="only numbers"):
        Trend(DeviceStatus, "state", "mean")
    with pytest.raises(ValueError, match="only numbers"):
        Total(TruckPosition, "ignition", "sum")
    assert Total(DeviceStatus, "state", "count").fn == "count"


def test_a_trend_is_split_by_tags_only():
    assert Trend(Alert, "value", "mean", by=("device", "rule")).by == ("device", "rule")
    with pytest.raises(ValueError, match="village"):
        Trend(TruckPosition, "speed_kmh", "mean", by=("village",))


def test_a_choice_takes_the_variables_place_and_none_lets_everything_pass():
    query = Latest(TruckPosition, ("site",), (Where("village", "=", Variable("v")), Where("hdop", "<", 2.0)))
    assert choose(query, {"v": "Xiatang"}).where == (Where("village", "=", "Xiatang"), Where("hdop", "<", 2.0))
    assert choose(query, {"v": None}).where == choose(query, {}).where == (Where("hdop", "<", 2.0),)
