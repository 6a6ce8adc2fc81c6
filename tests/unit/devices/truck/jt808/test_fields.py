"""Fields: one description reads and writes, loses nothing, and names what it cannot write."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.truck.jt808.fields import (
    Code,
    Count,
    Field,
    Hex,
    Layout,
    Malformed,
    Maybe,
    Number,
    OneOf,
    Repeat,
    Sized,
    Text,
    Time,
    Tlv,
    Unwritable,
)

PAIR = Layout(("a", Number("B")), ("b", Number("B")))
LIST = Layout(("count", Count("B", "items")), ("items", Repeat(PAIR, "count")), open_=True)
ITEMS = Layout(("items", Tlv(1, {1: Layout(("mileage", Number("I")))})), open_=True)
OPTIONAL = Layout(("a", Number("B")), ("b", Maybe(Number("B"))))
VARIANTS = OneOf(short=PAIR, long=Layout(("a", Number("H")), ("b", Number("H"))))

TABLE: list[tuple[str, Field, str, Any]] = [
    ("a WORD", Number("H"), "ff00", 0xFF00),
    ("a signed WORD", Number("h"), "fff4", -12),
    ("an id", Code(2), "0200", "0x0200"),
    ("bytes", Hex(2), "7e7d", "7e7d"),
    ("bytes to the end", Hex(), "7e7d01", "7e7d01"),
    ("GBK text to the end", Text(), "b2e24131", "测A1"),
    ("text with padding", Text(4), "41420000", "AB"),
    ("text with padding in front", Text(4), "00004142", "\0\0AB"),
    ("text that is no GBK", Text(3), "ff4100", {"hex": "ff4100"}),
    ("text that GBK would write otherwise", Text(), "80", {"hex": "80"}),
    ("a time", Time(), "241001235959", "2024-10-01 23:59:59"),
    ("a time that no calendar has", Time(), "999999999999", "2099-99-99 99:99:99"),
    ("a time that is no BCD", Time(), "24100123595a", "24100123595a"),
    ("text behind its length", Sized("B", Text()), "024142", "AB"),
    ("nothing behind its length", Sized("B", Text()), "00", ""),
    ("a layout that is longer than its length", Sized("B", PAIR), "0101", {"hex": "01"}),
    ("a layout behind no length", Sized("B", PAIR), "00", {"hex": ""}),
    ("a layout that is shorter than its length", Sized("B", PAIR), "03010203", {"hex": "010203"}),
    ("a list", LIST, "0201020304", {"count": 2, "items": [{"a": 1, "b": 2}, {"a": 3, "b": 4}]}),
    ("a list that ends early", LIST, "030102", {"count": 3, "items": [{"a": 1, "b": 2}]}),
    ("a list cut in an element", LIST, "02010203", {"count": 2, "items": [{"a": 1, "b": 2}], "rest": "03"}),
    ("a list that goes on", LIST, "010102ff", {"count": 1, "items": [{"a": 1, "b": 2}], "rest": "ff"}),
    ("an optional field that is there", OPTIONAL, "0102", {"a": 1, "b": 2}),
    ("an optional field that is not", OPTIONAL, "01", {"a": 1}),
    ("a known item", ITEMS, "010400000009", {"items": [{"id": "0x01", "mileage": 9}]}),
    ("an unknown item", ITEMS, "e80177", {"items": [{"id": "0xe8", "hex": "77"}]}),
    ("an item of another length", ITEMS, "01020009", {"items": [{"id": "0x01", "hex": "0009"}]}),
    ("an empty item", ITEMS, "0100", {"items": [{"id": "0x01", "hex": ""}]}),
    ("an item past the end", ITEMS, "01040000000901", {"items": [{"id": "0x01", "mileage": 9}], "rest": "01"}),
    ("an item longer than what is left", ITEMS, "010400", {"items": [], "rest": "010400"}),
    ("the short variant", VARIANTS, "0102", {"variant": "short", "a": 1, "b": 2}),
    ("the long variant", VARIANTS, "01020304", {"variant": "long", "a": 0x102, "b": 0x304}),
]  # fmt: skip


@pytest.mark.parametrize(("meaning", "field", "wire", "value"), TABLE)
def test_a_field_is_read_and_written(meaning: str, field: Field, wire: str, value: Any) -> None:
    body = bytes.fromhex(wire)
    assert field.read(body, 0, len(body), {}) == (value, len(body)), meaning
    out = bytearray()
    field.write(value, out, {})
    assert out == body, meaning


@pytest.mark.parametrize(
    ("field", "wire"),
    [
        (Number("I"), "000000"),
        (Code(2), "01"),
        (Hex(4), "010203"),
        (Text(4), "414243"),
        (Time(), "2410012359"),
        (Sized("B", Text()), "0341"),
        (PAIR, "01"),
        (VARIANTS, "010203"),
    ],
)
def test_a_field_that_is_cut_is_malformed(field: Field, wire: str) -> None:
    body = bytes.fromhex(wire)
    with pytest.raises(Malformed):
        field.read(body, 0, len(body), {})


@pytest.mark.parametrize(
    ("field", "value", "complaint"),
    [
        (Number("B"), 256, "256"),
        (Number("B"), "1", "'1'"),
        (Number("H"), None, "None"),
        (Count("B", "items"), None, "None"),
        (Code(2), "0x02", "1 bytes and not 2"),
        (Code(2), 512, "not hex"),
        (Hex(), "abc", "not hex"),
        (Text(2), "测A", "longer than 2"),
        (Text(), "\N{GRINNING FACE}", "GBK"),
        (Text(), 7, "not text"),
        (Time(), "yesterday", "not hex"),
        (Repeat(PAIR), {"a": 1}, "not a list"),
        (PAIR, [1, 2], "not an object"),
        (PAIR, {"a": 1, "b": 2, "c": 3}, "c is not a field"),
        (LIST, {"items": [{"a": 1, "b": 999}]}, "items: b: 999"),
        (ITEMS, {"items": [{"id": "0x02", "fuel": 1}]}, "item 0x02 is not known"),
        (ITEMS, {"items": ["0x01"]}, "not an item"),
        (ITEMS, {"items": {}}, "not a list"),
        (ITEMS, {"items": [{"id": "0xe8", "hex": "00" * 256}]}, "256"),
        (VARIANTS, {"variant": "wide", "a": 1, "b": 2}, "short, long"),
    ],
)
def test_what_cannot_be_written_is_named(field: Field, value: Any, complaint: str) -> None:
    with pytest.raises(Unwritable, match=complaint):
        field.write(value, bytearray(), {})


def test_a_count_that_nobody_gives_is_counted() -> None:
    out = bytearray()
    LIST.write({"items": [{"a": 1, "b": 2}, {"a": 3, "b": 4}]}, out, {})
    assert out[0] == 2


@given(st.sampled_from([field for _, field, _, _ in TABLE]), st.binary(max_size=40))
def test_what_a_field_reads_it_writes_again(field: Field, body: bytes) -> None:
    try:
        value, stop = field.read(body, 0, len(body), {})
    except Malformed:
        return
    out = bytearray()
    field.write(value, out, {})
    assert out == body[:stop]
