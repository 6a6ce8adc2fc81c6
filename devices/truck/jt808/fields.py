"""The kinds of field that JT/T 808 bodies are made of, each read and written by one description.

A description loses nothing: what `read` made of some bytes, `write` turns back into the same bytes. So a text with
stray padding, or a length that does not fit its content, is given as `{"hex": ...}` in its place.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from typing import Any, Protocol, TypeAlias

#: What JSON can hold: the value of a field for people and tools.
Value: TypeAlias = Any


class Malformed(Exception):
    """The bytes do not fit the description."""


class Unwritable(ValueError):
    """A value cannot be written as its field's description asks; the text names the field."""


class Field(Protocol):
    """A piece of a body. `seen` and `whole` are the fields of the layout it stands in, for counts."""

    def read(self, body: bytes, at: int, end: int, seen: Mapping[str, Value]) -> tuple[Value, int]:
        """The value at that offset and the offset after it; never beyond `end`. Raises Malformed."""
        ...

    def write(self, value: Value, out: bytearray, whole: Mapping[str, Value]) -> None:
        """Append the value's bytes; None where the caller gave none. Raises Unwritable."""
        ...


def _take(body: bytes, at: int, end: int, size: int | None) -> bytes:
    """`size` bytes, or all that are left where it is None."""
    if size is None:
        return body[at:end]
    if at + size > end:
        raise Malformed(f"{size} bytes needed at {at}, {end - at} left")
    return body[at : at + size]


def _from_hex(value: Value, size: int | None = None) -> bytes:
    try:
        raw = bytes.fromhex(value)
    except (TypeError, ValueError):
        raise Unwritable(f"{value!r} is not hex") from None
    if size is not None and len(raw) != size:
        raise Unwritable(f"{value!r} has {len(raw)} bytes and not {size}")
    return raw


def _as_hex(value: Value) -> bytes | None:
    """The bytes of a `{"hex": ...}` that stands in for a field, else None."""
    if isinstance(value, Mapping) and value.keys() == {"hex"}:
        return _from_hex(value["hex"])
    return None


class Number:
    """An integer, by its letter in the struct module: B BYTE, H WORD, I DWORD, Q 8 bytes; h, i signed."""

    def __init__(self, code: str) -> None:
        self._struct = struct.Struct(">" + code)

    def read(self, body: bytes, at: int, end: int, _seen: Mapping[str, Value]) -> tuple[Value, int]:
        """An int."""
        after = at + self._struct.size
        if after > end:
            raise Malformed(f"{self._struct.size} bytes needed at {at}, {end - at} left")
        return self._struct.unpack_from(body, at)[0], after

    def write(self, value: Value, out: bytearray, _whole: Mapping[str, Value]) -> None:
        """An int within the field's range."""
        try:
            out += self._struct.pack(value)
        except struct.error as error:
            raise Unwritable(f"{value!r}: {error}") from None


class Count:
    """How many elements a list of the same layout has. Where a writer does not say, they are counted."""

    def __init__(self, code: str, of: str) -> None:
        self._number = Number(code)
        self._of = of

    def read(self, body: bytes, at: int, end: int, seen: Mapping[str, Value]) -> tuple[Value, int]:
        """The number that the device gives, even where the list then is shorter."""
        return self._number.read(body, at, end, seen)

    def write(self, value: Value, out: bytearray, whole: Mapping[str, Value]) -> None:
        """The given number, or the list's length."""
        items = whole.get(self._of)
        self._number.write(len(items) if value is None and isinstance(items, list) else value, out, whole)


class Code:
    """An identifier, as `0x0200`."""

    def __init__(self, size: int) -> None:
        self._size = size

    def read(self, body: bytes, at: int, end: int, _seen: Mapping[str, Value]) -> tuple[Value, int]:
        """Hex digits after 0x."""
        return "0x" + _take(body, at, end, self._size).hex(), at + self._size

    def write(self, value: Value, out: bytearray, _whole: Mapping[str, Value]) -> None:
        """The digits' bytes."""
        out += _from_hex(value[2:] if isinstance(value, str) and value[:2] == "0x" else value, self._size)


class Hex:
    """Bytes as they are (or BCD digits), in hex; all that is left where no size is given."""

    def __init__(self, size: int | None = None) -> None:
        self._size = size

    def read(self, body: bytes, at: int, end: int, _seen: Mapping[str, Value]) -> tuple[Value, int]:
        """Hex digits."""
        raw = _take(body, at, end, self._size)
        return raw.hex(), at + len(raw)

    def write(self, value: Value, out: bytearray, _whole: Mapping[str, Value]) -> None:
        """The digits' bytes."""
        out += _from_hex(value, self._size)


