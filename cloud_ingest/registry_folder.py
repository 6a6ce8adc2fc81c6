"""The registry's folder: devices.toml, sites.geojson and villages.geojson, checked to the last field when read.

The running ingest reads it again when a file changes; an edit that is wrong is refused and the old registry stays.
"""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path
from typing import Any, Literal, Protocol, TypeVar

import msgspec
from msgspec import Struct

from cloud_ingest.registry import Device, Registry, Ring, Site, Text, Village, contains, register
from devices.contract.quantity import Id

log = logging.getLogger(__name__)

DEVICES = "devices.toml"
SITES = "sites.geojson"
VILLAGES = "villages.geojson"


class RegistryWrong(Exception):
    """The registry cannot be used: the text names the file, the entry and the field."""


class _Devices(Struct, frozen=True, forbid_unknown_fields=True):
    device: list[dict[str, Any]] = []


class _Point(Struct, frozen=True, tag="Point"):
    coordinates: list[float]


class _Polygon(Struct, frozen=True, tag="Polygon"):
    coordinates: list[list[list[float]]]


class _SiteProperties(Struct, frozen=True):
    id: Id
    kind: Id
    village: Id | None = None
    name_en: Text = ""
    name_zh: Text = ""


class _VillageProperties(Struct, frozen=True):
    id: Id
    name_en: Text = ""
    name_zh: Text = ""


class _SiteFeature(Struct, frozen=True):
    type: Literal["Feature"]
    properties: _SiteProperties
    geometry: _Point | _Polygon


class _VillageFeature(Struct, frozen=True):
    type: Literal["Feature"]
    properties: _VillageProperties
    geometry: _Polygon


class _Collection(Struct, frozen=True):
    type: Literal["FeatureCollection"]
    features: list[msgspec.Raw]


class _Named(Protocol):
    @property
    def id(self) -> str: ...


_Feature = TypeVar("_Feature")
_Entry = TypeVar("_Entry", bound=_Named)


def read_registry(folder: Path) -> Registry:
    """The registry in a folder. Raises RegistryWrong, naming file, entry and field."""
    raw = {name: _bytes(folder / name) for name in (DEVICES, SITES, VILLAGES)}
    villages = _unique(VILLAGES, [_village(feature, where) for where, feature in _features(raw, VILLAGES)])
    sites = _unique(SITES, [_site(feature, where, villages) for where, feature in _features(raw, SITES)])
    devices = _unique(DEVICES, _devices(raw[DEVICES], sites))
    version = hashlib.blake2s(b"\0".join(raw.values()), digest_size=6).hexdigest()
    return register(version, devices, sites, villages)


