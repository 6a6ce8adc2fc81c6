"""Points as InfluxDB's line protocol: `truck_position,device=truck-012 latitude=30.27,satellites=9i,... 1772330584120`.

Source: InfluxDB 1.x and 2.x documentation, "Line protocol". Measurement = kind, tags = the kind's tags, everything
else fields, absent values left out, time in milliseconds. The place is always written, if only as "": so every point
has a field that queries can count on, and a device that left its site is not found there any more.

The quick way formats all values of a point by one `msgspec.json.encode` (JSON's numbers, booleans and plain strings
are line protocol's too) and one bytes template per combination of types; text that needs escaping takes the slow way.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, lru_cache
from math import isfinite
from operator import attrgetter, itemgetter
from typing import Any, NamedTuple

import msgspec

from cloud_ingest.stores.milliseconds import to_ms
from cloud_ingest.stores.store import Point
from devices.contract.columns import columns
from devices.contract.readings import Stored, kind_of

_encode = msgspec.json.Encoder().encode


class Unwritable(Exception):
    """A point that line protocol cannot express; the text says why."""


class _Plan(NamedTuple):
    """How to write the points of a kind that have values of the same types."""

    pick: Callable[[tuple[Any, ...]], Any]
    template: bytes
    values: int


def encode(point: Point) -> bytes:
    """One line without its line end. Raises Unwritable for text that is not UTF-8, a line break or nothing in a tag."""
    try:
        return _encoder(type(point.fact))(point)
    except UnicodeEncodeError as error:
        raise Unwritable(str(error)) from error


@cache
def _encoder(kind: type[Stored]) -> Callable[[Point], bytes]:
    names = tuple(column.name for column in columns(kind) if not column.tag)
    values_of: Callable[[Stored], tuple[Any, ...]] = attrgetter(*names)
    tags_of: Callable[[Stored], str | tuple[str, ...]] = attrgetter(*kind.tags)
    plans: dict[tuple[type, ...], _Plan] = {}

    def line(point: Point) -> bytes:
        fact, gateway, site, village = point
        values = values_of(fact)
        types = tuple(map(type, values))
        plan = plans.get(types)
        if plan is None:
            plan = plans[types] = _plan(names, types)
        text = _encode(plan.pick(values))
        parts = text[1:-1].split(b",")
        if len(parts) != plan.values or b"\\" in text or b"null" in text:
            parts = [_value(value) for value in plan.pick(values)]
        series = _series(kind, tags_of(fact))
        return plan.template % (series, *parts, _place(gateway, site, village), to_ms(fact.at))

    return line


def _plan(names: tuple[str, ...], types: tuple[type, ...]) -> _Plan:
    """Which values are there, and the template that names them."""
    present = [index for index, kind in enumerate(types) if kind is not type(None)]
    fields = [f"{names[index]}=%b{'i' if types[index] is int else ''}" for index in present]
    # itemgetter of one index gives the value itself; a slice of one gives a tuple again.
    pick = itemgetter(*present) if len(present) > 1 else itemgetter(slice(present[0], present[0] + 1))
    return _Plan(pick, f"%b {','.join(fields)},%b %d".encode(), len(present))


def _value(value: float | str) -> bytes:
    """Any one value, text escaped."""
    if isinstance(value, str):
        return _string(value)
    if not isfinite(value):
        raise Unwritable(f"{value} is no number that a store can keep")
    return _encode(value)


def _string(text: str) -> bytes:
    """A string field: only the backslash and the double quote are escaped."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'.encode()


@lru_cache(65536)
def _series(kind: type[Stored], tags: str | tuple[str, ...]) -> bytes:
    """`truck_position,device=truck-012`: the line up to its fields. One tag comes as itself, several as a tuple."""
    values = (tags,) if isinstance(tags, str) else tags
    written = "".join(f",{name}={_tag(value)}" for name, value in zip(kind.tags, values, strict=True))
    return f"{kind_of(kind)}{written}".encode()


def _tag(value: str) -> str:
    """A tag's value; comma, equals sign and blank escaped. A backslash has no sure meaning there, and no id has one."""
    if not value or "\n" in value or "\\" in value:
        raise Unwritable(f"{value!r} cannot be a tag")
    return value.replace(",", "\\,").replace("=", "\\=").replace(" ", "\\ ")


@lru_cache(65536)
def _place(gateway: str, site: str, village: str) -> bytes:
    return b"gateway=%b,site=%b,village=%b" % (_string(gateway), _string(site), _string(village))
