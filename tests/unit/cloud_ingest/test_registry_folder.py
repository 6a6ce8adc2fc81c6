"""The registry's folder: what is read, and that whatever is wrong is named by file, entry and field."""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path

import pytest

from cloud_ingest.registry import Place
from cloud_ingest.registry_folder import DEVICES, SITES, VILLAGES, RegistryFolder, RegistryWrong, read_registry

SAMPLE = Path(__file__).parents[3] / "config" / "registry.sample"


def point(**properties: object) -> dict:
    said = {"id": "site-1", "kind": "clinic"} | properties
    return {"type": "Feature", "properties": said, "geometry": {"type": "Point", "coordinates": [119.95, 30.55]}}


def polygon(ring: list, **properties: object) -> dict:
    said = {"id": "wukang"} | properties
    return {"type": "Feature", "properties": said, "geometry": {"type": "Polygon", "coordinates": [ring]}}


SQUARE = [[119.9, 30.5], [120.0, 30.5], [120.0, 30.6], [119.9, 30.6], [119.9, 30.5]]
DEVICE = '[[device]]\nid = "truck-1"\nkind = "truck"\nsite = "site-1"\n'


@pytest.fixture
def write(tmp_path: Path):
    def write(devices: str = DEVICE, sites: object = None, villages: object = None) -> Path:
        for name, features in (
            (SITES, [point()] if sites is None else sites),
            (VILLAGES, villages or [polygon(SQUARE)]),
        ):
            text = features if isinstance(features, str) else json.dumps(collection(features))
            (tmp_path / name).write_text(text)
        (tmp_path / DEVICES).write_text(devices)
        return tmp_path

    return write


def collection(features: object) -> dict:
    return {"type": "FeatureCollection", "features": features}


def test_the_sample_is_right_and_every_kind_is_in_it() -> None:
    registry = read_registry(SAMPLE)
    assert {device.kind for device in registry.devices.values()} == {"truck", "kiosk", "camera", "gateway"}
    assert registry.places["kiosk-01"] == Place("clinic-wukang", "wukang")
    assert registry.sites["station-east"].outline


def test_a_device_is_placed_at_its_site_and_the_village_around_it(write) -> None:
    registry = read_registry(write(DEVICE + '[[device]]\nid = "truck-2"\nkind = "truck"\n'))
    assert registry.places == {"truck-1": Place("site-1", "wukang"), "truck-2": Place("", "")}


def test_a_site_may_name_its_village(write) -> None:
    villages = [polygon(SQUARE), polygon([[0, 0], [1, 0], [1, 1], [0, 0]], id="elsewhere")]
    registry = read_registry(write(sites=[point(village="elsewhere")], villages=villages))
    assert registry.places["truck-1"].village == "elsewhere"


def test_an_area_stands_where_its_middle_is(write) -> None:
    registry = read_registry(write(sites=[polygon(SQUARE, id="site-1", kind="pit")]))
    site = registry.sites["site-1"]
    assert (site.longitude, site.latitude) == pytest.approx((119.95, 30.55))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"devices": '[[device]]\nid = "x"\nkind = "boat"\n'}, [DEVICES, "device 1 (x)", "boat", "kind"]),
        ({"devices": '[[device]]\nid = "x y"\nkind = "truck"\n'}, [DEVICES, "device 1", "$.id"]),
        ({"devices": DEVICE + '[[device]]\nkind = "truck"\n'}, [DEVICES, "device 2 (no id)", "id"]),
        ({"devices": DEVICE + "colour = 1\n"}, [DEVICES, "device 1", "colour"]),
        ({"devices": DEVICE + "silent_after_s = -1\n"}, [DEVICES, "silent_after_s"]),
        ({"devices": DEVICE.replace("site-1", "site-9")}, [DEVICES, "device 1 (truck-1)", "site", "site-9"]),
        ({"devices": DEVICE + DEVICE}, [DEVICES, "entry 2", "truck-1", "already"]),
        ({"devices": "[[device"}, [DEVICES]),
        ({"devices": "devices = []"}, [DEVICES, "devices"]),
        ({"sites": [{"type": "Feature"}]}, [SITES, "feature 1", "properties"]),
        ({"sites": [point(), point()]}, [SITES, "entry 2", "site-1"]),
        ({"sites": [point(village="nowhere")]}, [SITES, "site-1", "village", "nowhere"]),
        ({"sites": "{"}, [SITES]),
        ({"sites": "[" * 100_000}, [SITES]),
        ({"sites": [polygon(SQUARE[:-1], kind="pit")]}, [SITES, "feature 1 (wukang)", "ring 1"]),
        ({"villages": [polygon([[30.5, 119.9]] * 5)]}, [VILLAGES, "ring 1", "longitude, latitude"]),
        ({"villages": [polygon([[1]] * 5)]}, [VILLAGES, "position"]),
        ({"villages": [point()]}, [VILLAGES, "feature 1", "Point"]),
        ({"villages": [{**polygon(SQUARE), "geometry": {"type": "Polygon", "coordinates": []}}]}, [VILLAGES, "ring"]),
    ],
)
def test_what_is_wrong_is_named(write, change: dict, words: list[str]) -> None:
    with pytest.raises(RegistryWrong) as wrong:
        read_registry(write(**change))
    for word in words:
        assert word in str(wrong.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(RegistryWrong, match=DEVICES):
        read_registry(tmp_path)


def touch(path: Path) -> None:
    """Give the file another time of change, however coarse the file system's clock."""
    later = path.stat().st_mtime_ns + 1_000_000_000
    os.utime(path, ns=(later, later))


def test_an_edit_is_found_and_gives_another_version(write) -> None:
    folder = write()
    watched, before = RegistryFolder(folder), read_registry(folder)
    assert watched.poll() is None
    (folder / DEVICES).write_text(DEVICE + '[[device]]\nid = "truck-2"\nkind = "truck"\n')
    touch(folder / DEVICES)
    after = watched.poll()
    assert after is not None
    assert set(after.devices) == {"truck-1", "truck-2"}
    assert after.version != before.version


def test_a_wrong_edit_is_refused_said_once_and_forgotten_when_it_is_right_again(write, caplog) -> None:
    folder = write()
    watched = RegistryFolder(folder)
    (folder / DEVICES).write_text(DEVICE + "colour = 1\n")
    touch(folder / DEVICES)
    with caplog.at_level(logging.ERROR):
        assert [watched.poll() for _ in range(3)] == [None, None, None]
    assert len(caplog.records) == 1
    assert "colour" in caplog.text
    assert watched.refused == 1
    (folder / DEVICES).write_text(DEVICE)
    touch(folder / DEVICES)
    assert watched.poll() is not None


def test_a_file_that_is_gone_is_a_wrong_edit(write) -> None:
    folder = write()
    watched = RegistryFolder(folder)
    (folder / SITES).unlink()
    assert watched.poll() is None
    assert watched.refused == 1
