"""Hypothesis strategies for every wire kind, from the bounds that the contract itself declares."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import msgspec
from hypothesis import strategies as st
from msgspec import Meta

from devices.contract.quantity import END
from devices.contract.readings import KINDS, WireReading

ids = st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9_.\-]{0,20}\Z")
#: Any millisecond of this century, as the stores keep them.
times = st.integers(946_684_800_000, 4_102_444_799_999).map(
    lambda ms: datetime.fromtimestamp(ms // 1000, UTC) + timedelta(milliseconds=ms % 1000)
)


def readings_of(kind: type[msgspec.Struct]) -> st.SearchStrategy[Any]:
    """Any reading of this kind that the contract allows."""
    hints = get_type_hints(kind, include_extras=True)
    values = {field.name: _values(field.name, hints[field.name]) for field in msgspec.structs.fields(kind)}
    return st.builds(kind, **values)


def wire_readings() -> st.SearchStrategy[Any]:
    """Any reading that a gateway may send."""
    return st.one_of(*(readings_of(kind) for kind in get_args(WireReading)))


def stored_facts() -> st.SearchStrategy[Any]:
    """Any fact that the store keeps."""
    return st.one_of(*(readings_of(kind) for kind in KINDS.values()))


def _values(name: str, hint: Any) -> st.SearchStrategy[Any]:
    if name in ("device", "rule", "alert"):
        return ids
    if name == "at":
        return times
    parts = [part for part in get_args(hint) if part is not type(None)]
    if type(None) in get_args(hint):
        return st.one_of(st.none(), _values("", parts[0]))
    metas: list[Meta] = []
    while get_origin(hint) is Annotated:
        hint, *notes = get_args(hint)
        metas += [note for note in notes if isinstance(note, Meta)]
    low = next((meta.ge for meta in metas if meta.ge is not None), None)
    high = next((meta.le for meta in metas if meta.le is not None), None)
    pattern = next((meta.pattern for meta in metas if meta.pattern), None)
    longest = next((meta.max_length for meta in metas if meta.max_length), 40)
    if get_origin(hint) is Literal:
        return st.sampled_from(get_args(hint))
    if hint is bool:
        return st.booleans()
    if hint is int:
        return st.integers(0 if low is None else int(low), 2**53 if high is None else int(high))
    if hint is float:
        return st.floats(low, high, allow_nan=False, allow_infinity=False, width=64)
    if pattern:
        return st.from_regex(pattern.replace("^", r"\A").replace(END, r"\Z"))
    return st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=longest)
