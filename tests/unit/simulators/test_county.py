import itertools
import json

import pytest

from cloud_ingest.registry_folder import read_registry
from simulators.county import Size, make_county, write_registry
from simulators.roads import RoadNet, drive, metres


def test_the_same_seed_makes_the_same_county_and_another_seed_another():
    assert make_county(3) == make_county(3)
    assert make_county(3) != make_county(4)


@pytest.mark.parametrize("villages", [4, 12, 26])
def test_villages_tile_the_county_with_closed_borders_and_own_names(villages):
    county = make_county(1, Size(villages=villages))
    assert len({village.id for village in county.villages}) == villages
    assert all(village.ring[0] == village.ring[-1] and len(village.ring) > 4 for village in county.villages)


def test_the_ingest_reads_the_registry_that_is_written(tmp_path):
    county = make_county(5)
    write_registry(county, tmp_path, extra_trucks=["truck-guest"])
    registry = read_registry(tmp_path)
    assert set(registry.devices) == {device.id for device in county.devices} | {"truck-guest"}
    assert len(registry.villages) == len(county.villages)
    (first, *_) = json.loads((tmp_path / "villages.geojson").read_text())["features"]
    assert first["properties"]["name_zh"].endswith("村")


def test_a_truck_moves_as_far_as_its_speed_says_and_stays_in_the_county():
    county = make_county(2)
    way = list(itertools.islice(drive(county, "truck-001"), 9000))
    for before, after in itertools.pairwise(way):
        moved = metres((before.longitude, before.latitude), (after.longitude, after.latitude))
        assert moved <= after.speed_kmh / 3.6 + 1.0
        assert 119 < after.longitude < 121
    assert {moving.loaded for moving in way} == {True, False}


def test_a_drive_is_the_same_when_driven_again():
    county = make_county(2)
    first = list(itertools.islice(drive(county, "truck-007"), 300))
    assert first == list(itertools.islice(drive(county, "truck-007"), 300))


def test_some_driver_speeds_and_the_drive_says_so():
    county = make_county(1)
    way = [moving for n in range(6) for moving in itertools.islice(drive(county, f"truck-{n}"), 1800)]
    assert any(moving.speeding for moving in way)
    assert all(moving.speed_kmh >= 66 for moving in way if moving.speeding)


def test_a_route_joins_its_two_sites():
    county = make_county(1)
    source, disposal = county.sites_of("source")[0].at, county.sites_of("disposal")[0].at
    route = RoadNet(county).route(source, disposal)
    assert (route[0], route[-1]) == (source, disposal)
