"""The county's villages and sites as vector shapes for the map: read from the registry's GeoJSON, nothing else kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from dashboards.states import Words
from dashboards.view.settings import ConfigError


class _Properties(Struct):
    id: str
    name_en: str = ""
    name_zh: str = ""


class _Feature(Struct):
    properties: _Properties
    geometry: dict[str, Any] | None = None


class _Collection(Struct):
    features: list[_Feature]


class Outline(NamedTuple):
    """One village or site: its id, names and GeoJSON geometry (WGS-84, longitude first; RFC 7946)."""

    id: str
    words: Words
    geometry: dict[str, Any]


class Outlines(NamedTuple):
    """What is drawn under the devices; empty where no registry is given."""

    villages: tuple[Outline, ...] = ()
    sites: tuple[Outline, ...] = ()

    def village_names(self) -> dict[str, Words]:
        """Each village's names by its id, for whoever shows a village column."""
        return {outline.id: outline.words for outline in self.villages}


def read_outlines(registry: str) -> Outlines:
    """The shapes in a registry folder; "" is none. Raises ConfigError naming the file and what is wrong in it."""
    if not registry:
        return Outlines()
    folder = Path(registry)
    if not folder.is_dir():
        raise ConfigError(f"registry: {folder} is not a folder")
    return Outlines(_read(folder / "villages.geojson"), _read(folder / "sites.geojson"))


def _read(path: Path) -> tuple[Outline, ...]:
    if not path.exists():
        return ()
    try:
        collection = msgspec.json.decode(path.read_bytes(), type=_Collection)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"registry: {path}: {error}") from error
    return tuple(
        Outline(
            feature.properties.id,
            Words(
                feature.properties.name_en or feature.properties.id, feature.properties.name_zh or feature.properties.id
            ),
            feature.geometry,
        )
        for feature in collection.features
        if feature.geometry
    )