class RegistryFolder:
    """A folder that is looked at again and again: gives a new registry when one is there and right."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seen: tuple[tuple[int, int], ...] = self._stamp()
        #: Edits refused since the start: for the metrics.
        self.refused = 0

    def poll(self) -> Registry | None:
        """The new registry if the files changed and are right, else None. A wrong edit is said once, loudly."""
        stamp = self._stamp()
        if stamp == self._seen:
            return None
        self._seen = stamp
        try:
            registry = read_registry(self._folder)
        except RegistryWrong as wrong:
            self.refused += 1
            log.error("registry edit refused, the old one stays in use: %s", wrong)  # noqa: TRY400 - no traceback helps
            return None
        log.info("registry %s: %d devices, %d sites", registry.version, len(registry.devices), len(registry.sites))
        return registry

    def _stamp(self) -> tuple[tuple[int, int], ...]:
        stamps = []
        for name in (DEVICES, SITES, VILLAGES):
            try:
                status = (self._folder / name).stat()
                stamps.append((status.st_mtime_ns, status.st_size))
            except OSError:
                stamps.append((0, 0))
        return tuple(stamps)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise RegistryWrong(f"{path.name}: cannot be read: {error.strerror}") from error


def _devices(raw: bytes, sites: dict[str, Site]) -> list[Device]:
    try:
        entries = msgspec.toml.decode(raw, type=_Devices).device
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RegistryWrong(f"{DEVICES}: {error}") from error
    devices = []
    for number, entry in enumerate(entries, 1):
        where = f"{DEVICES}: device {number} ({entry.get('id', 'no id')})"
        try:
            device = msgspec.convert(entry, Device)
        except msgspec.ValidationError as error:
            raise RegistryWrong(f"{where}: {error}") from error
        if device.site is not None and device.site not in sites:
            raise RegistryWrong(f"{where}: site: {device.site!r} is not in {SITES}")
        devices.append(device)
    return devices


def _features(raw: dict[str, bytes], name: str) -> list[tuple[str, msgspec.Raw]]:
    """Each feature with the words that find it in its file."""
    try:
        collection = msgspec.json.decode(raw[name], type=_Collection)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RegistryWrong(f"{name}: {error}") from error
    return [(f"{name}: feature {number}", feature) for number, feature in enumerate(collection.features, 1)]


def _feature(raw: msgspec.Raw, where: str, shape: type[_Feature]) -> _Feature:
    try:
        return msgspec.json.decode(raw, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RegistryWrong(f"{where}: {error}") from error


def _village(raw: msgspec.Raw, where: str) -> Village:
    feature = _feature(raw, where, _VillageFeature)
    said = feature.properties
    return Village(said.id, said.name_en, said.name_zh, _outline(feature.geometry, f"{where} ({said.id})"))


def _site(raw: msgspec.Raw, where: str, villages: dict[str, Village]) -> Site:
    feature = _feature(raw, where, _SiteFeature)
    said = feature.properties
    where = f"{where} ({said.id})"
    outline: tuple[Ring, ...] = ()
    if isinstance(feature.geometry, _Point):
        longitude, latitude = _position(feature.geometry.coordinates, where)
    else:
        outline = _outline(feature.geometry, where)
        corners = outline[0][:-1]
        longitude = sum(corner[0] for corner in corners) / len(corners)
        latitude = sum(corner[1] for corner in corners) / len(corners)
    if said.village is not None and said.village not in villages:
        raise RegistryWrong(f"{where}: village: {said.village!r} is not in {VILLAGES}")
    village = said.village or _village_at(villages, longitude, latitude)
    return Site(said.id, said.kind, village, said.name_en, said.name_zh, latitude, longitude, outline)


def _village_at(villages: dict[str, Village], longitude: float, latitude: float) -> str:
    """The village that a point lies in, for a site that names none; "" outside of all."""
    for village in villages.values():
        if contains(village.outline[0], longitude, latitude):
            return village.id
    return ""


def _outline(polygon: _Polygon, where: str) -> tuple[Ring, ...]:
    rings = []
    for number, line in enumerate(polygon.coordinates, 1):
        ring = [_position(position, f"{where}: ring {number}") for position in line]
        if len(ring) < 4 or ring[0] != ring[-1]:
            raise RegistryWrong(f"{where}: ring {number}: must have four positions or more and end where it begins")
        rings.append(ring)
    if not rings:
        raise RegistryWrong(f"{where}: coordinates: a polygon needs a ring")
    return tuple(rings)


def _position(position: list[float], where: str) -> tuple[float, float]:
    """RFC 7946 section 3.1.1: longitude first; an altitude may follow and is not used."""
    if len(position) not in (2, 3):
        raise RegistryWrong(f"{where}: coordinates: a position is [longitude, latitude]")
    longitude, latitude = position[:2]
    if abs(longitude) > 180 or abs(latitude) > 90:
        raise RegistryWrong(f"{where}: coordinates: {position[:2]} is not [longitude, latitude] in degrees")
    return longitude, latitude


def _unique(name: str, entries: list[_Entry]) -> dict[str, _Entry]:
    found: dict[str, _Entry] = {}
    for number, entry in enumerate(entries, 1):
        if entry.id in found:
            raise RegistryWrong(f"{name}: entry {number}: id: {entry.id!r} is already used above")
        found[entry.id] = entry
    return found