class Text:
    """A GBK string: of `size` bytes padded with NUL, or all that is left."""

    def __init__(self, size: int | None = None) -> None:
        self._size = size

    def read(self, body: bytes, at: int, end: int, _seen: Mapping[str, Value]) -> tuple[Value, int]:
        """The text without its padding; `{"hex": ...}` for bytes that are no GBK."""
        raw = _take(body, at, end, self._size)
        text = raw.rstrip(b"\0") if self._size is not None else raw
        try:
            value = text.decode("gbk")
            faithful = value.encode("gbk") == text
        except UnicodeError:
            faithful = False
        return value if faithful else {"hex": raw.hex()}, at + len(raw)

    def write(self, value: Value, out: bytearray, _whole: Mapping[str, Value]) -> None:
        """The text and its padding."""
        raw = _as_hex(value)
        if raw is None:
            if not isinstance(value, str):
                raise Unwritable(f"{value!r} is not text")
            try:
                raw = value.encode("gbk")
            except UnicodeError:
                raise Unwritable(f"{value!r} cannot be written in GBK") from None
        if self._size is not None and len(raw) > self._size:
            raise Unwritable(f"{value!r} is longer than {self._size} bytes")
        out += raw.ljust(self._size or 0, b"\0")


class Time:
    """BCD YYMMDDhhmmss, the terminal's own clock: GMT+8 by the standard. Not checked against the calendar."""

    _TEXT = re.compile(r"20(\d\d)-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)")

    def read(self, body: bytes, at: int, end: int, _seen: Mapping[str, Value]) -> tuple[Value, int]:
        """`2024-10-01 23:59:59`; twelve hex digits where one is no decimal digit."""
        digits = _take(body, at, end, 6).hex()
        if not digits.isdecimal():
            return digits, at + 6
        year, month, day, hour, minute, second = (digits[i : i + 2] for i in range(0, 12, 2))
        return f"20{year}-{month}-{day} {hour}:{minute}:{second}", at + 6

    def write(self, value: Value, out: bytearray, _whole: Mapping[str, Value]) -> None:
        """Six bytes."""
        match = self._TEXT.fullmatch(value) if isinstance(value, str) else None
        out += _from_hex("".join(match.groups()) if match else value, 6)


class Sized:
    """A field behind its own length in bytes."""

    def __init__(self, code: str, field: Field) -> None:
        self._length = Number(code)
        self._field = field

    def read(self, body: bytes, at: int, end: int, seen: Mapping[str, Value]) -> tuple[Value, int]:
        """The field; `{"hex": ...}` where it does not fit its length, which then costs only this field."""
        length, at = self._length.read(body, at, end, seen)
        after = at + len(_take(body, at, end, length))
        try:
            value, stop = self._field.read(body, at, after, seen)
        except Malformed:
            stop = -1
        return value if stop == after else {"hex": body[at:after].hex()}, after

    def write(self, value: Value, out: bytearray, whole: Mapping[str, Value]) -> None:
        """The length and the field."""
        raw = _as_hex(value)
        content = bytearray(raw or b"")
        if raw is None:
            self._field.write(value, content, whole)
        self._length.write(len(content), out, whole)
        out += content


class Repeat:
    """A list: as many as the field named `count` says, or up to the end. It stops before an item that does not fit."""

    def __init__(self, item: Field, count: str | None = None) -> None:
        self._item = item
        self._count = count

    def read(self, body: bytes, at: int, end: int, seen: Mapping[str, Value]) -> tuple[Value, int]:
        """A list; shorter than `count` where the body ends early."""
        items: list[Value] = []
        while at < end and (self._count is None or len(items) < seen[self._count]):
            try:
                item, at = self._item.read(body, at, end, seen)
            except Malformed:
                break
            items.append(item)
        return items, at

    def write(self, value: Value, out: bytearray, whole: Mapping[str, Value]) -> None:
        """The items."""
        if not isinstance(value, list):
            raise Unwritable(f"{value!r} is not a list")
        for item in value:
            self._item.write(item, out, whole)


class Maybe:
    """A field that a body may end before; nothing but others like it may follow."""

    def __init__(self, field: Field) -> None:
        self.field = field


