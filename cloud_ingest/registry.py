"""What the county has registered: devices, sites and villages, as values that can be asked where a device stands.

Pure: the files are read by `cloud_ingest.registry_folder`.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Annotated, Literal, NamedTuple

from msgspec import Meta, Struct

from devices.contract.quantity import Id

DeviceKind = Literal["truck", "kiosk", "camera", "gateway"]
Text = Annotated[str, Meta(max_length=120)]

#: A closed line of (longitude, latitude) in degrees, WGS-84.
Ring = list[tuple[float, float]]

#: How long a kind may say nothing before it is silent, where the device's entry does not say (seconds).
SILENT_AFTER_S: dict[DeviceKind, float] = {"truck": 1800, "kiosk": 86400, "camera": 300, "gateway": 180}


class Device(Struct, frozen=True, forbid_unknown_fields=True):
    """One registered device; `overspeed_kmh` is a truck's limit where it differs from the county's."""

    id: Id
    kind: DeviceKind
    site: Id | None = None
    name_en: Text = ""
    name_zh: Text = ""
    silent_after_s: Annotated[float, Meta(gt=0)] | None = None
    overspeed_kmh: Annotated[float, Meta(gt=0, le=200)] | None = None

    @property
    def patience_s(self) -> float:
        """Seconds that it may be quiet before it counts as silent."""
        return self.silent_after_s or SILENT_AFTER_S[self.kind]


class Site(NamedTuple):
    """A clinic, an excavation, a transfer station ...: where it is (degrees) and, for an area, its outline."""

    id: str
    kind: str
    village: str
    name_en: str
    name_zh: str
    latitude: float
    longitude: float
    outline: tuple[Ring, ...] = ()


class Village(NamedTuple):
    """A village and its outline."""

    id: str
    name_en: str
    name_zh: str
    outline: tuple[Ring, ...]


class Place(NamedTuple):
    """What the ingest writes beside a reading: ids of the site and the village, "" where not known."""

    site: str
    village: str


NOWHERE = Place("", "")


class Registry(NamedTuple):
    """Everything registered, at one version (a digest of the files)."""

    version: str
    devices: Mapping[str, Device]
    sites: Mapping[str, Site]
    villages: Mapping[str, Village]
    places: Mapping[str, Place]


EMPTY = Registry("empty", {}, {}, {}, {})


def register(
    version: str, devices: Mapping[str, Device], sites: Mapping[str, Site], villages: Mapping[str, Village]
) -> Registry:
    """Join the three, working each device's place out once. Every reference must already be known to exist."""
    places = {
        device.id: Place(device.site, sites[device.site].village) if device.site else NOWHERE
        for device in devices.values()
    }
    return Registry(version, devices, sites, villages, places)


def contains(ring: Ring, longitude: float, latitude: float) -> bool:
    """Whether a point (degrees) lies inside a closed ring: crossings of a ray, good away from the poles and 180 E."""
    inside = False
    for (x1, y1), (x2, y2) in pairwise(ring):
        if (y1 > latitude) != (y2 > latitude) and longitude < (x2 - x1) * (latitude - y1) / (y2 - y1) + x1:
            inside = not inside
    return inside
