"""The few questions that panels and tools ask, as values: each store answers all of them in its own language.

Columns are named as in the contract and checked when a query is made, so a panel cannot ask for what is not stored.
The shapes are those that InfluxQL answers alike in InfluxDB 1.x, 2.x (through a DBRP mapping) and 3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from devices.contract.columns import column
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


@dataclass(frozen=True)
class CountLatest:
    """How many series have a newest point (in the window) that meets `where`. Answer: one row, `time`, `count`."""

    kind: type[Stored]
    column: str
    where: tuple[Where, ...] = ()

    def __post_init__(self) -> None:
        _check(self.kind, (self.column,), self.where)


Query = Latest | Trend | States | Rows | Total | CountLatest


def _check(kind: type[Stored], names: tuple[str, ...], where: tuple[Where, ...]) -> None:
    """Raise KeyError for a column that the kind does not have."""
    for name in (*names, *(condition.column for condition in where)):
        column(kind, name)
