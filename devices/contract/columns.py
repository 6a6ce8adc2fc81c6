"""The stored columns of each kind, derived from the structs: what stores create, queries name and panels title."""

from __future__ import annotations

from functools import cache
from types import UnionType
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints

from msgspec import Meta
from msgspec.structs import fields

from devices.contract.readings import Stored

ColumnType = Literal["float", "int", "bool", "str"]


class Column(NamedTuple):
    """One stored field of a kind. `choices` lists the values of a column that can hold only a few."""

    name: str
    type: ColumnType
    unit: str
    en: str
    zh: str
    tag: bool
    required: bool
    choices: tuple[str, ...]
    about: str


#: What the ingest adds to every point: who delivered it and where the registry places its device.
PLACE_COLUMNS: tuple[Column, ...] = (
    Column("gateway", "str", "", "Gateway", "网关", False, False, (), ""),
    Column("site", "str", "", "Site", "点位", False, False, (), ""),
    Column("village", "str", "", "Village", "村庄", False, False, (), ""),
)


@cache
def columns(kind: type[Stored]) -> tuple[Column, ...]:
    """The kind's own columns in their order, tags first; `at` is the time and stands outside."""
    hints = get_type_hints(kind, include_extras=True)
    own = [_column(kind, name, hints[name]) for name in kind.__struct_fields__ if name != "at"]
    return tuple(sorted(own, key=lambda column: not column.tag))


@cache
def column(kind: type[Stored], name: str) -> Column:
    """The named column of a kind, place columns included. Raises KeyError naming both."""
    for candidate in (*columns(kind), *PLACE_COLUMNS):
        if candidate.name == name:
            return candidate
    raise KeyError(f"{kind.__name__} has no column {name!r}")


def _column(kind: type[Stored], name: str, hint: Any) -> Column:  # noqa: ANN401 - a type hint is any object
    base, metas = _unwrap(hint)
    extra: dict[str, str] = {}
    about = ""
    for meta in metas:
        extra |= meta.extra or {}
        about = meta.description or about
    choices: tuple[str, ...] = ()
    if get_origin(base) is Literal:
        choices = tuple(str(choice) for choice in get_args(base))
        base = str
    types: dict[type, ColumnType] = {float: "float", int: "int", bool: "bool", str: "str"}
    required = next(field.required for field in fields(kind) if field.name == name)
    return Column(
        name,
        types[base],
        extra.get("unit", ""),
        extra.get("en", name),
        extra.get("zh", name),
        name in kind.tags,
        required,
        choices,
        about,
    )


def _unwrap(hint: Any) -> tuple[Any, list[Meta]]:  # noqa: ANN401 - a type hint is any object
    """The type under Annotated and `| None`, and all annotations met on the way."""
    metas: list[Meta] = []
    while True:
        if get_origin(hint) is Annotated:
            inner, *notes = get_args(hint)
            metas = [note for note in notes if isinstance(note, Meta)] + metas
            hint = inner
        elif get_origin(hint) in (Union, UnionType):
            (hint,) = [part for part in get_args(hint) if part is not type(None)]
        else:
            return hint, metas
