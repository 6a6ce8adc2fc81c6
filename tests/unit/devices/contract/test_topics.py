import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.contract.topics import STREAMS, Topic, parse_topic, topic_filter
from tests.strategies import ids


@given(ids, st.sampled_from(STREAMS))
def test_a_topic_is_read_back_as_it_was_written(gateway, stream):
    assert parse_topic(str(Topic(gateway, stream))) == Topic(gateway, stream)


@pytest.mark.parametrize(
    "name",
    ["", "county/v1/gw-1", "county/v2/gw-1/readings", "county/v1/gw-1/gossip", "county/v1//readings",
     "county/v1/gw 1/readings", "county/v1/+/readings", "county/v1/gw-1/readings/more", "county/v1/gw\n/readings"],
)  # fmt: skip
def test_what_is_not_ours_is_no_topic(name):
    assert parse_topic(name) is None


def test_a_filter_covers_every_gateway():
    assert topic_filter("readings") == "county/v1/+/readings"