class Layout:
    """Named fields one after the other: a dict. An `open` one keeps bytes that follow them as `rest`, in hex."""

    def __init__(self, *fields: tuple[str, Field | Maybe], open_: bool = False) -> None:
        self._fields = tuple(
            (name, field.field if isinstance(field, Maybe) else field, isinstance(field, Maybe))
            for name, field in fields
        )
        self._open = open_

    def read(self, body: bytes, at: int, end: int, _seen: Mapping[str, Value]) -> tuple[Value, int]:
        """A dict in the layout's order."""
        values: dict[str, Value] = {}
        for name, field, optional in self._fields:
            if optional and at == end:
                break
            values[name], at = field.read(body, at, end, values)
        if self._open and at < end:
            values["rest"] = body[at:end].hex()
            at = end
        return values, at

    def write(self, value: Value, out: bytearray, _whole: Mapping[str, Value]) -> None:
        """The fields in the layout's order, whatever the dict's."""
        if not isinstance(value, Mapping):
            raise Unwritable(f"{value!r} is not an object")
        unknown = value.keys() - {name for name, _, _ in self._fields} - ({"rest"} if self._open else set())
        if unknown:
            raise Unwritable(f"{min(unknown)} is not a field here")
        for name, field, optional in self._fields:
            if optional and name not in value:
                continue
            try:
                field.write(value.get(name), out, value)
            except Unwritable as error:
                raise Unwritable(f"{name}: {error}") from None
        out += _from_hex(value.get("rest", ""))


class Tlv:
    """Items of id, length BYTE and value, up to the end, by a table of layouts.

    An item that is not in it, or not as long as its layout, keeps its value as `hex`. A last item that passes the end
    is left to the layout's `rest`.
    """

    def __init__(self, id_size: int, known: Mapping[int, Layout]) -> None:
        self._id_size = id_size
        self._known = known

    def read(self, body: bytes, at: int, end: int, _seen: Mapping[str, Value]) -> tuple[Value, int]:
        """A list of dicts with `id` first."""
        items: list[Value] = []
        head = self._id_size + 1
        while at + head <= end:
            number = int.from_bytes(body[at : at + self._id_size], "big")
            after = at + head + body[at + self._id_size]
            if after > end:
                break
            items.append({"id": f"0x{number:0{2 * self._id_size}x}", **self._content(number, body, at + head, after)})
            at = after
        return items, at

    def write(self, value: Value, out: bytearray, whole: Mapping[str, Value]) -> None:
        """Each item with its length."""
        if not isinstance(value, list):
            raise Unwritable(f"{value!r} is not a list")
        for item in value:
            if not isinstance(item, Mapping):
                raise Unwritable(f"{item!r} is not an item")
            content = {name: part for name, part in item.items() if name != "id"}
            id_at = len(out)
            Code(self._id_size).write(item.get("id"), out, whole)
            raw = _as_hex(content)
            inner = bytearray(raw or b"")
            if raw is None:
                self._layout(int.from_bytes(out[id_at:], "big")).write(content, inner, whole)
            Number("B").write(len(inner), out, whole)
            out += inner

    def _content(self, number: int, body: bytes, at: int, after: int) -> dict[str, Value]:
        layout = self._known.get(number)
        if layout is not None:
            try:
                values, stop = layout.read(body, at, after, {})
            except Malformed:
                stop = -1
            if stop == after:
                return dict(values)
        return {"hex": body[at:after].hex()}

    def _layout(self, number: int) -> Layout:
        if number not in self._known:
            raise Unwritable(f"item 0x{number:02x} is not known: give its value as hex")
        return self._known[number]


class OneOf:
    """Layouts of different standards under one message id, told apart by which of them fits to the last byte."""

    def __init__(self, **variants: Layout) -> None:
        self._variants = variants

    def read(self, body: bytes, at: int, end: int, seen: Mapping[str, Value]) -> tuple[Value, int]:
        """The first that fits, with its name as `variant`. Raises Malformed where none does."""
        for name, layout in self._variants.items():
            try:
                values, stop = layout.read(body, at, end, seen)
            except Malformed:
                continue
            if stop == end:
                return {"variant": name, **values}, stop
        raise Malformed("no variant fits")

    def write(self, value: Value, out: bytearray, whole: Mapping[str, Value]) -> None:
        """By the variant that the value names."""
        if not isinstance(value, Mapping) or value.get("variant") not in self._variants:
            raise Unwritable(f"variant must be one of {', '.join(self._variants)}")
        content = {name: part for name, part in value.items() if name != "variant"}
        self._variants[value["variant"]].write(content, out, whole)
