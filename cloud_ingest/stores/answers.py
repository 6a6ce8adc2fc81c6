"""The shape of a query's answer, and a stored value back in the contract's type: the same from every store."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple

from cloud_ingest.stores.milliseconds import from_ms
from cloud_ingest.stores.query import CountLatest, Latest, Query, Rows, States, Total, Trend
from devices.contract.columns import column
from devices.contract.readings import Stored

Value = Callable[[Any], Any]


class Answer(NamedTuple):
    """The names of an answer's columns, `time` first, and what makes each stored value the contract's."""

    columns: tuple[str, ...]
    values: tuple[Value, ...]

    def row(self, stored: tuple[Any, ...]) -> tuple[Any, ...]:
        """A stored row (the time in milliseconds, further columns than ours left out) as a row of the table."""
        return tuple(None if value is None else take(value) for take, value in zip(self.values, stored, strict=False))


def answer(query: Query) -> Answer:
    """What the query's table looks like."""
    match query:
        case Latest() | Rows():
            return _plain(query.kind, (*query.kind.tags, *query.columns))
        case States():
            return _plain(query.kind, (*query.kind.tags, query.column))
        case Trend():
            tags = _plain(query.kind, query.by)
            return Answer((*tags.columns, query.column), (*tags.values, _computed(query)))
        case Total():
            return Answer(("time", query.column), (_time, _computed(query)))
        case CountLatest():
            return Answer(("time", "count"), (_time, int))


def _time(ms: int) -> datetime:
    return from_ms(ms)


_TYPES: dict[str, Value] = {"float": float, "int": int, "bool": bool, "str": str}


def _plain(kind: type[Stored], names: tuple[str, ...]) -> Answer:
    return Answer(("time", *names), (_time, *(_TYPES[column(kind, name).type] for name in names)))


def _computed(query: Trend | Total) -> Value:
    if query.fn == "count":
        return int
    if query.fn in ("mean", "median"):
        return float
    return _TYPES[column(query.kind, query.column).type]
