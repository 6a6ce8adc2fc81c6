"""The few questions that panels and tools ask, as values: each store answers all of them in its own language.

Columns are named as in the contract and checked when a query is made, so a panel cannot ask for what is not stored.
The shapes are those that InfluxQL answers alike in InfluxDB 1.x, 2.x (through a DBRP mapping) and 3.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import isfinite
from typing import Literal

from devices.contract.columns import Column, column
from devices.contract.readings import Stored

Fn = Literal["mean", "min", "max", "sum", "count", "last", "median"]
Operator = Literal["=", "!=", ">", ">=", "<", "<="]


@dataclass(frozen=True)
class Variable:
    """A choice that the viewer makes (village, device ...): `None` chosen means all."""

    name: str


@dataclass(frozen=True)
class Where:
    """A condition on one column. A Variable compares with `=` to the viewer's choice, or lets everything pass."""

    column: str
    operator: Operator
    value: str | float | int | bool | Variable


@dataclass(frozen=True)
class Latest:
    """The newest point of each series (each set of tag values) in the window.

    Answer: `time`, the kind's tags, then `columns`, all of them from the same point. `where` is applied to the
    newest point: a device whose newest point fails it is absent (it does not fall back to an older one).
    """

    kind: type[Stored]
    columns: tuple[str, ...]
    where: tuple[Where, ...] = ()

    def __post_init__(self) -> None:
        _check(self.kind, self.columns, self.where)


@dataclass(frozen=True)
class Trend:
    """One column over time in buckets of the window's `every_s`; a line per tag value in `by`, or one over all.

    Answer: `time` (the bucket's start), the tags in `by`, then the value under the column's name; empty buckets absent.
    """

    kind: type[Stored]
    column: str
    fn: Fn
    by: tuple[str, ...] = ("device",)
    where: tuple[Where, ...] = ()

    def __post_init__(self) -> None:
        _check(self.kind, (self.column, *self.by), self.where)
        _check_fn(self.kind, self.column, self.fn)
        for name in self.by:
            if name not in self.kind.tags:
                raise ValueError(f"{self.kind.__name__} can be split by {self.kind.tags}, not by {name!r}")


@dataclass(frozen=True)
class States:
    """Every value of a state column over time, oldest first, for a state timeline.

    Answer: `time`, the kind's tags, the column.
    """

    kind: type[Stored]
    column: str
    where: tuple[Where, ...] = ()

    def __post_init__(self) -> None:
        _check(self.kind, (self.column,), self.where)


@dataclass(frozen=True)
class Rows:
    """Points as they are, newest first, at most `limit`. Answer: `time`, the kind's tags, then `columns`."""

    kind: type[Stored]
    columns: tuple[str, ...]
    where: tuple[Where, ...] = ()
    limit: int = 100

    def __post_init__(self) -> None:
        _check(self.kind, self.columns, self.where)


@dataclass(frozen=True)
class Total:
    """One number over the window. Answer: one row, `time` (the window's start), the value under the column's name.

    No points in the window: no row; but `count` answers 0 from every store.
    """

    kind: type[Stored]
    column: str
    fn: Fn
    where: tuple[Where, ...] = ()

    def __post_init__(self) -> None:
        _check(self.kind, (self.column,), self.where)
        _check_fn(self.kind, self.column, self.fn)


@dataclass(frozen=True)
class CountLatest:
    """How many series have a newest point (in the window) that meets `where`. Answer: one row, `time`, `count`."""

    kind: type[Stored]
    column: str
    where: tuple[Where, ...] = ()

    def __post_init__(self) -> None:
        _check(self.kind, (self.column,), self.where)


Query = Latest | Trend | States | Rows | Total | CountLatest


def choose(query: Query, choices: Mapping[str, str | None]) -> Query:
    """The query with every Variable replaced by the viewer's choice; one not chosen (None, absent) passes all."""
    where: list[Where] = []
    for condition in query.where:
        if isinstance(condition.value, Variable):
            chosen = choices.get(condition.value.name)
            if chosen is not None:
                where.append(replace(condition, value=chosen))
        else:
            where.append(condition)
    return replace(query, where=tuple(where))


def _check(kind: type[Stored], names: tuple[str, ...], where: tuple[Where, ...]) -> None:
    """Raise KeyError for a column that the kind does not have, ValueError for a comparison that makes no sense."""
    for name in names:
        column(kind, name)
    for condition in where:
        _check_where(column(kind, condition.column), condition)


def _check_where(stored: Column, condition: Where) -> None:
    """Stores differ in how they compare unlike types; so a query compares like with like."""
    value = condition.value
    if isinstance(value, Variable):
        fits = stored.type == "str" and condition.operator == "="
    elif isinstance(value, bool):
        fits = stored.type == "bool" and condition.operator in ("=", "!=")
    elif isinstance(value, str):
        fits = stored.type == "str" and condition.operator in ("=", "!=")
    elif isinstance(value, int):
        fits = stored.type in ("int", "float") and abs(value) < 2**63
    else:
        fits = stored.type in ("int", "float") and isfinite(value)
    if not fits:
        raise ValueError(f"{stored.name} ({stored.type}) cannot be compared so: {condition.operator} {value!r}")


def _check_fn(kind: type[Stored], name: str, fn: Fn) -> None:
    """Raise ValueError for arithmetic on text and truth values."""
    if fn not in ("count", "last") and column(kind, name).type not in ("int", "float"):
        raise ValueError(f"{fn} of {name!r}: only numbers have one")
